"""Merges the segments of an index after a backfill: each segment has an HNSW graph of its own, and a search visits all of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from lookalike.backfill.indices import Indices
from lookalike.backfill.messages import MergeWhenFinished, Sender
from lookalike.backfill.model import BackfillStore, get_backfill
from lookalike.backfill.state import BackfillStates, Phase

MAX_WAIT_S = 900
"""The longest delay that SQS gives a message."""


@dataclass(frozen=True, slots=True)
class Merge:
    """Waits until a backfill is finished, starts the merge, and checks that it succeeds; the backfill counts as finished regardless.

    Args:
        wait_s: the least time between two checks, in seconds; it grows to a tenth of the time since the backfill's start.
        now: the current time.
    """

    store: BackfillStore
    states: BackfillStates
    sender: Sender
    indices: Indices
    wait_s: int = 10
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def resume(self, message: MergeWhenFinished) -> None:
        """Does the next step: wait, start the merge, or check it. Does nothing if the backfill was cancelled or started again meanwhile.

        Raises `NotFound`, and `TransientError` or `Misconfigured` if the message must be redelivered, or Elasticsearch could not merge.
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
