"""Switching: the alias moves to an index that is complete, and to no other unless it is forced."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from lookalike.backfills import CurrentSpec, IndexSpec, Into
from lookalike.errors import RequestInvalid
from lookalike.fanout import FanOut
from lookalike.products import ProductOutcome
from lookalike.progress import Progress
from lookalike.switching import Switching

from tests.fakes import FakeIndices, FakeOutbox, FakeOutcomes, FakeSource, FakeStore

COUNT = 7


@dataclass
class Bench:
    """A backfill into a new index, not read yet."""

    outbox: FakeOutbox = field(default_factory=FakeOutbox)
    outcomes: FakeOutcomes = field(default_factory=FakeOutcomes)
    store: FakeStore = field(default_factory=FakeStore)
    indices: FakeIndices = field(default_factory=FakeIndices)

    def __post_init__(self) -> None:
        self.fan_out = FanOut(FakeSource(COUNT), self.store, self.outcomes, self.outbox, self.indices)
        self.id = self.fan_out.start(IndexSpec("shop"), Into("bigger")).backfill_id
        self.switching = Switching(self.store, Progress(self.store, self.outcomes, self.outbox), self.indices)

    def read(self) -> None:
        while self.outbox.slices:
            self.fan_out.read_slice(*self.outbox.slices.pop())

    def settle(self, code: str | None = None) -> None:
        self.outcomes.record(ProductOutcome(f"p-{n}", "indexed", self.id, 1) for n in range(COUNT))
        if code:
            self.outcomes.record([ProductOutcome("p-0", "failed", self.id, 1, code=code)])


@pytest.mark.parametrize("code", [None, "picture_unusable"])
def test_the_alias_moves_to_a_complete_index(code: str | None) -> None:
    bench = Bench()
    bench.read()
    bench.settle(code)

    assert bench.switching.switch(bench.id, force=False) == {"index": "lookalike-bigger-1", "previous": "lookalike-fake-1"}
    assert bench.indices.current == "lookalike-bigger-1"
    assert bench.switching.switch(bench.id, force=False) == {"index": "lookalike-bigger-1", "previous": None}


def test_the_alias_stays_while_something_is_unread_or_under_way_or_failed_for_a_reason_that_passes() -> None:
    bench = Bench()
    steps: list[Callable[[], None]] = [lambda: None, bench.read, lambda: bench.settle("download_failed")]
    for step in steps:
        step()
        with pytest.raises(RequestInvalid):
            bench.switching.switch(bench.id, force=False)
    assert bench.indices.current == "lookalike-fake-1"


def test_a_switch_can_be_forced() -> None:
    bench = Bench()
    bench.switching.switch(bench.id, force=True)

    assert bench.indices.current == "lookalike-bigger-1"


def test_a_backfill_into_no_new_index_cannot_be_switched_to() -> None:
    bench = Bench()
    other = bench.fan_out.start(CurrentSpec())

    with pytest.raises(RequestInvalid):
        bench.switching.switch(other.backfill_id, force=True)
