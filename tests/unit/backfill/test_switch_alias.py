"""Switch alias: the alias moves to an index that is complete, and to no other unless it is forced."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from lookalike.backfill.fan_out import FanOut
from lookalike.backfill.model import CurrentSpec, IndexSpec, Into
from lookalike.backfill.state import BackfillStates
from lookalike.backfill.switch_alias import SwitchAlias
from lookalike.errors import RequestInvalid
from lookalike.indexing.outcomes import ItemOutcome

from tests.fakes import FakeBackfillStore, FakeIndices, FakeOutcomeStore, FakeQueues, FakeSource

COUNT = 7


@dataclass
class NewIndexSetup:
    """A backfill into a new index, not read yet."""

    queues: FakeQueues = field(default_factory=FakeQueues)
    outcomes: FakeOutcomeStore = field(default_factory=FakeOutcomeStore)
    store: FakeBackfillStore = field(default_factory=FakeBackfillStore)
    indices: FakeIndices = field(default_factory=FakeIndices)

    def __post_init__(self) -> None:
        self.fan_out = FanOut(FakeSource(COUNT), self.store, self.outcomes, self.queues, self.indices)
        self.id = self.fan_out.start(IndexSpec("shop"), Into("bigger")).backfill_id
        self.switch_alias = SwitchAlias(self.store, BackfillStates(self.store, self.outcomes), self.indices)

    def read(self) -> None:
        while self.queues.slices:
            self.fan_out.read_slice(*self.queues.slices.pop())

    def settle(self, code: str | None = None) -> None:
        self.outcomes.record(ItemOutcome(f"p-{n}", "indexed", self.id, 1) for n in range(COUNT))
        if code:
            self.outcomes.record([ItemOutcome("p-0", "failed", self.id, 1, code=code)])


@pytest.mark.parametrize("code", [None, "picture_unusable"])
def test_the_alias_moves_to_a_complete_index(code: str | None) -> None:
    setup = NewIndexSetup()
    setup.read()
    setup.settle(code)

    assert setup.switch_alias.switch(setup.id, force=False) == {"index": "lookalike-bigger-1", "previous": "lookalike-fake-1"}
    assert setup.indices.current == "lookalike-bigger-1"
    assert setup.switch_alias.switch(setup.id, force=False) == {"index": "lookalike-bigger-1", "previous": None}


def test_the_alias_stays_while_the_source_is_read_or_items_are_queued_or_have_transient_failures() -> None:
    setup = NewIndexSetup()
    steps: list[Callable[[], None]] = [lambda: None, setup.read, lambda: setup.settle("download_failed")]
    for step in steps:
        step()
        with pytest.raises(RequestInvalid):
            setup.switch_alias.switch(setup.id, force=False)
    assert setup.indices.current == "lookalike-fake-1"


def test_a_switch_can_be_forced() -> None:
    setup = NewIndexSetup()
    setup.switch_alias.switch(setup.id, force=True)

    assert setup.indices.current == "lookalike-bigger-1"


def test_a_backfill_that_fills_no_new_index_cannot_be_switched_to() -> None:
    setup = NewIndexSetup()
    other = setup.fan_out.start(CurrentSpec())

    with pytest.raises(RequestInvalid):
        setup.switch_alias.switch(other.backfill_id, force=True)
