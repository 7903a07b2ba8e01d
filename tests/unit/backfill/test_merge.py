"""Merge: when a whole source was read and all of it is indexed, the index is merged, and that is seen to its end."""

from datetime import timedelta

import pytest
from lookalike.backfill.merge import Merge
from lookalike.backfill.messages import MergeWhenFinished
from lookalike.backfill.model import IndexSpec, Into
from lookalike.indexing.outcomes import ItemOutcome

from tests.fakes import BackfillUseCases, FakeSource

COUNT = 7


class FilledIndex(BackfillUseCases):
    """A backfill whose source was read, and of which nothing is indexed yet."""

    def __init__(self, into: Into | None = None) -> None:
        super().__init__(FakeSource(COUNT))
        self.id = self.make_fan_out(merges=True).start(IndexSpec("shop"), into).backfill_id
        self.read_all()

    def settle(self) -> None:
        self.outcomes.record(ItemOutcome(f"p-{n}", "indexed", self.id, 1) for n in range(COUNT))

    def step(self) -> None:
        [message] = self.queues.continuations
        self.queues.continuations.clear()
        assert isinstance(message, MergeWhenFinished)
        self.merge.resume(message)


@pytest.mark.parametrize(("into", "index"), [(None, "lookalike-fake-1"), (Into("bigger"), "lookalike-bigger-1")])
def test_an_index_is_merged_once_the_backfill_is_finished_and_not_before(into: Into | None, index: str) -> None:
    setup = FilledIndex(into)
    setup.step()
    assert not setup.indices.merged

    setup.settle()
    setup.step()
    assert setup.indices.merged == [index]
    assert setup.progress.status(setup.id)["state"] == "finished"  # whatever becomes of the merge

    setup.step()
    assert setup.queues.continuations == [MergeWhenFinished(setup.id, 1, f"task of {index}")]

    setup.indices.ended_tasks.add(f"task of {index}")
    setup.step()
    assert setup.indices.merged == [index]
    assert not setup.queues.continuations


def test_a_backfill_that_was_cancelled_and_goes_on_is_merged_in_the_end() -> None:
    setup = BackfillUseCases(FakeSource(COUNT))
    fan_out = setup.make_fan_out(merges=True)
    backfill_id = fan_out.start(IndexSpec("shop")).backfill_id
    fan_out.cancel(backfill_id)
    [waiting] = setup.queues.continuations
    setup.queues.continuations.clear()
    assert isinstance(waiting, MergeWhenFinished)
    setup.merge.resume(waiting)
    assert not setup.queues.continuations

    fan_out.start(IndexSpec("shop"))

    assert setup.queues.continuations == [waiting]


@pytest.mark.parametrize(("taken", "delay_s"), [(timedelta(seconds=20), 10), (timedelta(minutes=10), 60), (timedelta(days=3), 900)])
def test_the_longer_a_run_takes_the_more_seldom_it_is_looked_at(taken: timedelta, delay_s: int) -> None:
    setup = FilledIndex()
    backfill = setup.store.backfill(setup.id)
    assert backfill is not None
    setup.merge = Merge(setup.store, setup.states, setup.queues, setup.indices, now=lambda: backfill.started_at + taken)
    setup.step()

    assert setup.queues.delays_s[-1] == delay_s


def test_a_backfill_that_was_cancelled_merges_nothing() -> None:
    setup = FilledIndex(Into("bigger"))
    setup.fan_out.cancel(setup.id)
    setup.settle()
    setup.step()

    assert not setup.indices.merged
    assert not setup.queues.continuations


def test_the_message_of_an_earlier_run_merges_nothing() -> None:
    setup = FilledIndex()
    setup.settle()
    setup.queues.continuations.clear()
    setup.merge.resume(MergeWhenFinished(setup.id, run=0))

    assert not setup.indices.merged
    assert not setup.queues.continuations


def test_nothing_is_merged_where_that_is_switched_off() -> None:
    setup = BackfillUseCases(FakeSource(COUNT))
    setup.make_fan_out().start(IndexSpec("shop"))

    assert not setup.queues.continuations
