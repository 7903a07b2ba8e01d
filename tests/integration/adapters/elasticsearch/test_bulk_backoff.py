"""Bulk writes that Elasticsearch answers with 429: it does so for each document of an index that it has locked for want of disk space."""

from collections.abc import Callable

import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.index import ElasticsearchIndex
from lookalike.adapters.elasticsearch.outcome_store import ElasticsearchOutcomeStore
from lookalike.errors import IndexUnavailable
from lookalike.indexing.outcomes import ItemOutcome

from tests.integration.samples import indexed, pictures_definition, vector

PICTURE = indexed("hat")


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that a writer wants to make, in seconds; none is made."""
    wanted: list[float] = []
    monkeypatch.setattr("elasticsearch.helpers.actions.time.sleep", wanted.append)
    return wanted


def _lock(client: Elasticsearch, name: str, is_locked: bool) -> None:
    client.indices.put_settings(index=name, settings={"index.blocks.read_only_allow_delete": is_locked or None})


def _unlock_after(client: Elasticsearch, name: str, pauses: int, made: list[float]) -> Callable[[float], None]:
    def pause(seconds: float) -> None:
        made.append(seconds)
        if len(made) == pauses:
            _lock(client, name, False)

    return pause


def test_a_busy_index_is_tried_again_after_ever_longer_pauses(
    elasticsearch: Elasticsearch, name: str, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    elasticsearch.indices.create(index=name, **pictures_definition())
    _lock(elasticsearch, name, True)
    monkeypatch.setattr("elasticsearch.helpers.actions.time.sleep", _unlock_after(elasticsearch, name, 2, pauses))
    index = ElasticsearchIndex(elasticsearch, name)

    assert index.write([(PICTURE, vector(0))], []) == {}
    assert pauses == [2, 4]
    assert index.pictures([PICTURE.image_id]) == {PICTURE.image_id: PICTURE}


def test_a_picture_that_a_busy_index_never_takes_ends_as_retry(elasticsearch: Elasticsearch, name: str, pauses: list[float]) -> None:
    elasticsearch.indices.create(index=name, **pictures_definition())
    _lock(elasticsearch, name, True)

    refused = ElasticsearchIndex(elasticsearch, name).write([(PICTURE, vector(0))], [])

    assert pauses == [2, 4, 8]
    assert {image: error.ending for image, error in refused.items()} == {PICTURE.image_id: "retry"}


def test_outcomes_are_written_after_the_same_pauses_or_raise(
    elasticsearch: Elasticsearch, name: str, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = ElasticsearchOutcomeStore(elasticsearch, name)
    outcomes.record([ItemOutcome("hat", "indexed", "b", 1)])
    _lock(elasticsearch, name, True)
    with pytest.raises(IndexUnavailable):
        outcomes.record([ItemOutcome("mug", "indexed", "b", 1)])
    assert pauses == [2, 4, 8]

    pauses.clear()
    monkeypatch.setattr("elasticsearch.helpers.actions.time.sleep", _unlock_after(elasticsearch, name, 1, pauses))
    outcomes.record([ItemOutcome("mug", "indexed", "b", 1)])

    assert pauses == [2]
    elasticsearch.indices.refresh(index=name)
    assert outcomes.counts("b", 1, 1).indexed == 2
