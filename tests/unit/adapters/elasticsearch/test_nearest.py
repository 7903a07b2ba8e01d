"""How many pictures kNN looks for, where products have one picture and where they have several."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.index import K_OF_SEVERAL, ElasticsearchIndex
from lookalike.search.ports import Selection

VECTOR = np.eye(1, 4, dtype=np.float32)[0]
SIZE, K = 11, 22


class Answering:
    """A server whose products have so many pictures each; keeps what k it was asked for."""

    def __init__(self, pictures_a_product: int, matching: int = 1000) -> None:
        self.asked: list[int] = []
        self._pictures_a_product = pictures_a_product
        self._matching = matching

    def search(self, *, index: str, knn: dict[str, Any], size: int, **_: Any) -> dict[str, Any]:
        """The products of the k nearest pictures."""
        self.asked.append(knn["k"])
        found = min(knn["k"], self._matching)
        hits = [_hit(number) for number in range(min(size, found // self._pictures_a_product))]
        return {"hits": {"total": {"value": found}, "hits": hits}}


def _hit(number: int) -> dict[str, Any]:
    source = {"product_id": f"p-{number}", "image_id": f"i-{number}", "image_url": "http://shop.example/a.jpg", "perceptual_hash": "0"}
    return {"_source": source, "_score": 1 / (1 + number)}


def _asked_twice(server: Answering, without: frozenset[str] = frozenset()) -> Sequence[int]:
    index = ElasticsearchIndex(cast(Elasticsearch, server), "pictures")
    for _ in range(2):
        index.nearest(VECTOR, Selection(without=without), k=K, size=SIZE)
    return server.asked


def test_an_index_of_products_with_one_picture_is_asked_for_no_more_than_needed() -> None:
    assert _asked_twice(Answering(pictures_a_product=1)) == [K, K]


def test_once_products_were_too_few_more_pictures_are_looked_for_from_then_on() -> None:
    assert _asked_twice(Answering(pictures_a_product=4)) == [K, K_OF_SEVERAL]


def test_hits_that_are_few_because_no_more_match_ask_for_no_more() -> None:
    assert _asked_twice(Answering(pictures_a_product=1, matching=5)) == [K, K]


@pytest.mark.parametrize("seen", [1, 10])
def test_what_is_left_out_is_looked_for_besides(seen: int) -> None:
    without = frozenset(f"other-{number}" for number in range(seen))

    assert _asked_twice(Answering(pictures_a_product=4), without) == [K + 2 * seen, K_OF_SEVERAL + 2 * seen]
