"""Deletes products that an earlier run of a backfill found in the source and the last one did not."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lookalike.backfill.continuation import PAGE, page_by_page
from lookalike.backfill.messages import ContinuePrune, Sender
from lookalike.backfill.model import Backfill, BackfillStore, BucketSpec, CurrentSpec, get_backfill
from lookalike.backfill.outcomes import OutcomeStore, StoredOutcome
from lookalike.backfill.state import BackfillStates, Phase
from lookalike.errors import RequestInvalid
from lookalike.indexing.messages import MAX_ITEMS, CopyPictures, DeleteProducts, Message, SyncObjects

PRUNE_IN = frozenset({Phase.FINISHED})
"""Before that, products of the last run may still have the outcome of an earlier one."""


@dataclass(frozen=True, slots=True)
class Prune:
    """Prunes, page by page; ``clock`` counts seconds."""

    store: BackfillStore
    outcomes: OutcomeStore
    sender: Sender
    states: BackfillStates
    clock: Callable[[], float] = time.monotonic

    def prune(self, backfill_id: str, *, dry_run: bool) -> int:
        """Deletes what the last run did not find in the source; returns how many items that is. With ``dry_run`` it only counts.

        Raises:
            NotFound: there is no such backfill.
            RequestInvalid: the last run did not read the whole source, or is not finished.
        """
        backfill = get_backfill(self.store, backfill_id)
        if backfill.full_run != backfill.run:
            raise RequestInvalid("the last run read only changes: prune needs a backfill without updated_at")
        self.states.of(backfill).require("prune", PRUNE_IN)
        vanished = self.outcomes.count_of_earlier_runs(backfill_id, backfill.run)
        if not dry_run:
            self.resume(ContinuePrune(backfill_id, backfill.run))
        return vanished

    def resume(self, message: ContinuePrune) -> None:
        """Continues after the message's key. Raises as `page_by_page`."""
        page_by_page(self.store, self.sender, self.clock, message, self._vanished, self._delete)

    def _vanished(self, backfill: Backfill, message: ContinuePrune) -> Sequence[StoredOutcome]:
        return self.outcomes.of_earlier_runs(backfill.backfill_id, backfill.run, after=message.after, size=PAGE)

    def _delete(self, backfill: Backfill, vanished: Sequence[StoredOutcome]) -> None:
        keys = [outcome.key for outcome in vanished]
        self.sender.send(_removal(backfill, keys).split(MAX_ITEMS))
        self.outcomes.remove(backfill.backfill_id, keys)


def _removal(backfill: Backfill, keys: Sequence[str]) -> Message:
    """Deletes products; syncs objects and pictures, which deletes them because they no longer exist."""
    if isinstance(backfill.spec, BucketSpec):
        return SyncObjects(tuple(keys), into=backfill.into)
    if isinstance(backfill.spec, CurrentSpec):
        return CopyPictures(tuple(keys), source_index=backfill.spec.index or "", into=backfill.into)
    as_of = round(backfill.started_at.timestamp() * 1000)  # products that were put after the run began stay
    return DeleteProducts(tuple(keys), into=backfill.into, as_of=as_of)
