"""What every store of backfills promises: where slices stand is never lost, and nobody moves one on behind another's back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch_backfills import ElasticsearchBackfills
from lookalike.backfills import Backfill, BucketSpec, CurrentSpec, FieldNames, IndexSpec, SourceSpec, Store

from tests.fakes import FakeStore
from tests.integration.samples import DEFINITIONS, own_name

SPEC = IndexSpec("shop", {"term": {"on": True}}, FieldNames("sku", "images.url", ("price", "brand")))
BACKFILL = Backfill("b", 1, SPEC, 120, 2, datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC))
POSITIONS = [{"field": "sku", "gt": None, "lte": "m"}, {"field": "sku", "gt": "m", "lte": None}]


@dataclass(frozen=True)
class Bench:
    """An empty store; ``refresh`` is the moment's delay that a list may have."""

    store: Store
    refresh: Callable[[], object]


@pytest.fixture(params=["fake", "elasticsearch"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    if request.param == "fake":
        yield Bench(FakeStore(), lambda: None)
        return
    client: Elasticsearch = request.getfixturevalue("elasticsearch")
    with own_name(client) as name:
        store = ElasticsearchBackfills(client, f"{name}-backfills", DEFINITIONS)
        yield Bench(store, lambda: client.indices.refresh(index=f"{name}-backfills"))


def test_a_backfill_is_remembered_whole(bench: Bench) -> None:
    bench.store.begin(BACKFILL, POSITIONS)

    assert bench.store.backfill("b") == BACKFILL


@pytest.mark.parametrize("attributes", [None, "details", ("price",)])
def test_each_way_to_name_attributes_is_remembered(bench: Bench, attributes: str | tuple[str, ...] | None) -> None:
    backfill = replace(BACKFILL, spec=IndexSpec("shop", fields=FieldNames(attributes=attributes)))
    bench.store.begin(backfill, POSITIONS)

    assert bench.store.backfill("b") == backfill


def test_an_unknown_backfill_is_none_and_has_no_slices(bench: Bench) -> None:
    assert (bench.store.backfill("b"), list(bench.store.slices("b"))) == (None, [])
    bench.store.begin(BACKFILL, POSITIONS)

    assert (bench.store.backfill("other"), list(bench.store.slices("other"))) == (None, [])


def test_slices_stand_where_they_begin(bench: Bench) -> None:
    bench.store.begin(BACKFILL, POSITIONS)

    slices = bench.store.slices("b")

    assert [(each.backfill_id, each.number, each.position, each.read) for each in slices] == [
        ("b", number, position, 0) for number, position in enumerate(POSITIONS)
    ]
    assert bench.store.slice("b", 1) == slices[1]


def test_a_slice_is_moved_on_to_its_end(bench: Bench) -> None:
    bench.store.begin(BACKFILL, POSITIONS)
    first = bench.store.slice("b", 0)

    moved = bench.store.advance(first, {**POSITIONS[0], "gt": "d"}, 50)
    assert moved is not None
    assert (moved.position, moved.read) == ({**POSITIONS[0], "gt": "d"}, 50)
    assert bench.store.slice("b", 0) == moved
    end = bench.store.advance(moved, None, 60)

    assert end is not None
    assert (end.position, end.read) == (None, 60)
    assert bench.store.slices("b")[0] == end
    assert bench.store.slices("b")[1].read == 0


def test_of_two_who_move_a_slice_on_one_is_told_that_it_was_too_late(bench: Bench) -> None:
    bench.store.begin(BACKFILL, POSITIONS)
    mine, yours = bench.store.slice("b", 0), bench.store.slice("b", 0)

    assert bench.store.advance(mine, None, 60) is not None
    assert bench.store.advance(yours, {**POSITIONS[0], "gt": "c"}, 10) is None
    assert bench.store.slice("b", 0).read == 60


def test_a_slice_of_an_earlier_run_cannot_be_moved_on(bench: Bench) -> None:
    bench.store.begin(BACKFILL, POSITIONS)
    old = bench.store.slice("b", 0)
    bench.store.begin(replace(BACKFILL, run=2), POSITIONS)

    assert bench.store.advance(old, None, 60) is None
    assert bench.store.slice("b", 0).read == 0


def test_a_new_run_has_its_own_slices_only(bench: Bench) -> None:
    bench.store.begin(BACKFILL, POSITIONS)
    bench.store.begin(replace(BACKFILL, run=2, slices=1), [{"field": "sku", "gt": None, "lte": None}])

    assert [each.position for each in bench.store.slices("b")] == [{"field": "sku", "gt": None, "lte": None}]


@pytest.mark.parametrize(
    "spec", [BucketSpec("shop", "images/a"), CurrentSpec("lookalike-1"), replace(SPEC, url="http://a", since="2026-01-01")]
)
def test_each_kind_of_source_is_remembered(bench: Bench, spec: SourceSpec) -> None:
    backfill = replace(BACKFILL, spec=spec, total=None, into="lookalike-2", is_unique=False)
    bench.store.begin(backfill, POSITIONS)

    assert bench.store.backfill("b") == backfill


def test_backfills_are_listed_the_newest_first(bench: Bench) -> None:
    assert list(bench.store.backfills(10)) == []
    newer = replace(BACKFILL, backfill_id="c", started_at=BACKFILL.started_at + timedelta(days=1))
    for each in (BACKFILL, newer):
        bench.store.begin(each, POSITIONS)
    bench.refresh()

    assert list(bench.store.backfills(10)) == [newer, BACKFILL]
    assert list(bench.store.backfills(1)) == [newer]


def test_a_slice_that_was_cancelled_cannot_be_moved_on_by_who_reads_it(bench: Bench) -> None:
    bench.store.begin(BACKFILL, POSITIONS)
    read = bench.store.slice("b", 0)

    bench.store.set_cancelled("b", True)

    assert bench.store.advance(read, None, 60) is None
    assert [(each.is_cancelled, each.read) for each in bench.store.slices("b")] == [(True, 0), (True, 0)]
    bench.store.set_cancelled("b", False)
    resumed = bench.store.slice("b", 0)
    assert (resumed.is_cancelled, resumed.position) == (False, POSITIONS[0])
    assert bench.store.advance(resumed, None, 60) is not None
