"""Switch alias: the alias moves to an index that is complete, and to no other unless it is forced."""

from collections.abc import Callable

import pytest
from lookalike.backfill.model import CurrentSpec, IndexSpec, Into
from lookalike.errors import RequestInvalid
from lookalike.indexing.outcomes import ItemOutcome

from tests.fakes import BackfillUseCases, FakeSource

COUNT = 7


class NewIndexSetup(BackfillUseCases):
    """A backfill into a new index, not read yet."""

    def __init__(self) -> None:
        super().__init__(FakeSource(COUNT))
        self.id = self.fan_out.start(IndexSpec("shop"), Into("bigger")).backfill_id

    def settle(self, code: str | None = None) -> None:
        self.outcomes.record(ItemOutcome(f"p-{n}", "indexed", self.id, 1) for n in range(COUNT))
        if code:
            self.outcomes.record([ItemOutcome("p-0", "failed", self.id, 1, code=code)])


@pytest.mark.parametrize("code", [None, "picture_unusable"])
def test_the_alias_moves_to_a_complete_index(code: str | None) -> None:
    setup = NewIndexSetup()
    setup.read_all()
    setup.settle(code)

    assert setup.switch_alias.switch(setup.id, force=False) == {"index": "lookalike-bigger-1", "previous": "lookalike-fake-1"}
    assert setup.indices.current == "lookalike-bigger-1"
    assert setup.switch_alias.switch(setup.id, force=False) == {"index": "lookalike-bigger-1", "previous": None}


def test_the_alias_stays_while_the_source_is_read_or_items_are_queued_or_have_transient_failures() -> None:
    setup = NewIndexSetup()
    steps: list[Callable[[], None]] = [lambda: None, setup.read_all, lambda: setup.settle("download_failed")]
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
