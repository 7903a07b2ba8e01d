"""Which index an alias leads to, who makes the first one, and what is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch_catalogue import CACHED_S, ElasticsearchCatalogue, definition
from lookalike.domain import Model
from lookalike.errors import IndexAway, IndexMissing, Misconfigured

from tests.fakes import MODEL
from tests.integration.samples import DEFINITIONS

OTHER = Model("other", "1" * 64, 128, (8, 8), "bilinear", "none")


class Clock:
    """Stands still until it is moved."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def catalogue(elasticsearch: Elasticsearch, name: str, clock: Clock) -> ElasticsearchCatalogue:
    return ElasticsearchCatalogue(elasticsearch, name, DEFINITIONS, clock)


@pytest.fixture
def create(elasticsearch: Elasticsearch, name: str) -> Callable[..., str]:
    """Makes an index for a model, behind aliases; answers with its name."""

    def make(suffix: str, model: Model, *aliases: str) -> str:
        index = f"{name}-{suffix}"
        elasticsearch.indices.create(index=index, aliases={alias: {} for alias in aliases}, **definition(DEFINITIONS, model))
        return index

    return make


def test_before_the_first_picture_there_is_no_index(catalogue: ElasticsearchCatalogue) -> None:
    with pytest.raises(IndexMissing):
        catalogue.current()


def test_the_first_index_is_made_for_the_model_and_found_by_its_alias(
    catalogue: ElasticsearchCatalogue, elasticsearch: Elasticsearch, name: str
) -> None:
    [written] = catalogue.written(MODEL)

    assert catalogue.current() == written
    assert (written.name, written.model_id, written.weights_sha256) == (f"{name}-fake-1", MODEL.id, MODEL.weights_sha256)
    mappings = elasticsearch.indices.get_mapping(index=name)[written.name]["mappings"]
    assert mappings["properties"]["image_vector"]["dims"] == MODEL.dimensions


def test_of_two_who_make_the_first_index_at_once_both_write_to_the_same(
    catalogue: ElasticsearchCatalogue, elasticsearch: Elasticsearch, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quicker = ElasticsearchCatalogue(elasticsearch, name, DEFINITIONS)

    def not_yet(**_: Any) -> bool:
        monkeypatch.undo()
        quicker.written(MODEL)
        return False

    monkeypatch.setattr(elasticsearch.indices, "exists", not_yet)

    assert catalogue.written(MODEL) == quicker.written(MODEL)
    assert list(elasticsearch.indices.get(index=f"{name}-*")) == [f"{name}-fake-1"]


def test_an_index_that_is_there_is_written_whatever_model_a_first_one_would_have(
    catalogue: ElasticsearchCatalogue, create: Callable[..., str], name: str
) -> None:
    there = create("other-7", OTHER, name)

    assert [(info.name, info.model_id) for info in catalogue.written(MODEL)] == [(there, "other")]


def test_an_index_that_is_being_filled_is_written_too_and_not_searched(
    catalogue: ElasticsearchCatalogue, create: Callable[..., str], name: str
) -> None:
    old, new = create("fake-1", MODEL, name), create("other-1", OTHER, f"{name}-next")

    assert {info.name: info.model_id for info in catalogue.written(MODEL)} == {old: "fake", new: "other"}
    assert catalogue.current().name == old


def test_an_index_behind_both_aliases_is_written_once(catalogue: ElasticsearchCatalogue, create: Callable[..., str], name: str) -> None:
    both = create("fake-1", MODEL, name, f"{name}-next")

    assert [info.name for info in catalogue.written(MODEL)] == [both]


def test_an_alias_that_moves_is_followed_when_the_answer_has_grown_old(
    catalogue: ElasticsearchCatalogue, elasticsearch: Elasticsearch, create: Callable[..., str], name: str, clock: Clock
) -> None:
    old, new = create("fake-1", MODEL, name), create("other-1", OTHER)
    assert catalogue.current().name == old
    elasticsearch.indices.update_aliases(actions=[{"remove": {"index": old, "alias": name}}, {"add": {"index": new, "alias": name}}])
    assert catalogue.current().name == old

    clock.now_s += CACHED_S + 1

    assert catalogue.current().name == new


def test_an_index_that_names_no_model_is_our_fault(catalogue: ElasticsearchCatalogue, elasticsearch: Elasticsearch, name: str) -> None:
    elasticsearch.indices.create(index=f"{name}-strange", aliases={name: {}})

    with pytest.raises(Misconfigured, match=f"{name}-strange"):
        catalogue.current()
    with pytest.raises(Misconfigured):
        catalogue.written(MODEL)


def test_an_alias_that_leads_to_two_indices_is_our_fault(catalogue: ElasticsearchCatalogue, create: Callable[..., str], name: str) -> None:
    one, other = create("fake-1", MODEL, name), create("fake-2", MODEL, name)

    with pytest.raises(Misconfigured, match="several") as fault:
        catalogue.current()

    assert one in str(fault.value)
    assert other in str(fault.value)


def test_what_was_mended_is_seen_at_once(
    catalogue: ElasticsearchCatalogue, elasticsearch: Elasticsearch, create: Callable[..., str], name: str
) -> None:
    one, other = create("fake-1", MODEL, name), create("fake-2", MODEL, name)
    with pytest.raises(Misconfigured):
        catalogue.current()

    elasticsearch.indices.delete_alias(index=other, name=name)

    assert catalogue.current().name == one


def test_a_server_that_is_not_there_is_away(name: str) -> None:
    with Elasticsearch("http://127.0.0.1:9", max_retries=0) as nobody, pytest.raises(IndexAway):
        ElasticsearchCatalogue(nobody, name, DEFINITIONS).current()
