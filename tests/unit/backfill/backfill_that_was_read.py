"""A backfill whose source was read to its end, with the use cases that may follow."""

from lookalike.backfill.continuation import PAGE
from lookalike.backfill.model import Backfill, IndexSpec, SourceSpec
from lookalike.indexing.outcomes import ItemOutcome

from tests.fakes import BackfillUseCases, FakeSource

COUNT = 2 * PAGE + 7


class BackfillThatWasRead(BackfillUseCases):
    """A backfill with fakes around it, all of its slices read and its products not indexed yet."""

    def __init__(self, spec: SourceSpec | None = None, count: int = COUNT, faults: int = 0) -> None:
        super().__init__(FakeSource(count, faults))
        self.backfill: Backfill = self.fan_out.start(spec or IndexSpec("shop"))
        self.read_all()
        self.queues.products.clear()

    @property
    def id(self) -> str:
        return self.backfill.backfill_id

    def settle(self, count: int = COUNT, code: str | None = None) -> None:
        state = "failed" if code else "indexed"
        self.outcomes.record(ItemOutcome(f"p-{n}", state, self.id, 1, code=code) for n in range(count))  # type: ignore[arg-type]
