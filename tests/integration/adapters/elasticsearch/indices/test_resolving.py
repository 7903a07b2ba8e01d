"""Which index an alias leads to, who makes the first one, and what is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.backfill_indices import BackfillIndices
from lookalike.adapters.elasticsearch.indices import CACHED_S, ElasticsearchIndices
from lookalike.errors import IndexMissing, IndexUnavailable, Misconfigured

from tests.fakes import MODEL
from tests.integration.adapters.elasticsearch.indices.manual_clock import ManualClock
from tests.integration.samples import OTHER_MODEL


def test_before_the_first_picture_there_is_no_index(indices: BackfillIndices) -> None:
    with pytest.raises(IndexMissing):
        indices.current()


def test_the_first_index_is_made_for_the_model_and_found_by_its_alias(
    indices: BackfillIndices, elasticsearch: Elasticsearch, name: str
) -> None:
    [written] = indices.written(MODEL)

    assert indices.current() == written
    assert (written.name, written.model_id, written.weights_sha256) == (f"{name}-fake-1", MODEL.id, MODEL.weights_sha256)
    mappings = elasticsearch.indices.get_mapping(index=name)[written.name]["mappings"]
    assert mappings["properties"]["image_vector"]["dims"] == MODEL.dimensions


def test_of_two_who_make_the_first_index_at_once_both_write_to_the_same(
    indices: BackfillIndices, elasticsearch: Elasticsearch, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quicker = ElasticsearchIndices(elasticsearch, name)

    def not_yet(**_: Any) -> bool:
        monkeypatch.undo()
        quicker.written(MODEL)
        return False

    monkeypatch.setattr(elasticsearch.indices, "exists", not_yet)

    assert indices.written(MODEL) == quicker.written(MODEL)
    assert list(elasticsearch.indices.get(index=f"{name}-*")) == [f"{name}-fake-1"]


def test_an_index_that_is_there_is_written_whatever_model_a_first_one_would_have(
    indices: BackfillIndices, create: Callable[..., str], name: str
) -> None:
    there = create("other-7", OTHER_MODEL, name)

    assert [(info.name, info.model_id) for info in indices.written(MODEL)] == [(there, "other")]


def test_an_index_that_is_being_filled_is_written_too_and_not_searched(
    indices: BackfillIndices, create: Callable[..., str], name: str
) -> None:
    old, new = create("fake-1", MODEL, name), create("other-1", OTHER_MODEL, f"{name}-next")

    assert {info.name: info.model_id for info in indices.written(MODEL)} == {old: "fake", new: "other"}
    assert indices.current().name == old
    assert (following := indices.next()) is not None
    assert following.name == new


def test_where_no_index_is_being_filled_there_is_no_next_one(indices: BackfillIndices, create: Callable[..., str], name: str) -> None:
    create("fake-1", MODEL, name)

    assert indices.next() is None


def test_an_index_behind_both_aliases_is_written_once(indices: BackfillIndices, create: Callable[..., str], name: str) -> None:
    both = create("fake-1", MODEL, name, f"{name}-next")

    assert [info.name for info in indices.written(MODEL)] == [both]


def test_an_alias_that_moves_is_followed_when_the_cached_answer_expires(
    indices: BackfillIndices, elasticsearch: Elasticsearch, create: Callable[..., str], name: str, clock: ManualClock
) -> None:
    old, new = create("fake-1", MODEL, name), create("other-1", OTHER_MODEL)
    assert indices.current().name == old
    elasticsearch.indices.update_aliases(actions=[{"remove": {"index": old, "alias": name}}, {"add": {"index": new, "alias": name}}])
    assert indices.current().name == old

    clock.now_s += CACHED_S + 1

    assert indices.current().name == new


def test_an_index_that_names_no_model_is_misconfigured(indices: BackfillIndices, elasticsearch: Elasticsearch, name: str) -> None:
    elasticsearch.indices.create(index=f"{name}-strange", aliases={name: {}})

    with pytest.raises(Misconfigured, match=f"{name}-strange"):
        indices.current()
    with pytest.raises(Misconfigured):
        indices.written(MODEL)


def test_an_alias_that_leads_to_two_indices_is_misconfigured(indices: BackfillIndices, create: Callable[..., str], name: str) -> None:
    one, other = create("fake-1", MODEL, name), create("fake-2", MODEL, name)

    with pytest.raises(Misconfigured, match="several") as fault:
        indices.current()

    assert one in str(fault.value)
    assert other in str(fault.value)


def test_a_corrected_alias_is_seen_at_once(
    indices: BackfillIndices, elasticsearch: Elasticsearch, create: Callable[..., str], name: str
) -> None:
    one, other = create("fake-1", MODEL, name), create("fake-2", MODEL, name)
    with pytest.raises(Misconfigured):
        indices.current()

    elasticsearch.indices.delete_alias(index=other, name=name)

    assert indices.current().name == one


def test_a_closed_index_is_still_the_alias_s_and_none_is_made_beside_it(
    indices: BackfillIndices, elasticsearch: Elasticsearch, create: Callable[..., str], name: str
) -> None:
    closed = create("fake-2", MODEL, name)
    elasticsearch.indices.close(index=closed)

    assert [info.name for info in indices.written(MODEL)] == [closed]
    assert list(elasticsearch.indices.get_alias(name=name, expand_wildcards="all")) == [closed]


def test_a_server_that_cannot_be_reached_is_unavailable(name: str) -> None:
    with Elasticsearch("http://127.0.0.1:9", max_retries=0) as nobody, pytest.raises(IndexUnavailable):
        ElasticsearchIndices(nobody, name).current()


def test_an_index_is_found_by_its_own_name(indices: BackfillIndices, create: Callable[..., str]) -> None:
    index = create("other-3", OTHER_MODEL)

    assert (indices.named(index).name, indices.named(index).model_id) == (index, "other")
    with pytest.raises(IndexMissing):
        indices.named("there-is-no-such-index")


def test_two_indices_that_are_being_filled_stop_writes_and_not_searches(
    indices: BackfillIndices, create: Callable[..., str], name: str
) -> None:
    searched = create("fake-1", MODEL, name)
    for number in (2, 3):
        create(f"fake-{number}", MODEL, f"{name}-next")

    assert indices.current().name == searched
    with pytest.raises(Misconfigured, match="several"):
        indices.written(MODEL)


def test_nothing_is_written_where_the_first_index_exists_without_its_alias(
    indices: BackfillIndices, create: Callable[..., str], name: str
) -> None:
    create("fake-1", MODEL)

    with pytest.raises(Misconfigured, match="add the alias"):
        indices.written(MODEL)
