"""The state of a backfill, computed in one place from its slices, its outcomes and its dead letters."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from lookalike.backfill.dead_letters import DeadLetterStore
from lookalike.backfill.model import Backfill, BackfillStore, Slice
from lookalike.backfill.outcomes import OutcomeCounts, OutcomeStore
from lookalike.errors import RequestInvalid, is_transient


class Phase(StrEnum):
    """The phase of a backfill."""

    READING = "reading"
    INDEXING = "indexing"
    INTERRUPTED = "interrupted"
    """A message of the backfill queue is a dead letter: the commands `start`, `retry` and `redrive` resume."""
    FINISHED = "finished"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class BackfillState:
    """The state of a backfill.

    Args:
        read: items read from the source by the last run.
        expected: items of the whole source; None if unknown.
        counts: the items by outcome.
        dead_letters: the backfill's messages that failed too often, by queue.
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
        """Checks that an action may run now. Raises `RequestInvalid` unless the backfill is in one of the phases."""
        allowed = frozenset(phases)
        if self.phase not in allowed:
            wanted = " or ".join(phase for phase in Phase if phase in allowed)
            raise RequestInvalid(f"{action} needs a backfill that is {wanted}, and this one is {self.phase}", field="backfill_id")


def phase_of_reading(slices: Iterable[Slice]) -> Phase | None:
    """READING or CANCELLED while any slice is not read to its end, else None."""
    unread = [slice_ for slice_ in slices if slice_.position is not None]
    if any(slice_.is_cancelled for slice_ in unread):
        return Phase.CANCELLED
    return Phase.READING if unread else None


def state_of(
    backfill: Backfill, slices: Sequence[Slice], counts: OutcomeCounts, dead_letters: Mapping[str, int] | None = None
) -> BackfillState:
    """The state of a backfill, computed from its slices, the counts of outcomes, and its dead letters by queue."""
    state = _without_dead_letters(backfill, slices, counts)
    if not dead_letters:
        return state
    is_interrupted = bool(dead_letters.get("backfill")) and state.phase in (Phase.READING, Phase.INDEXING)
    return replace(state, phase=Phase.INTERRUPTED if is_interrupted else state.phase, dead_letters=dead_letters)


def _without_dead_letters(backfill: Backfill, slices: Sequence[Slice], counts: OutcomeCounts) -> BackfillState:
    read = sum(slice_.read for slice_ in slices)
    reading = phase_of_reading(slices)
    if backfill.into and any(slice_.is_cancelled for slice_ in slices):
        reading = Phase.CANCELLED  # the new index misses what was written since
    if reading is None:
        is_settled = counts.queued == 0 and (counts.settled >= read or not backfill.is_unique)
        expected: int | None = read if backfill.is_unique else counts.settled + counts.queued
        return BackfillState(backfill, Phase.FINISHED if is_settled else Phase.INDEXING, read, expected, counts)
    return BackfillState(backfill, reading, read, None if backfill.total is None else max(backfill.total, read), counts)


@dataclass(frozen=True, slots=True)
class BackfillStates:
    """Reads the stores from which states are computed."""

    store: BackfillStore
    outcomes: OutcomeStore
    dead_letters: DeadLetterStore

    def of(self, backfill: Backfill) -> BackfillState:
        """A backfill's state. Raises `TransientError`."""
        return next(self.of_all([backfill]))

    def of_all(self, backfills: Iterable[Backfill]) -> Iterator[BackfillState]:
        """The state of each backfill. Raises `TransientError`."""
        dead_letters = self.dead_letters.counts()
        for backfill in backfills:
            counts = self.outcomes.counts(backfill.backfill_id, backfill.run, backfill.full_run)
            yield state_of(backfill, self.store.slices(backfill.backfill_id), counts, dead_letters.get(backfill.backfill_id))
