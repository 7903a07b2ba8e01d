"""What an index asks of Elasticsearch: whole answers, and enough pictures where many are dropped."""

from collections.abc import Callable, Sequence
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
from lookalike.adapters.elasticsearch.index import ElasticsearchIndex
from lookalike.domain import Vector
from lookalike.filters import parse
from lookalike.search.ports import MAX_K, Selection

VECTOR: Vector = np.full(4, 0.5, np.float32)


def asked(client: MagicMock) -> dict[str, Any]:
    """The one search that was sent."""
    [call] = client.search.call_args_list
    return dict(call.kwargs)


def answering(hits: list[dict[str, Any]]) -> MagicMock:
    client = MagicMock()
    client.search.return_value = {"hits": {"total": {"value": len(hits)}, "hits": hits}}
    return client


@pytest.mark.parametrize(("dropped", "k"), [(0, 50), (10, 50), (40, 102), (100, 222)])
def test_a_later_page_looks_among_more_pictures_but_the_second_among_as_many_as_the_first(dropped: int, k: int) -> None:
    client = answering([])

    ElasticsearchIndex(client, "i").nearest(VECTOR, Selection(without=frozenset(map(str, range(dropped)))), k=50, size=11)

    assert (asked(client)["knn"]["k"], asked(client)["size"]) == (k, 11 + dropped)


@pytest.mark.parametrize("dropped", [0, 39, 100])
def test_each_wider_request_is_wider_whatever_is_dropped(dropped: int) -> None:
    found = []
    for k in (50, 88, 352, MAX_K):
        client = answering([])
        ElasticsearchIndex(client, "i").nearest(VECTOR, Selection(without=frozenset(map(str, range(dropped)))), k=k, size=11)
        found.append(asked(client)["knn"]["k"])

    assert found == sorted(set(found))
    assert found[-1] == MAX_K


def test_an_answer_without_a_shard_s_hits_is_an_error() -> None:
    asks: Sequence[Callable[[ElasticsearchIndex], object]] = (
        lambda index: index.nearest(VECTOR, Selection(), k=10, size=5),
        lambda index: index.exact(VECTOR, Selection(), size=5),
        lambda index: index.images_of(["hat"], "products"),
        lambda index: index.pictures_of("hat", 5),
        lambda index: index.stored_of("hat", 5),
        lambda index: index.embedded(["0" * 64]),
    )
    for ask in asks:
        client = answering([])
        ask(ElasticsearchIndex(client, "i"))
        assert asked(client)["allow_partial_search_results"] is False


def test_nor_is_a_warning_told_of_some_of_the_shards() -> None:
    client = MagicMock()
    client.msearch.return_value = {"responses": [{"hits": {"hits": []}}]}

    ElasticsearchIndex(client, "i").warnings(parse({"colour": "red"}))

    assert client.msearch.call_args.kwargs["searches"][0] == {"allow_partial_search_results": False}
