"""What every store of backfills promises: positions of slices are never lost, and of two readers of a slice only one advances it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.backfill_store import ElasticsearchBackfillStore
from lookalike.adapters.elasticsearch.client import definition
from lookalike.adapters.elasticsearch.state_index import StateIndex
from lookalike.backfill.model import Backfill, BackfillStore, BucketSpec, CurrentSpec, FieldNames, IndexSpec, SourceSpec

from tests.fakes import FakeBackfillStore
from tests.integration.samples import own_name

SPEC = IndexSpec("shop", {"term": {"on": True}}, FieldNames("sku", "images.url", ("price", "brand")))
BACKFILL = Backfill("b", 1, SPEC, 120, 2, datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC))
POSITIONS = [{"field": "sku", "gt": None, "lte": "m"}, {"field": "sku", "gt": "m", "lte": None}]


@dataclass(frozen=True)
class StoreUnderTest:
    """An empty store; ``refresh`` is what makes a new backfill appear in the list."""

    store: BackfillStore
    refresh: Callable[[], object]


@pytest.fixture(params=["fake", "elasticsearch"])
def under_test(request: pytest.FixtureRequest) -> Iterator[StoreUnderTest]:
    if request.param == "fake":
        yield StoreUnderTest(FakeBackfillStore(), lambda: None)
        return
    client: Elasticsearch = request.getfixturevalue("elasticsearch")
    with own_name(client) as name:
        store = ElasticsearchBackfillStore(client, f"{name}-backfills")
        yield StoreUnderTest(store, lambda: client.indices.refresh(index=f"{name}-backfills"))


def test_a_backfill_is_stored_whole(under_test: StoreUnderTest) -> None:
    under_test.store.begin(BACKFILL, POSITIONS)

    assert under_test.store.backfill("b") == BACKFILL


@pytest.mark.parametrize("attributes", [None, "details", ("price",)])
def test_each_way_to_name_attributes_is_stored(under_test: StoreUnderTest, attributes: str | tuple[str, ...] | None) -> None:
    backfill = replace(BACKFILL, spec=IndexSpec("shop", fields=FieldNames(attributes=attributes)))
    under_test.store.begin(backfill, POSITIONS)

    assert under_test.store.backfill("b") == backfill


def test_an_unknown_backfill_is_none_and_has_no_slices(under_test: StoreUnderTest) -> None:
    assert (under_test.store.backfill("b"), list(under_test.store.slices("b"))) == (None, [])
    under_test.store.begin(BACKFILL, POSITIONS)

    assert (under_test.store.backfill("other"), list(under_test.store.slices("other"))) == (None, [])


def test_slices_begin_at_their_first_positions(under_test: StoreUnderTest) -> None:
    under_test.store.begin(BACKFILL, POSITIONS)

    slices = under_test.store.slices("b")

    assert [(each.backfill_id, each.number, each.position, each.read) for each in slices] == [
        ("b", number, position, 0) for number, position in enumerate(POSITIONS)
    ]
    assert under_test.store.slice("b", 1) == slices[1]


def test_a_slice_advances_to_its_end(under_test: StoreUnderTest) -> None:
    under_test.store.begin(BACKFILL, POSITIONS)
    first = under_test.store.slice("b", 0)

    moved = under_test.store.advance(first, {**POSITIONS[0], "gt": "d"}, 50)
    assert moved is not None
    assert (moved.position, moved.read) == ({**POSITIONS[0], "gt": "d"}, 50)
    assert under_test.store.slice("b", 0) == moved
    end = under_test.store.advance(moved, None, 60)

    assert end is not None
    assert (end.position, end.read) == (None, 60)
    assert under_test.store.slices("b")[0] == end
    assert under_test.store.slices("b")[1].read == 0


def test_of_two_who_advance_a_slice_the_later_one_is_told(under_test: StoreUnderTest) -> None:
    under_test.store.begin(BACKFILL, POSITIONS)
    mine, yours = under_test.store.slice("b", 0), under_test.store.slice("b", 0)

    assert under_test.store.advance(mine, None, 60) is not None
    assert under_test.store.advance(yours, {**POSITIONS[0], "gt": "c"}, 10) is None
    assert under_test.store.slice("b", 0).read == 60


def test_no_write_makes_an_index_without_its_mapping(elasticsearch: Elasticsearch, name: str) -> None:
    store = ElasticsearchBackfillStore(elasticsearch, name)
    store.begin(BACKFILL, POSITIONS)
    read = store.slice("b", 0)
    elasticsearch.indices.delete(index=name)

    assert store.advance(read, None, 60) is None
    store.set_cancelled("b", True)

    assert elasticsearch.indices.get_mapping(index=name)[name]["mappings"] == definition("backfills")["mappings"] | {"dynamic": "false"}


def test_a_slice_of_an_earlier_run_cannot_be_advanced(under_test: StoreUnderTest) -> None:
    under_test.store.begin(BACKFILL, POSITIONS)
    old = under_test.store.slice("b", 0)
    under_test.store.begin(replace(BACKFILL, run=2), POSITIONS)

    assert under_test.store.advance(old, None, 60) is None
    assert under_test.store.slice("b", 0).read == 0


def test_a_new_run_has_its_own_slices_only(under_test: StoreUnderTest) -> None:
    under_test.store.begin(BACKFILL, POSITIONS)
    under_test.store.begin(replace(BACKFILL, run=2, slices=1), [{"field": "sku", "gt": None, "lte": None}])

    assert [each.position for each in under_test.store.slices("b")] == [{"field": "sku", "gt": None, "lte": None}]


@pytest.mark.parametrize(
    "spec", [BucketSpec("shop", "images/a"), CurrentSpec("lookalike-1"), replace(SPEC, url="http://a", since="2026-01-01")]
)
def test_each_kind_of_source_is_stored(under_test: StoreUnderTest, spec: SourceSpec) -> None:
    backfill = replace(BACKFILL, spec=spec, total=None, into="lookalike-2", is_unique=False)
    under_test.store.begin(backfill, POSITIONS)

    assert under_test.store.backfill("b") == backfill


def test_backfills_are_listed_the_newest_first(under_test: StoreUnderTest) -> None:
    assert list(under_test.store.backfills(10)) == []
    newer = replace(BACKFILL, backfill_id="c", started_at=BACKFILL.started_at + timedelta(days=1))
    for each in (BACKFILL, newer):
        under_test.store.begin(each, POSITIONS)
    under_test.refresh()

    assert list(under_test.store.backfills(10)) == [newer, BACKFILL]
    assert list(under_test.store.backfills(1)) == [newer]


def test_a_slice_that_was_cancelled_cannot_be_advanced_by_its_reader(under_test: StoreUnderTest) -> None:
    under_test.store.begin(BACKFILL, POSITIONS)
    read = under_test.store.slice("b", 0)

    under_test.store.set_cancelled("b", True)

    assert under_test.store.advance(read, None, 60) is None
    assert [(each.is_cancelled, each.read) for each in under_test.store.slices("b")] == [(True, 0), (True, 0)]
    under_test.store.set_cancelled("b", False)
    resumed = under_test.store.slice("b", 0)
    assert (resumed.is_cancelled, resumed.position) == (False, POSITIONS[0])
    assert under_test.store.advance(resumed, None, 60) is not None


def test_a_slice_is_advanced_though_the_answer_was_lost_and_the_request_repeated(
    elasticsearch: Elasticsearch, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ElasticsearchBackfillStore(elasticsearch, name)
    store.begin(BACKFILL, POSITIONS)
    read, write = store.slice("b", 0), StateIndex.bulk
    monkeypatch.setattr(StateIndex, "bulk", lambda index, actions: [write(index, actions), write(index, actions)][1])

    assert store.advance(read, None, 60) == store.slice("b", 0)
    assert store.slice("b", 0).read == 60
