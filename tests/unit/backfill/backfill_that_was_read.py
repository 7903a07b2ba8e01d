"""A backfill whose source was read to its end, with the use cases that may follow."""

from lookalike.backfill.fan_out import FanOut
from lookalike.backfill.model import Backfill, IndexSpec, SourceSpec
from lookalike.backfill.progress import Progress
from lookalike.backfill.prune import Prune
from lookalike.backfill.retry_failures import PAGE, RetryFailures
from lookalike.indexing.outcomes import ItemOutcome

from tests.fakes import FakeBackfillStore, FakeIndices, FakeOutcomeStore, FakeQueues, FakeSource

COUNT = 2 * PAGE + 7


class BackfillThatWasRead:
    """A backfill with fakes around it, all of its slices read and its products not indexed yet."""

    def __init__(self, spec: SourceSpec | None = None, count: int = COUNT, faults: int = 0) -> None:
        self.queues, self.outcomes, self.store = FakeQueues(), FakeOutcomeStore(), FakeBackfillStore()
        self.source = FakeSource(count, faults)
        fan_out = FanOut(self.source, self.store, self.outcomes, self.queues, FakeIndices())
        self.backfill: Backfill = fan_out.start(spec or IndexSpec("shop"))
        while self.queues.slices:
            fan_out.read_slice(*self.queues.slices.pop())
        self.queues.products.clear()
        self.progress = Progress(self.store, self.outcomes, self.queues)
        self.retry_failures = RetryFailures(self.source, self.store, self.outcomes, self.queues)
        self.prune = Prune(self.store, self.outcomes, self.queues)

    @property
    def id(self) -> str:
        return self.backfill.backfill_id

    def settle(self, count: int = COUNT, code: str | None = None) -> None:
        state = "failed" if code else "indexed"
        self.outcomes.record(ItemOutcome(f"p-{n}", state, self.id, 1, code=code) for n in range(count))  # type: ignore[arg-type]
