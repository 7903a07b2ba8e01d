"""Merges the segments of an index that a backfill has filled: each is a graph of its own, and a search goes through all of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from lookalike.backfill.messages import MergeWhenFinished, Sender
from lookalike.backfill.model import BackfillStore, Indices, get_backfill
from lookalike.backfill.state import BackfillStates, Phase

MAX_WAIT_S = 900
"""The longest delay that SQS gives a message."""


@dataclass(frozen=True, slots=True)
class Merge:
    """Waits for a backfill's end, has Elasticsearch merge, and sees to it that this succeeds; the backfill is finished without it.

    Args:
        wait_s: at least between two looks at whether the backfill, or the merge, has ended; else a tenth of what it has taken so far.
        now: the time of day.
    """

    store: BackfillStore
    states: BackfillStates
    sender: Sender
    indices: Indices
    wait_s: int = 10
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def resume(self, message: MergeWhenFinished) -> None:
        """Takes the next step, if there is one; does nothing if the backfill was cancelled, or started again meanwhile.

        Raises `NotFound`, and `TransientError` or `Misconfigured` if the message must come back, or Elasticsearch could not merge.
        """
        backfill = get_backfill(self.store, message.backfill_id)
        if backfill.run != message.run:
            return
        if message.task is not None:
            following = None if self.indices.is_merged(message.task) else message
        elif (phase := self.states.of(backfill).phase) is Phase.FINISHED:
            task = self.indices.begin_merge(backfill.into)
            following = replace(message, task=task) if task else None
        else:
            following = None if phase is Phase.CANCELLED else message
        if following:
            taken_s = (self.now() - backfill.started_at).total_seconds()
            self.sender.send_backfill([following], delay_s=min(max(self.wait_s, round(taken_s / 10)), MAX_WAIT_S))
