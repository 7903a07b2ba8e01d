"""Reports how far backfills are, and what failed in them."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from lookalike.backfill.model import Backfill, BackfillStore, get_backfill
from lookalike.backfill.outcomes import RECENT_S, OutcomeStore
from lookalike.backfill.state import BackfillState, BackfillStates, Phase

LISTED = 100
"""Backfills that `Progress.list` shows."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Reports on backfills, in any phase; ``now`` returns the current time."""

    store: BackfillStore
    outcomes: OutcomeStore
    states: BackfillStates
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def status(self, backfill_id: str) -> dict[str, Any]:
        """The progress of a backfill, see `report`. Raises `NotFound` if there is no such backfill."""
        return report(self.states.of(get_backfill(self.store, backfill_id)), self.now())

    def phase(self, backfill_id: str) -> Phase:
        """What a backfill is doing. Raises as `status`."""
        return self.states.of(get_backfill(self.store, backfill_id)).phase

    def list(self) -> dict[str, Any]:
        """The newest `LISTED` backfills, the newest first."""
        states = self.states.of_all(self.store.backfills(LISTED))
        return {"backfills": [_summary(report(state, self.now())) | {"source": _source(state.backfill)} for state in states]}

    def failures(self, backfill_id: str, code: str | None, size: int, cursor: str | None) -> dict[str, Any]:
        """A page of failed items with URL and reason, of one error code or of all. Raises `NotFound` if there is no such backfill."""
        backfill = get_backfill(self.store, backfill_id)
        found = self.outcomes.failures(backfill_id, backfill.full_run, code=code, after=cursor, size=size)
        names = ("product_id", "image_url", "code", "reason", "at")
        listed = [{name: getattr(failure, name) for name in names} for failure in found]
        return {"failures": listed, "next_cursor": found[-1].key if len(found) == size else None}


def report(state: BackfillState, now: datetime) -> dict[str, Any]:
    """The answer of ``status``. ``rate`` is in items per second: over the last minute while it runs, over the whole run when finished."""
    backfill, counts = state.backfill, state.counts
    is_finished = state.phase is Phase.FINISHED
    rate = _rate(state, now)
    left = max(state.expected - counts.settled, 0) if state.expected is not None else None
    return {
        "backfill_id": backfill.backfill_id,
        "state": state.phase.value,
        "run": backfill.run,
        "into": backfill.into,
        "total": backfill.total,
        "read": state.read,
        "indexed": counts.indexed,
        "unchanged": counts.unchanged,
        "deleted": counts.deleted,
        "failed": dict(counts.failures),
        "dead_letters": dict(state.dead_letters),
        "percent": 100.0 if is_finished else _percent(state),
        "rate": round(rate, 2),
        "time_left_s": 0 if is_finished else round(left / rate) if rate and left is not None else None,
        "started_at": backfill.started_at.isoformat(),
    }


def _summary(reported: dict[str, Any]) -> dict[str, Any]:
    names = ("backfill_id", "state", "percent", "total", "run", "into", "started_at")
    return {name: reported[name] for name in names}


def _rate(state: BackfillState, now: datetime) -> float:
    counts, is_finished = state.counts, state.phase is Phase.FINISHED
    until = counts.last_at if is_finished and counts.last_at else now
    elapsed_s = max((until - state.backfill.started_at).total_seconds(), 0.001)
    return counts.settled / elapsed_s if is_finished or elapsed_s < RECENT_S else counts.recent / RECENT_S


def _percent(state: BackfillState) -> float | None:
    """Below 100 until the backfill is finished; None if the number of items is unknown."""
    if state.expected is None:
        return None
    return round(min(100 * state.counts.settled / max(state.expected, 1), 99.9), 1)


def _source(backfill: Backfill) -> dict[str, Any]:
    """The source as JSON, without what was not given."""
    return {name: value for name, value in asdict(backfill.spec).items() if value is not None}
