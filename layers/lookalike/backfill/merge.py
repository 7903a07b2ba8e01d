"""Merges the segments of an index that a backfill has filled: each is a graph of its own, and a search goes through all of them."""

from dataclasses import replace

from lookalike.backfill.messages import MergeWhenFinished, Sender
from lookalike.backfill.model import BackfillStore, Indices, get_backfill
from lookalike.backfill.state import BackfillStates, Phase


class Merge:
    """Waits for a backfill's end, has Elasticsearch merge, and sees to it that this succeeds; the backfill is finished without it.

    Args:
        wait_s: between two looks at whether the backfill, or the merge, has ended; 900 at most.
    """

    def __init__(self, store: BackfillStore, states: BackfillStates, sender: Sender, indices: Indices, *, wait_s: int = 10) -> None:
        self._store = store
        self._states = states
        self._sender = sender
        self._indices = indices
        self._wait_s = wait_s

    def resume(self, message: MergeWhenFinished) -> None:
        """Takes the next step, if there is one; does nothing if the backfill was cancelled, or started again meanwhile.

        Raises:
            NotFound: there is no such backfill.
            TransientError, Misconfigured: the message must come back; Elasticsearch could not merge.
        """
        backfill = get_backfill(self._store, message.backfill_id)
        if backfill.run != message.run:
            return
        if message.task is not None:
            following = None if self._indices.is_merged(message.task) else message
        elif (phase := self._states.of(backfill).phase) is Phase.FINISHED:
            task = self._indices.begin_merge(backfill.into)
            following = replace(message, task=task) if task else None
        else:
            following = None if phase is Phase.CANCELLED else message
        if following:
            self._sender.send_backfill([following], delay_s=self._wait_s)
