"""Fan-out: a source is read, page by page, and posted to the products queue.

It is cut into slices, each read by whoever takes its message. Where a slice stands is one small document, which is moved on only after
a page was posted: a slice that dies is taken up where it was, and of two who read the same one, one stops.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from lookalike.backfills import (
    Backfill,
    CurrentSpec,
    IndexSpec,
    Indices,
    Into,
    Ledger,
    Page,
    Position,
    Row,
    Slice,
    Source,
    SourceSpec,
    Store,
    id_of,
    known,
)
from lookalike.domain import Product
from lookalike.errors import RequestInvalid
from lookalike.pipeline import batched, run_ahead
from lookalike.products import MAX_IMAGE_URLS, PRODUCTS_A_MESSAGE, Message, Outbox, ProductOutcome

PAGE = 1000
SLICE_PRODUCTS = 20_000
MAX_SLICES = 500
SLICE_RUN_S = 45.0
"""How long one call reads before it posts its slice again; a page and its posts must fit between this and the function's timeout."""

OVERLAP = timedelta(minutes=10)
"""What changed so shortly before the last run began is read again: clocks differ, and documents are found only after a refresh."""


@dataclass(frozen=True, slots=True)
class Read:
    """What one call read of a slice."""

    units: int
    is_at_end: bool


class FanOut:
    """The use case.

    Args:
        clock: seconds, for how long a call reads.
        now: the time of day.
    """

    def __init__(
        self,
        source: Source,
        store: Store,
        ledger: Ledger,
        outbox: Outbox,
        indices: Indices,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._source = source
        self._store = store
        self._ledger = ledger
        self._outbox = outbox
        self._indices = indices
        self._clock = clock
        self._now = now

    def start(self, spec: SourceSpec, into: Into | None = None) -> Backfill:
        """Starts a backfill. The same request again takes up what is not read yet; when all is read, it reads everything anew.

        One into a new index that was cancelled starts anew: uploads did not reach that index meanwhile.

        Raises:
            RequestInvalid: there is no such source, its query cannot be answered, or the new index cannot be filled.
            Unavailable, Misconfigured: try again.
        """
        backfill_id = id_of(spec, into)
        backfill = self._store.backfill(backfill_id)
        slices = self._store.slices(backfill_id) if backfill else []
        unread = [slice_.number for slice_ in slices if slice_.position is not None]
        is_cancelled = any(slice_.is_cancelled for slice_ in slices)
        if backfill is None or not unread or (into and is_cancelled):
            backfill = self._begin(backfill_id, spec, into, backfill)
            unread = list(range(backfill.slices))
        elif is_cancelled:
            self._store.set_cancelled(backfill_id, False)
        self._outbox.post_slices(backfill_id, unread)
        return backfill

    def read_slice(self, backfill_id: str, number: int) -> Read:
        """Reads pages of a slice for about `SLICE_RUN_S`, then posts it again; at its end, or when it was cancelled, does not.

        Raises:
            NotFound: there is no such backfill.
            Unavailable, Misconfigured: the message must come back.
        """
        backfill = known(self._store, backfill_id)
        slice_: Slice | None = self._store.slice(backfill_id, number)
        if slice_ is None or slice_.position is None or slice_.is_cancelled:
            return Read(0, is_at_end=True)
        begun, stop = slice_.read, self._clock() + SLICE_RUN_S
        with closing(run_ahead(self._pages(backfill.spec, slice_.position))) as pages:
            for page in pages:
                read = slice_.read
                slice_ = self._store.advance(slice_, page.next, read + post(backfill, page.rows, self._ledger, self._outbox))
                if slice_ is None or slice_.position is None:
                    return Read((slice_.read if slice_ else read) - begun, is_at_end=True)
                if self._clock() > stop:
                    break
        self._outbox.post_slices(backfill_id, [number])
        return Read(slice_.read - begun, is_at_end=False)

    def cancel(self, backfill_id: str) -> Backfill:
        """Has its slices read no further than the page that each is at; what is posted is still indexed.

        Raises:
            NotFound: there is no such backfill.
        """
        backfill = known(self._store, backfill_id)
        self._store.set_cancelled(backfill_id, True)
        if backfill.into:
            self._indices.let_go(backfill.into)
        return backfill

    def _pages(self, spec: SourceSpec, start: Position) -> Iterator[Page]:
        position: Position | None = start
        while position is not None:
            page = self._source.page(spec, position, PAGE)
            yield page
            position = page.next

    def _begin(self, backfill_id: str, spec: SourceSpec, into: Into | None, last: Backfill | None) -> Backfill:
        # The index first: whatever is written from now on reaches it by itself, whatever was written before is read below.
        name = self._indices.prepare(replace(into, index=into.index or (last.into if last else None))) if into else None
        pinned = self._pinned(spec, last)
        if isinstance(pinned, CurrentSpec) and pinned.index == name:
            raise RequestInvalid(f"the index {name!r} is the one that is searched by now: nothing is to be filled", field="into")
        total = self._source.count(pinned)
        positions = self._source.slices(pinned, most=max(1, min(MAX_SLICES, (total or 0) // SLICE_PRODUCTS)))
        run = last.run + 1 if last else 1
        backfill = Backfill(
            backfill_id, run, pinned, total, len(positions), self._now(), into=name, is_unique=self._source.is_unique(pinned)
        )
        self._store.begin(backfill, positions)
        return backfill

    def _pinned(self, spec: SourceSpec, last: Backfill | None) -> SourceSpec:
        """The source of one run: aliases may move, and changes are those since the run before."""
        if isinstance(spec, CurrentSpec):
            return CurrentSpec(self._indices.searched())
        if isinstance(spec, IndexSpec) and spec.updated_at and last:
            return replace(spec, since=(last.started_at - OVERLAP).isoformat())
        return spec


def post(backfill: Backfill, rows: Sequence[Row], ledger: Ledger, outbox: Outbox) -> int:
    """Posts the units of a page and records its faults; answers with how many units that were."""
    products = [*_merged(row.product for row in rows if row.product)]
    objects = [row.object_url for row in rows if row.object_url]
    images = [row.image_id for row in rows if row.image_id]
    unusable = [_fault(backfill, row.key, row.fault) for row in rows if row.fault]
    crowded = [product for product in products if len(product.image_urls) > MAX_IMAGE_URLS]
    put = [product for product in products if len(product.image_urls) <= MAX_IMAGE_URLS]
    if not backfill.is_unique:
        ledger.claim(_outcome(backfill, product.product_id) for product in put)
    blank = Message(backfill_id=backfill.backfill_id, run=backfill.run, into=backfill.into)
    too_large = outbox.post_products(replace(blank, put=tuple(some)) for some in batched(put, PRODUCTS_A_MESSAGE))
    outbox.post_products(replace(blank, mirror=tuple(some)) for some in batched(objects, PRODUCTS_A_MESSAGE))
    if isinstance(backfill.spec, CurrentSpec):
        copied = replace(blank, copy_from=backfill.spec.index)
        outbox.post_products(replace(copied, copy=tuple(some)) for some in batched(images, PRODUCTS_A_MESSAGE))
    ledger.record(
        [
            *unusable,
            *(_fault(backfill, product.product_id, _TOO_MANY_URLS) for product in crowded),
            *(_fault(backfill, product.product_id, _TOO_LARGE) for product in too_large),
        ]
    )
    return len(products) + len(objects) + len(images) + len(unusable)


_TOO_MANY_URLS = f"the product has more than {MAX_IMAGE_URLS:,} image URLs"
_TOO_LARGE = "the product is too large for a message of the queue: name the attributes that are wanted, or shorten its image URLs"


def _merged(products: Iterable[Product]) -> Iterable[Product]:
    """Documents of the same product are one: all their pictures, the attributes of the first."""
    merged: dict[str, Product] = {}
    for product in products:
        first = merged.setdefault(product.product_id, product)
        if first is not product:
            urls = dict.fromkeys([*first.image_urls, *product.image_urls])
            merged[product.product_id] = replace(first, image_urls=tuple(urls))
    return merged.values()


def _outcome(backfill: Backfill, product_id: str) -> ProductOutcome:
    return ProductOutcome(product_id, "posted", backfill.backfill_id, backfill.run)


def _fault(backfill: Backfill, key: str, reason: str | None) -> ProductOutcome:
    return replace(_outcome(backfill, key), state="failed", code="request_invalid", reason=reason)
