"""Progress: how far backfills are, and what failed in them."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Protocol

from lookalike.backfills import RECENT_S, Backfill, Ledger, Slice, Store, Tally, known

LISTED = 100


class DeadLetters(Protocol):
    """The queues of messages that failed too often."""

    def dead_letters(self) -> dict[str, int]:
        """How many there are of products and of slices. Raises `Unavailable`."""


class Progress:
    """The use case; ``now`` is the time of day."""

    def __init__(
        self, store: Store, ledger: Ledger, dead_letters: DeadLetters, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._dead_letters = dead_letters
        self._now = now

    def status(self, backfill_id: str) -> dict[str, Any]:
        """How far a backfill is.

        Raises:
            NotFound: there is no such backfill.
        """
        return self._report(known(self._store, backfill_id)) | {"dead_letters": self._dead_letters.dead_letters()}

    def state(self, backfill_id: str) -> str:
        """The state alone, for which no queue is asked. Raises as `status`."""
        return str(self._report(known(self._store, backfill_id))["state"])

    def list(self) -> dict[str, Any]:
        """The backfills, the newest first."""
        reports = ((backfill, self._report(backfill)) for backfill in self._store.backfills(LISTED))
        named = ("backfill_id", "state", "percent", "total", "run", "into", "started_at")
        return {"backfills": [{name: report[name] for name in named} | {"source": source(backfill)} for backfill, report in reports]}

    def failures(self, backfill_id: str, reason: str | None, size: int, cursor: str | None) -> dict[str, Any]:
        """Failed products with URL and reason; ``reason`` is one of the codes that the status counts.

        Raises:
            NotFound: there is no such backfill.
        """
        backfill = known(self._store, backfill_id)
        found = self._ledger.failures(backfill_id, backfill.run, code=reason, after=cursor, size=size)
        named = ("product_id", "image_url", "code", "reason", "at")
        listed = [{name: getattr(failure, name) for name in named} for failure in found]
        return {"failures": listed, "next_cursor": found[-1].key if len(found) == size else None}

    def _report(self, backfill: Backfill) -> dict[str, Any]:
        slices = self._store.slices(backfill.backfill_id)
        return report(backfill, slices, self._ledger.tally(backfill.backfill_id, backfill.run), self._now())


def report(backfill: Backfill, slices: Sequence[Slice], tally: Tally, now: datetime) -> dict[str, Any]:
    """The answer of ``status``. ``rate`` is in products a second, of the last minute while it runs, of all its time at its end."""
    read = sum(slice_.read for slice_ in slices)
    state = _state(backfill, slices, tally, read)
    is_finished = state == "finished"
    expected = _expected(backfill, slices, tally, read)
    until = tally.last_at if is_finished and tally.last_at else now
    elapsed_s = max((until - backfill.started_at).total_seconds(), 0.001)
    rate = tally.settled / elapsed_s if is_finished or elapsed_s < RECENT_S else tally.recent / RECENT_S
    left = max(expected - tally.settled, 0) if expected is not None else None
    return {
        "backfill_id": backfill.backfill_id,
        "state": state,
        "run": backfill.run,
        "into": backfill.into,
        "total": backfill.total,
        "read": read,
        "indexed": tally.indexed,
        "unchanged": tally.unchanged,
        "deleted": tally.deleted,
        "failed": dict(tally.failed),
        "percent": 100.0 if is_finished else round(min(100 * tally.settled / max(expected, 1), 99.9), 1) if expected is not None else None,
        "rate": round(rate, 2),
        "time_left_s": 0 if is_finished else round(left / rate) if rate and left is not None else None,
        "started_at": backfill.started_at.isoformat(),
    }


def source(backfill: Backfill) -> dict[str, Any]:
    """The source as JSON, without what was not given."""
    return {name: value for name, value in asdict(backfill.spec).items() if value is not None}


def _state(backfill: Backfill, slices: Sequence[Slice], tally: Tally, read: int) -> str:
    unread = [slice_ for slice_ in slices if slice_.position is not None]
    if any(slice_.is_cancelled for slice_ in unread):
        return "cancelled"
    if unread:
        return "reading"
    is_settled = tally.posted == 0 and (tally.settled >= read or not backfill.is_unique)
    return "finished" if is_settled else "indexing"


def _expected(backfill: Backfill, slices: Sequence[Slice], tally: Tally, read: int) -> int | None:
    """How many units there are in all, as far as is known."""
    if all(slice_.position is None for slice_ in slices):
        return read if backfill.is_unique else tally.settled + tally.posted
    return max(backfill.total, read) if backfill.total is not None else None
