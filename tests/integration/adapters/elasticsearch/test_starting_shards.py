"""Indices that another process has just created, whose shards have not started."""

from collections.abc import Callable

import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.client import STARTING_S
from lookalike.adapters.elasticsearch.index import ElasticsearchIndex
from lookalike.adapters.elasticsearch.state_index import StateIndex
from lookalike.errors import IndexMissing, IndexUnavailable

NOWHERE = {"index.routing.allocation.require._name": "no-node"}

Read = Callable[[Elasticsearch, str], object]
"""Reads an index in which there is nothing."""

READS: dict[str, Read] = {
    "pictures": lambda client, name: ElasticsearchIndex(client, name).pictures(["one"]),
    "documents of the state": lambda client, name: StateIndex(client, name, "outcomes").documents(["one"]),
    "a search of the state": lambda client, name: StateIndex(client, name, "outcomes").search()["hits"]["hits"],
}


@pytest.fixture
def starting(elasticsearch: Elasticsearch, name: str) -> str:
    """The name of an index whose shards do not start by themselves."""
    elasticsearch.indices.create(index=name, settings=NOWHERE, wait_for_active_shards=0)
    return name


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_shards_that_start_are_waited_for(elasticsearch: Elasticsearch, starting: str, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    def start_shards(seconds: float) -> None:
        waited.append(seconds)
        elasticsearch.indices.put_settings(index=starting, settings=dict.fromkeys(NOWHERE))
        elasticsearch.cluster.health(index=starting, wait_for_status="yellow")

    monkeypatch.setattr("lookalike.adapters.elasticsearch.client.time.sleep", start_shards)

    assert not read(elasticsearch, starting)
    assert waited == [STARTING_S[0]]


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_shards_that_do_not_start_are_an_error_that_passes(
    elasticsearch: Elasticsearch, starting: str, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("lookalike.adapters.elasticsearch.client.time.sleep", waited.append)

    with pytest.raises(IndexUnavailable):
        read(elasticsearch, starting)
    assert waited == [*STARTING_S]


def test_an_index_of_pictures_that_is_gone_is_not_waited_for(
    elasticsearch: Elasticsearch, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lookalike.adapters.elasticsearch.client.time.sleep", pytest.fail)

    with pytest.raises(IndexMissing):
        ElasticsearchIndex(elasticsearch, name).pictures(["one"])
