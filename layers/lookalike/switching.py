"""Switching: an index that a backfill has filled becomes the one that is searched."""

from typing import Any

from lookalike.backfills import Indices, Store, known
from lookalike.errors import DownloadFailed, IndexAway, IndexMissing, RequestInvalid, Unavailable
from lookalike.progress import Progress

PASSING = frozenset(kind.code for kind in (Unavailable, DownloadFailed, IndexAway, IndexMissing))
"""Failures of which a retry may make an indexed product."""


class Switching:
    """The use case."""

    def __init__(self, store: Store, progress: Progress, indices: Indices) -> None:
        self._store = store
        self._progress = progress
        self._indices = indices

    def switch(self, backfill_id: str, *, force: bool) -> dict[str, Any]:
        """Moves the alias to the index that the backfill filled; the index that was searched is kept.

        Raises:
            NotFound: there is no such backfill.
            RequestInvalid: it fills no new index, or is not complete, which ``force`` overrides.
        """
        backfill = known(self._store, backfill_id)
        if backfill.into is None:
            raise RequestInvalid("the backfill fills no new index: it was started without into", field="backfill_id")
        status = self._progress.status(backfill_id)
        passing = sum(count for code, count in status["failed"].items() if code in PASSING)
        if not force and (status["state"] != "finished" or passing):
            raise RequestInvalid(
                f"the backfill is not complete: it is {status['state']}, and {passing} products failed for reasons that pass; "
                "wait, or retry, or switch with force",
                field="backfill_id",
            )
        return {"index": backfill.into, "previous": self._indices.switch(backfill.into)}
