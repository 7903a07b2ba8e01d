"""Mending: what failed is tried again, and what vanished from the source is removed.

Both walk the ledger page by page; a call that has walked for long posts where the next one goes on.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from lookalike.backfills import Backfill, BucketSpec, CurrentSpec, Ledger, Remembered, Row, Source, Store, known
from lookalike.errors import RequestInvalid
from lookalike.fanout import post
from lookalike.pipeline import batched
from lookalike.products import PRODUCTS_A_MESSAGE, Message, Outbox, ProductOutcome

PAGE = 500
RUN_S = 20.0
"""How long a call walks; whoever asked waits for the first one."""


@dataclass(frozen=True, slots=True)
class Walk:
    """What is still to be walked: a run's failures, of one reason if given, or what it did not find any more, after a key."""

    backfill_id: str
    run: int
    what: Literal["failed", "vanished"]
    reason: str | None = None
    after: str | None = None


class WalkOutbox(Outbox, Protocol):
    """Where walks are posted too."""

    def post_walk(self, walk: Walk) -> None:
        """Posts to the backfill's own queue. Raises `Unavailable`."""


class Mending:
    """The use case; ``clock`` gives seconds, for how long a call walks."""

    def __init__(
        self, source: Source, store: Store, ledger: Ledger, outbox: WalkOutbox, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._source = source
        self._store = store
        self._ledger = ledger
        self._outbox = outbox
        self._clock = clock

    def retry(self, backfill_id: str, reason: str | None = None) -> int:
        """Posts failed products again, as the source has them now; answers with how many there are.

        Raises:
            NotFound: there is no such backfill.
        """
        backfill = known(self._store, backfill_id)
        failed = self._ledger.tally(backfill_id, backfill.run).failed
        self.go_on(Walk(backfill_id, backfill.run, "failed", reason))
        return failed.get(reason, 0) if reason else sum(failed.values())

    def remove_vanished(self, backfill_id: str, *, dry_run: bool) -> int:
        """Deletes products that an earlier run of the backfill read and the last one did not; answers with how many.

        Raises:
            NotFound: there is no such backfill.
            RequestInvalid: the last run did not read everything, so that nobody knows what vanished.
        """
        backfill = known(self._store, backfill_id)
        if getattr(backfill.spec, "since", None):
            raise RequestInvalid("the last run read only what had changed: what vanished is known after a backfill without updated_at")
        if any(slice_.position is not None for slice_ in self._store.slices(backfill_id)):
            raise RequestInvalid("the last run is not read to its end: what vanished is known then", field="backfill_id")
        vanished = self._ledger.count_earlier(backfill_id, backfill.run)
        if not dry_run:
            self.go_on(Walk(backfill_id, backfill.run, "vanished"))
        return vanished

    def go_on(self, walk: Walk) -> None:
        """Walks for about `RUN_S`, then posts the rest; does nothing if the backfill was started anew meanwhile.

        Raises:
            NotFound: there is no such backfill.
            Unavailable, Misconfigured: the message must come back.
        """
        backfill = known(self._store, walk.backfill_id)
        step = self._retry if walk.what == "failed" else self._remove
        stop = self._clock() + RUN_S
        while backfill.run == walk.run:
            page = step(backfill, walk)
            if len(page) < PAGE:
                return
            walk = replace(walk, after=page[-1].key)
            if self._clock() > stop:
                self._outbox.post_walk(walk)
                return

    def _retry(self, backfill: Backfill, walk: Walk) -> Sequence[Remembered]:
        page = self._ledger.failures(walk.backfill_id, walk.run, code=walk.reason, after=walk.after, size=PAGE, posted=True)
        rows = self._source.find(backfill.spec, [failure.key for failure in page])
        found = {_key(row) for row in rows}
        # Marked before they are posted: a walk that dies between the two finds them again, as it looks for both.
        self._ledger.record(_marked(backfill, failure, failure.key in found) for failure in page)
        post(backfill, rows, self._ledger, self._outbox)
        return page

    def _remove(self, backfill: Backfill, walk: Walk) -> Sequence[Remembered]:
        page = self._ledger.earlier(walk.backfill_id, walk.run, after=walk.after, size=PAGE)
        keys = [outcome.key for outcome in page]
        self._outbox.post_products(_removal(backfill, some) for some in batched(keys, PRODUCTS_A_MESSAGE))
        self._ledger.forget(walk.backfill_id, keys)
        return page


def _removal(backfill: Backfill, keys: Sequence[str]) -> Message:
    """Objects and pictures are looked at again, and deleted because they are not there."""
    if isinstance(backfill.spec, BucketSpec):
        return Message(mirror=tuple(keys), into=backfill.into)
    if isinstance(backfill.spec, CurrentSpec):
        return Message(copy=tuple(keys), copy_from=backfill.spec.index, into=backfill.into)
    return Message(delete=tuple(keys), into=backfill.into)


def _marked(backfill: Backfill, failure: Remembered, is_found: bool) -> ProductOutcome:
    """The failure as one that is under way again; its code stays, for whoever looks for it."""
    outcome = ProductOutcome(
        failure.product_id,
        "posted",
        backfill.backfill_id,
        backfill.run,
        image_url=failure.image_url,
        code=failure.code,
        reason=failure.reason,
        unit=failure.key,
    )
    return outcome if is_found else replace(outcome, state="failed", code="not_found", reason="the source does not have it any more")


def _key(row: Row) -> str:
    return row.product.product_id if row.product else row.object_url or row.image_id or row.key
