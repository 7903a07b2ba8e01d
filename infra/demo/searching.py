"""Searches through the API as a shop's own service does, and how precise they are: of the same category as what was asked for."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, TypeAlias

import requests
from lookalike.pictures.formats import media_type_of
from lookalike.search.ranking import MAX_HASH_DISTANCE, hash_distance
from rich.progress import Progress

from infra.local.child_process import Failure
from infra.local.invocation import Json

TIMEOUT_S = 30
JUDGED_HITS = 20
"""How many are asked for, so that five are left without near duplicates."""

SEARCHES_AT_ONCE = 4


class SearchClient:
    """Searches, and gives back the API's answers as they are; may be shared by threads."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()

    def by_url(self, image_url: str, size: int) -> Json:
        """What looks like the picture at this address."""
        return self._ask("GET", params={"image_url": image_url, "size": str(size)})

    def by_upload(self, picture: Path, size: int) -> Json:
        """What looks like this file, which is sent as the request's body."""
        headers = {"Content-Type": media_type_of(picture.name)}
        return self._ask("POST", params={"size": str(size)}, data=picture.read_bytes(), headers=headers)

    def by_product(self, product_id: str, size: int) -> Json:
        """What looks like a product that is indexed; itself left out."""
        return self._ask("POST", json={"product_id": product_id, "size": size})

    def _ask(self, method: str, **request: Any) -> Json:
        answer = self._session.request(method, f"{self._url}/search", timeout=TIMEOUT_S, **request)
        body: Json = answer.json()
        if not answer.ok:
            raise Failure(f"{answer.status_code}: {body['error']['message']}")
        return body


@dataclass(frozen=True, slots=True)
class Judged:
    """A picture as its category and its 256-bit dHash in 64 hex digits."""

    category: str
    perceptual_hash: str


Ranking: TypeAlias = tuple[Judged, Sequence[Judged]]
"""A query and what was found for it, the nearest first."""


def rankings(search: SearchClient, judged: Mapping[str, Judged], progress: Progress) -> list[Ranking]:
    """Searches by each product of these ids; hits that are none of them are left out."""

    def ranking(product_id: str) -> Ranking:
        hits = search.by_product(product_id, JUDGED_HITS)["hits"]
        return judged[product_id], [judged[hit["product_id"]] for hit in hits if hit["product_id"] in judged]

    with ThreadPoolExecutor(SEARCHES_AT_ONCE) as threads:
        return list(progress.track(threads.map(ranking, judged), total=len(judged), description="search by each product"))


def precision_at(k: int, rankings: Sequence[Ranking]) -> float:
    """P@k: the share of the first ``k`` hits that have the query's category, as a mean over queries.

    Near duplicates of the query are left out before counting. Where fewer than ``k`` hits are left, those that lack count as wrong.
    Raises `statistics.StatisticsError` if there are no rankings.
    """
    return fmean(_right(ranking, k) / k for ranking in rankings)


def _right(ranking: Ranking, k: int) -> int:
    query, hits = ranking
    others = [hit for hit in hits if hash_distance(hit.perceptual_hash, query.perceptual_hash) > MAX_HASH_DISTANCE]
    return sum(hit.category == query.category for hit in others[:k])
