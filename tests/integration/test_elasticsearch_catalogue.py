"""Which index an alias leads to, who makes the first one, and what is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch_catalogue import CACHED_S, ElasticsearchCatalogue, definition
from lookalike.backfills import Into
from lookalike.domain import Model
from lookalike.errors import IndexAway, IndexMissing, Misconfigured, RequestInvalid

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
    return ElasticsearchCatalogue(elasticsearch, name, DEFINITIONS, clock, model={MODEL.id: MODEL, OTHER.id: OTHER}.__getitem__)


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


def test_an_index_that_is_prepared_is_written_from_then_on_and_not_searched(catalogue: ElasticsearchCatalogue, name: str) -> None:
    [first] = catalogue.written(MODEL)

    assert catalogue.prepare(Into("other")) == f"{name}-other-1"
    assert [info.name for info in catalogue.written(MODEL)] == [first.name, f"{name}-other-1"]
    assert catalogue.searched() == first.name
    assert catalogue.prepare(Into("other")) == f"{name}-other-1"


def test_a_name_may_be_given_and_otherwise_is_the_model_s_next(
    catalogue: ElasticsearchCatalogue, create: Callable[..., str], name: str
) -> None:
    create("fake-7", MODEL, name)

    assert catalogue.prepare(Into("fake")) == f"{name}-fake-8"
    catalogue.let_go(f"{name}-fake-8")
    assert catalogue.prepare(Into("other", f"{name}-spring")) == f"{name}-spring"


def test_an_index_that_was_let_go_is_kept_and_not_written(catalogue: ElasticsearchCatalogue, elasticsearch: Elasticsearch) -> None:
    [first] = catalogue.written(MODEL)
    new = catalogue.prepare(Into("other"))
    catalogue.let_go(new)
    catalogue.let_go(new)

    assert catalogue.written(MODEL) == [first]
    assert elasticsearch.indices.exists(index=new)
    assert catalogue.prepare(Into("other", new)) == new


@pytest.mark.parametrize("into", [Into("fake"), Into("fake", "{}-other-1"), Into("other", "elsewhere")], ids=str)
def test_an_index_is_not_prepared_beside_another_one_nor_for_another_model_nor_under_a_strange_name(
    catalogue: ElasticsearchCatalogue, name: str, into: Into
) -> None:
    catalogue.written(MODEL)
    catalogue.prepare(Into("other"))
    if into.index == "elsewhere":
        catalogue.let_go(f"{name}-other-1")

    with pytest.raises(RequestInvalid):
        catalogue.prepare(Into(into.model, into.index.format(name) if into.index else None))


def test_a_switch_moves_the_alias_at_once_and_keeps_the_old_index(
    catalogue: ElasticsearchCatalogue, elasticsearch: Elasticsearch, name: str
) -> None:
    [old] = catalogue.written(MODEL)
    new = catalogue.prepare(Into("other"))

    assert catalogue.switch(new) == old.name

    assert (catalogue.current().name, [info.name for info in catalogue.written(MODEL)]) == (new, [new])
    assert elasticsearch.indices.exists(index=old.name)
    assert catalogue.switch(new) is None
    assert catalogue.prepare(Into("other", new)) == new
    assert [info.name for info in catalogue.written(MODEL)] == [new]


def test_the_first_index_may_be_one_that_was_switched_to(catalogue: ElasticsearchCatalogue, name: str) -> None:
    new = catalogue.prepare(Into("other"))

    assert catalogue.switch(new) is None
    assert catalogue.current().name == new


def test_a_fresh_answer_knows_an_index_that_somebody_else_prepared(
    catalogue: ElasticsearchCatalogue, create: Callable[..., str], name: str
) -> None:
    create("fake-1", MODEL, name)
    assert len(catalogue.written(MODEL)) == 1
    new = create("other-1", OTHER, f"{name}-next")

    assert len(catalogue.written(MODEL)) == 1
    assert [info.name for info in catalogue.written(MODEL, is_fresh=True)][1:] == [new]


def test_an_index_is_found_by_its_own_name(catalogue: ElasticsearchCatalogue, create: Callable[..., str]) -> None:
    index = create("other-3", OTHER)

    assert (catalogue.named(index).name, catalogue.named(index).model_id) == (index, "other")
    with pytest.raises(IndexMissing):
        catalogue.named("there-is-no-such-index")
