"""The state of a backfill, computed in one place from its slices, its outcomes and its dead letters."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from lookalike.backfill.model import Backfill, BackfillStore, Slice
from lookalike.backfill.outcomes import OutcomeCounts, OutcomeStore
from lookalike.errors import RequestInvalid, is_transient


class Phase(StrEnum):
    """What a backfill is doing."""

    READING = "reading"
    INDEXING = "indexing"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class DeadLetters(Protocol):
    """Looks into the dead-letter queues of the products queue and the backfill queue."""

    def dead_letters(self, backfill_id: str) -> Mapping[str, int]:
        """The number of a backfill's messages in the dead-letter queues of ``products`` and ``backfill``. Raises `TransientError`."""


@dataclass(frozen=True, slots=True)
class BackfillState:
    """How far a backfill is.

    Args:
        read: items read from the source by the last run.
        expected: items of the whole source, as far as that is known.
        counts: what became of the items.
        dead_letters: the backfill's own messages that failed too often, by queue; empty if nobody asked for them.
    """

    backfill: Backfill
    phase: Phase
    read: int
    expected: int | None
    counts: OutcomeCounts
    dead_letters: Mapping[str, int] = field(default_factory=dict)

    @property
    def transient_failures(self) -> int:
        """Failed items that a retry may index."""
        return sum(count for code, count in self.counts.failures.items() if is_transient(code))

    def require(self, action: str, phases: Iterable[Phase]) -> None:
        """Checks that an action may run now. Raises `RequestInvalid` if the backfill is in none of the phases."""
        allowed = frozenset(phases)
        if self.phase not in allowed:
            wanted = " or ".join(phase for phase in Phase if phase in allowed)
            raise RequestInvalid(f"{action} needs a backfill that is {wanted}, and this one is {self.phase}", field="backfill_id")


def phase_of_reading(slices: Iterable[Slice]) -> Phase | None:
    """Reading or cancelled while any slice is not read to its end, else None."""
    unread = [slice_ for slice_ in slices if slice_.position is not None]
    if any(slice_.is_cancelled for slice_ in unread):
        return Phase.CANCELLED
    return Phase.READING if unread else None


def state_of(backfill: Backfill, slices: Sequence[Slice], counts: OutcomeCounts) -> BackfillState:
    """The state, without dead letters."""
    read = sum(slice_.read for slice_ in slices)
    reading = phase_of_reading(slices)
    if backfill.into and any(slice_.is_cancelled for slice_ in slices):
        reading = Phase.CANCELLED  # what was written since does not reach the new index
    if reading is None:
        is_settled = counts.queued == 0 and (counts.settled >= read or not backfill.is_unique)
        expected: int | None = read if backfill.is_unique else counts.settled + counts.queued
        return BackfillState(backfill, Phase.FINISHED if is_settled else Phase.INDEXING, read, expected, counts)
    return BackfillState(backfill, reading, read, None if backfill.total is None else max(backfill.total, read), counts)


class BackfillStates:
    """Reads what the state is computed from."""

    def __init__(self, store: BackfillStore, outcomes: OutcomeStore) -> None:
        self._store = store
        self._outcomes = outcomes

    def of(self, backfill: Backfill) -> BackfillState:
        """A backfill's state. Raises `TransientError`."""
        counts = self._outcomes.counts(backfill.backfill_id, backfill.run, backfill.full_run)
        return state_of(backfill, self._store.slices(backfill.backfill_id), counts)
