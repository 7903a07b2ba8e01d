"""The use cases of backfills, with fakes around them."""

from typing import Any

from lookalike.backfill.dead_letters import DeadLetters
from lookalike.backfill.fan_out import FanOut
from lookalike.backfill.merge import Merge
from lookalike.backfill.progress import Progress
from lookalike.backfill.prune import Prune
from lookalike.backfill.report import Report
from lookalike.backfill.retry_failures import RetryFailures
from lookalike.backfill.state import BackfillStates
from lookalike.backfill.switch_alias import SwitchAlias

from tests.fakes.backfill import FakeBackfillStore, FakeIndices, FakeOutcomeStore, FakeSource
from tests.fakes.queues import FakeDeadLetterQueues, FakeDeadLetterStore, FakeQueues


class BackfillUseCases:
    """Each use case shares these fakes; keyword arguments are the use case's own."""

    def __init__(self, source: FakeSource) -> None:
        self.source = source
        self.queues, self.outcomes, self.store, self.indices = FakeQueues(), FakeOutcomeStore(), FakeBackfillStore(), FakeIndices()
        self.dead_letter_queues, self.dead_letter_store = FakeDeadLetterQueues(), FakeDeadLetterStore()
        self.dead_letters = DeadLetters(self.dead_letter_queues, self.dead_letter_store, self.outcomes)
        self.states = BackfillStates(self.store, self.outcomes, self.dead_letter_store)
        self.progress = Progress(self.store, self.outcomes, self.states)
        self.report = Report(self.indices, frozenset({"0" * 64}))
        self.merge = Merge(self.store, self.states, self.queues, self.indices)
        self.switch_alias = SwitchAlias(self.store, self.states, self.indices)
        self.fan_out, self.retry_failures, self.prune = self.make_fan_out(), self.make_retry_failures(), self.make_prune()

    def make_fan_out(self, **options: Any) -> FanOut:
        return FanOut(self.source, self.store, self.outcomes, self.queues, self.indices, self.dead_letter_store, **options)

    def make_retry_failures(self, **options: Any) -> RetryFailures:
        return RetryFailures(self.source, self.store, self.outcomes, self.queues, self.states, self.dead_letters, **options)

    def make_prune(self, **options: Any) -> Prune:
        return Prune(self.store, self.outcomes, self.queues, self.states, **options)

    def read_all(self) -> None:
        while self.queues.slices:
            self.fan_out.read_slice(*self.queues.slices.pop())
