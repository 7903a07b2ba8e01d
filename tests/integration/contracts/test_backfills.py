"""What every store of backfills promises: where slices stand is never lost, and nobody moves one on behind another's back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch_backfills import ElasticsearchBackfills
from lookalike.adapters.elasticsearch_outcomes import ElasticsearchOutcomes
from lookalike.backfilling import Backfill, FieldNames, SourceSpec, Store
from lookalike.products import Outcomes, ProductOutcome

from tests.fakes import FakeOutcomes, FakeStore
from tests.integration.samples import DEFINITIONS, own_name

SPEC = SourceSpec("shop", {"term": {"on": True}}, FieldNames("sku", "images.url", ("price", "brand")))
BACKFILL = Backfill("b", 1, SPEC, 120, 2, datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC))
POSITIONS = [{"field": "sku", "gt": None, "lte": "m"}, {"field": "sku", "gt": "m", "lte": None}]


@dataclass(frozen=True)
class Bench:
    """An empty store; ``refresh`` is the moment's delay that a tally may have."""

    store: Store
    outcomes: Outcomes
    refresh: Callable[[], object]


@pytest.fixture(params=["fake", "elasticsearch"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    if request.param == "fake":
        fake = FakeOutcomes()
        yield Bench(FakeStore(fake), fake, lambda: None)
        return
    client: Elasticsearch = request.getfixturevalue("elasticsearch")
    with own_name(client) as name:
        outcomes = ElasticsearchOutcomes(client, f"{name}-outcomes", DEFINITIONS)
        store = ElasticsearchBackfills(client, f"{name}-backfills", DEFINITIONS, outcomes)
        yield Bench(store, outcomes, lambda: client.indices.refresh(index=f"{name}-outcomes"))


def test_a_backfill_is_remembered_whole(bench: Bench) -> None:
    bench.store.begin(BACKFILL, POSITIONS)

    assert bench.store.backfill("b") == BACKFILL


@pytest.mark.parametrize("attributes", [None, "details", ("price",)])
def test_each_way_to_name_attributes_is_remembered(bench: Bench, attributes: str | tuple[str, ...] | None) -> None:
    backfill = replace(BACKFILL, spec=SourceSpec("shop", fields=FieldNames(attributes=attributes)))
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


def test_the_tally_counts_what_became_of_the_products_of_a_run(bench: Bench) -> None:
    bench.store.begin(BACKFILL, POSITIONS)
    bench.outcomes.record(
        [
            ProductOutcome("hat", "indexed", "b", 1),
            ProductOutcome("mug", "unchanged", "b", 1),
            *(ProductOutcome(f"bad-{number}", "failed", "b", 1, code="picture_unusable") for number in range(2)),
            ProductOutcome("gone", "failed", "b", 1, code="picture_unreachable"),
            ProductOutcome("other", "indexed", "other", 1),
            ProductOutcome("later", "indexed", "b", 2),
            ProductOutcome("own", "failed", code="picture_unusable"),
        ]
    )
    bench.refresh()

    tally = bench.store.tally("b", 1)

    assert (tally.indexed, tally.unchanged) == (1, 1)
    assert tally.failed == {"picture_unusable": 2, "picture_unreachable": 1}
    assert tally.last_at is not None


def test_a_tally_of_nothing_is_zero(bench: Bench) -> None:
    tally = bench.store.tally("b", 1)

    assert (tally.settled, tally.failed, tally.last_at) == (0, {}, None)
