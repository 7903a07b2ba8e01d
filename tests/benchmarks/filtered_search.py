"""Filters, known pictures and next pages among many pictures: ``python -m tests.benchmarks.filtered_search``.

What a search costs beside a bare kNN request without any filter: both are asked in turn, so that they see the same machine, and every
answer is held against the exact one, computed with numpy. With ES_URL and ``--keep`` the index of an earlier run serves again.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

import numpy as np
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch import queries
from lookalike.adapters.elasticsearch.index import ElasticsearchIndex
from lookalike.adapters.http.fetcher import HttpFetcher
from lookalike.domain import IndexedPicture, Model, Pixels, Vector, Vectors
from lookalike.filters import EVERYTHING, Filter, Terms
from lookalike.pictures.decoding import content_sha256
from lookalike.search import ranking
from lookalike.search.ports import SearchTarget, Selection
from lookalike.search.query_vectors import ByContent, QueryVectors
from lookalike.search.ranking import SearchOptions
from lookalike.search.search import Query, Search, SearchResult

from functions.search import cursors
from functions.search.requests import Options
from infra.demo.catalogue import drawn_catalogue
from tests.benchmarks.local_elasticsearch import elasticsearch, empty_index, made_up_picture

MODEL = Model("made_up_features", "0" * 64, 1536, (299, 299), "bilinear", "none")
CLUSTERS = 2000
DIRECTIONS = 48
WARM_UP = 20
SIZE = 10
K = max(ranking.K_FACTORS[0] * (SIZE + 1), ranking.LEAST_K)
SHARES = {"50 %": 2, "5 %": 20, "0.5 %": 200, "0.01 %": 10_000}
"""Every how manyth picture passes the filter."""

MOST_RATIO = 3.0
LEAST_RECALL = 0.99


class Unasked:
    """A network that must not be needed."""

    model = MODEL

    def embed(self, pixels: Sequence[Pixels]) -> Vectors:
        """Fails."""
        raise AssertionError("a known picture was embedded")

    def from_vectors(self, vectors: Vectors, model: Model) -> Vectors | None:
        """Fails."""
        raise AssertionError("no index is copied")

    def embed_text(self, text: str) -> Vector:
        """Fails."""
        raise AssertionError("no text was given")


@dataclass
class Measured:
    """Milliseconds and recalls of one kind of request, in the order of the queries."""

    ms: list[float] = field(default_factory=list)
    recalls: list[float] = field(default_factory=list)

    @property
    def p50_ms(self) -> float:
        """The median without the first ones."""
        return median(self.ms[WARM_UP:])


def main() -> None:
    """Prints medians, ratios and recalls; fails if one is not as promised."""
    parser = argparse.ArgumentParser(description="Filters, known pictures and next pages beside a bare kNN request.")
    parser.add_argument("--pictures", type=int, default=120_000, help="how many made-up vectors the index holds")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--keep", action="store_true", help="use the index that is there, if it holds as many")
    given = parser.parse_args()
    contents = [item.path.read_bytes() for item in drawn_catalogue(Path("build/catalogue")).items]
    vectors = features(given.pictures, seed=0)
    asked = features(WARM_UP + given.queries, seed=1)
    with elasticsearch() as url:
        client = Elasticsearch(url, request_timeout=300)
        index = filled_index(client, vectors, contents, keep=given.keep)
        measured = measure(client, index, vectors, asked, contents)
    if not report(measured, given.pictures):
        sys.exit("not as promised")


def features(count: int, seed: int) -> Vectors:
    """Unit vectors as an average pool over non-negative features gives them.

    Networks use few of their many dimensions: pictures are points in `DIRECTIONS` dimensions, in clusters of several sizes, which a layer
    with random weights makes `MODEL.dimensions` numbers of.
    """
    layer = np.random.default_rng(99)
    weights = layer.normal(size=(DIRECTIONS, MODEL.dimensions)).astype(np.float32)
    centres = layer.normal(size=(CLUSTERS, DIRECTIONS)).astype(np.float32)
    random = np.random.default_rng(seed)
    chosen = (random.pareto(1.0, count) * CLUSTERS / 10).astype(np.int64) % CLUSTERS
    made = np.empty((count, MODEL.dimensions), np.float32)
    for start in range(0, count, 10_000):
        part = slice(start, start + 10_000)
        points = centres[chosen[part]] + random.normal(scale=0.7, size=(len(made[part]), DIRECTIONS)).astype(np.float32)
        made[part] = np.maximum(points @ weights, 0)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made


def filled_index(client: Elasticsearch, vectors: Vectors, contents: Sequence[bytes], *, keep: bool) -> ElasticsearchIndex:
    """The index; its first pictures have the bytes of the contents."""
    name = f"bench-{MODEL.id}-1"
    if keep and client.indices.exists(index=name) and client.count(index=name)["count"] == len(vectors):
        return ElasticsearchIndex(client, name)
    start = time.perf_counter()
    index = empty_index(client, MODEL)
    refused = index.write(zip(_pictures(len(vectors), contents), vectors, strict=True), ())
    assert not refused, next(iter(refused.values()))
    client.indices.refresh(index=index.name)
    print(f"indexed {len(vectors):,} pictures in {time.perf_counter() - start:.0f} s")
    return index


def measure(
    client: Elasticsearch, index: ElasticsearchIndex, vectors: Vectors, asked: Vectors, contents: Sequence[bytes]
) -> dict[str, Measured]:
    """Asks each query in every way, one after the other."""
    search = Search(lambda: SearchTarget(index, Unasked()), HttpFetcher(), lambda address: address)
    kinds = ["bare kNN", "no filter", *SHARES, "known picture", "next page"]
    measured = {kind: Measured() for kind in kinds}

    def timed(kind: str, work: Callable[[], SearchResult | ranking.ResultPage | object]) -> SearchResult | ranking.ResultPage | object:
        start = time.perf_counter()
        found = work()
        measured[kind].ms.append((time.perf_counter() - start) * 1000)
        return found

    for number, vector in enumerate(asked):
        timed("bare kNN", lambda vector=vector: client.search(index=index.name, **queries.knn(vector, Selection(), k=K, size=SIZE)))  # type: ignore[misc]
        for kind, every in {"no filter": 1, **SHARES}.items():
            wanted = SearchOptions(EVERYTHING if every == 1 else _share(every), SIZE)
            page = timed(kind, lambda vector=vector, wanted=wanted: ranking.page(QueryVectors((vector,)), wanted, index))  # type: ignore[misc]
            assert isinstance(page, ranking.ResultPage)
            measured[kind].recalls.append(_recall([hit.product_id for hit in page.hits], vector, vectors, every, SIZE))
        known = number % len(contents)
        first = timed("known picture", lambda known=known: search.search(Query(ByContent(contents[known]), SearchOptions(size=SIZE))))  # type: ignore[misc]
        assert isinstance(first, SearchResult)
        assert first.hits[0].product_id == f"p-{known}"
        following = timed("next page", lambda first=first: _next(search, first))  # type: ignore[misc]
        assert isinstance(following, SearchResult)
        both = [hit.product_id for hit in (*first.hits, *following.hits)]
        assert len(set(both)) == 2 * SIZE
        measured["known picture"].recalls.append(_recall(both[:SIZE], vectors[known], vectors, 1, SIZE))
        measured["next page"].recalls.append(_recall(both, vectors[known], vectors, 1, 2 * SIZE))
    return measured


def report(measured: dict[str, Measured], pictures: int) -> bool:
    """Prints a line for each kind; answers whether all is as promised."""
    bare, unfiltered = measured["bare kNN"].p50_ms, measured["no filter"].p50_ms
    print(f"{pictures:,} pictures of {MODEL.dimensions} numbers, {len(measured['bare kNN'].ms) - WARM_UP} queries")
    good = True
    for kind, each in measured.items():
        ratio = each.p50_ms / (unfiltered if kind in SHARES else bare)
        recall = float(np.mean(each.recalls)) if each.recalls else 1.0
        is_good = ratio <= MOST_RATIO and recall >= LEAST_RECALL
        against = "no filter" if kind in SHARES else "bare kNN"
        found = f", recall@10 {recall:.4f}" if each.recalls else ""
        print(f"{kind:>14}: p50 {each.p50_ms:6.2f} ms, {ratio:4.2f} of {against}{found}{'' if is_good else '  NOT AS PROMISED'}")
        good = good and is_good
    return good


def _next(search: Search, first: SearchResult) -> SearchResult:
    """The next page as a client asks for it: by the cursor's text."""
    following = first.next_query()
    assert following
    _, query = cursors.from_json({"cursor": cursors.encode(following, Options(size=SIZE))})
    return search.search(query)


def _share(every: int) -> Filter:
    return Terms(f"every_{every}", ("0",))


def _recall(found: Sequence[str], vector: Vector, vectors: Vectors, every: int, size: int) -> float:
    """How many of the exact nearest ones were found."""
    exact = np.argsort(-(vectors[::every] @ vector))[:size] * every
    return len({f"p-{number}" for number in exact} & set(found)) / min(size, len(exact))


def _pictures(count: int, contents: Sequence[bytes]) -> Iterator[IndexedPicture]:
    for number in range(count):
        attributes = {f"every_{every}": number % every for every in SHARES.values()} | {"price": number % 97}
        picture = made_up_picture(number, attributes)
        yield replace(picture, content_sha256=content_sha256(contents[number])) if number < len(contents) else picture


if __name__ == "__main__":
    main()
