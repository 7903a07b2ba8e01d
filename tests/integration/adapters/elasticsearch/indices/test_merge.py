"""Merging an index into few segments, in a real Elasticsearch."""

import time

import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.backfill_indices import BackfillIndices
from lookalike.errors import Misconfigured

LONGEST_S = 120


def _in_segments(elasticsearch: Elasticsearch, name: str, count: int) -> None:
    for number in range(count):
        elasticsearch.index(index=name, document={"product_id": f"p-{number}"}, refresh=True)


def _segments(elasticsearch: Elasticsearch, name: str) -> int:
    count: int = elasticsearch.indices.stats(index=name)["_all"]["primaries"]["segments"]["count"]
    return count


def test_an_index_is_merged_in_the_background_and_can_be_written_meanwhile(
    indices: BackfillIndices, elasticsearch: Elasticsearch, name: str
) -> None:
    _in_segments(elasticsearch, name, 3)
    assert _segments(elasticsearch, name) == 3

    task = indices.begin_merge(name)
    assert task is not None
    until = time.monotonic() + LONGEST_S
    while not indices.is_merged(task):
        assert time.monotonic() < until
    elasticsearch.indices.refresh(index=name)

    assert _segments(elasticsearch, name) == 1
    assert indices.begin_merge(name) is None
    assert elasticsearch.count(index=name)["count"] == 3


@pytest.mark.parametrize("is_named", [False, True])
def test_there_is_nothing_to_merge_where_nothing_was_indexed(indices: BackfillIndices, name: str, is_named: bool) -> None:
    assert indices.begin_merge(f"{name}-gone-1" if is_named else None) is None


def test_a_merge_that_the_server_does_not_know_is_told(indices: BackfillIndices) -> None:
    with pytest.raises(Misconfigured, match="did not merge"):
        indices.is_merged("aaaaaaaaaaaaaaaaaaaaaa:1")
