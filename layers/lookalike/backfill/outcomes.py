"""The stored outcomes of backfills' items, and their counts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from lookalike.indexing.outcomes import ItemOutcome, OutcomeRecorder

RECENT_S = 60
"""The time span of `OutcomeCounts.recent`, in seconds."""


@dataclass(frozen=True, slots=True)
class OutcomeCounts:
    """The number of items of a backfill by outcome.

    Args:
        indexed, unchanged, deleted, failed: items of the last run; ``failed`` by error code.
        queued: items that are known to wait in the queue, of the last run or retried from earlier ones.
        recent: items of the last run with an outcome of the last `RECENT_S`.
        last_at: time of the last outcome.
        failures: failed items by error code, of all runs since the last one that read the whole source.
    """

    indexed: int
    unchanged: int
    failed: Mapping[str, int]
    last_at: datetime | None
    deleted: int = 0
    queued: int = 0
    recent: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)

    @property
    def settled(self) -> int:
        """Items of the last run that have an outcome."""
        return self.indexed + self.unchanged + self.deleted + sum(self.failed.values())


@dataclass(frozen=True, slots=True)
class StoredOutcome:
    """An item's outcome as it was stored; ``at`` is the time in ISO 8601."""

    key: str
    product_id: str
    state: str
    image_url: str | None
    code: str | None
    reason: str | None
    at: str
    run: int = 1


class OutcomeStore(OutcomeRecorder, Protocol):
    """The outcome of every item of every backfill."""

    def counts(self, backfill_id: str, run: int, full_run: int) -> OutcomeCounts:
        """Counts a backfill's outcomes; new ones are counted after the next refresh."""

    def failures(
        self, backfill_id: str, full_run: int, *, code: str | None = None, after: str | None = None, size: int, with_queued: bool = False
    ) -> Sequence[StoredOutcome]:
        """Failed items of all runs from ``full_run`` on, in the order of their keys; with ``with_queued`` also queued ones."""

    def of_earlier_runs(self, backfill_id: str, run: int, *, after: str | None = None, size: int) -> Sequence[StoredOutcome]:
        """Items that were last found by a run before ``run``, in the order of their keys."""

    def count_of_earlier_runs(self, backfill_id: str, run: int) -> int:
        """The number of items that were last found by a run before ``run``."""

    def mark_queued(self, queued: Iterable[ItemOutcome]) -> None:
        """Stores that items are queued, except those with an outcome of the same or a later run; counted and listed at once."""

    def record_dead_letters(self, failures: Iterable[ItemOutcome]) -> None:
        """Stores failures of items whose messages became dead letters, except items with an outcome of the same or a later run."""

    def remove(self, backfill_id: str, keys: Iterable[str]) -> None:
        """Removes the outcomes of these items."""
