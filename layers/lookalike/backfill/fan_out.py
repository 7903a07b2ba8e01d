"""Fan-out: reads the source page by page and sends its items to the products queue.

The source is divided into slices, each with a message that any instance of the function may receive. The position in a slice is a small
document, which is advanced after each page was sent, by compare-and-set: if an instance dies, another resumes there; of two that read the
same slice, one stops.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from lookalike.backfill import addresses
from lookalike.backfill.continuation import postpone_if_busy
from lookalike.backfill.dead_letters import DeadLetterStore
from lookalike.backfill.enqueue import enqueue
from lookalike.backfill.indices import Indices
from lookalike.backfill.messages import ContinueRetry, MergeWhenFinished, ReadSlice, Sender
from lookalike.backfill.model import (
    Backfill,
    BackfillStore,
    CurrentSpec,
    IndexSpec,
    Into,
    Position,
    Slice,
    Source,
    SourcePage,
    SourceSpec,
    get_backfill,
    id_of,
)
from lookalike.backfill.outcomes import OutcomeStore
from lookalike.backfill.state import Phase, phase_of_reading
from lookalike.concurrency import prefetch
from lookalike.errors import RequestInvalid

PAGE = 1000
SLICE_PRODUCTS = 20_000
MAX_SLICES = 500
SAMPLE = 100
"""Documents that are checked before a backfill starts."""

SLICE_RUN_S = 45.0
"""How long one call reads before it sends the slice's next message; a page and its messages fit between this and the function's timeout."""

REFRESH_MS = 60_000
"""Margin for the refresh interval of the source's index, and for differences between clocks."""


@dataclass(frozen=True, slots=True)
class SliceProgress:
    """The number of items that one call read of a slice, and whether the slice is read to its end."""

    items: int
    is_at_end: bool


@dataclass(frozen=True, slots=True)
class FanOut:
    """Starts, reads and cancels backfills.

    Args:
        merges: whether the index is merged into few segments after a run that read the whole source.
        clock: seconds, for how long a call reads.
        now: the current time.
    """

    source: Source
    store: BackfillStore
    outcomes: OutcomeStore
    sender: Sender
    indices: Indices
    dead_letters: DeadLetterStore
    merges: bool = False
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def start(self, spec: SourceSpec, into: Into | None = None, *, force: bool = False) -> Backfill:
        """Starts a backfill. The same request again resumes reading if anything is unread, else it starts another run.

        A cancelled backfill into a new index is not resumed but started again, because that index missed the uploads since.

        Args:
            spec: what to read.
            into: the new index to fill; None for the index behind the alias.
            force: read a source though none of its first documents has an image URL.

        Raises:
            RequestInvalid: there is no such source, its query cannot be answered, none of its first documents can be indexed, or the new
                index cannot be filled.
            TransientError, Misconfigured: as their docstrings say.
        """
        backfill_id = id_of(spec, into)
        backfill = self.store.backfill(backfill_id)
        slices = self.store.slices(backfill_id) if backfill else []
        reading = phase_of_reading(slices)
        unread = [slice_.number for slice_ in slices if slice_.position is not None]
        if backfill is None or reading is None or (into and reading is Phase.CANCELLED):
            backfill = self._begin(backfill_id, spec, into, backfill, force=force)
            unread = list(range(backfill.slices))
            if backfill.full_run < backfill.run:  # only what changed is read, and what failed before need not have
                self.sender.send_backfill([ContinueRetry(backfill_id, backfill.run)])
        elif reading is Phase.CANCELLED:
            self.store.set_cancelled(backfill_id, False)
        if self.merges and backfill.full_run == backfill.run and reading in (None, Phase.CANCELLED):
            self.sender.send_backfill([MergeWhenFinished(backfill_id, backfill.run)])
        self.sender.send_backfill(ReadSlice(backfill_id, number) for number in unread)
        self.dead_letters.remove_of(backfill_id, "backfill")
        return backfill

    def read_slice(self, backfill_id: str, number: int) -> SliceProgress:
        """Reads pages of a slice for about `SLICE_RUN_S`, then sends its next message, unless it is at its end or cancelled.

        Raises `NotFound`, and `TransientError` or `Misconfigured` if the message must be redelivered.
        """
        backfill = get_backfill(self.store, backfill_id)
        slice_: Slice | None = self.store.slice(backfill_id, number)
        if slice_ is None or slice_.position is None or slice_.is_cancelled:
            return SliceProgress(0, is_at_end=True)
        if postpone_if_busy(self.sender, ReadSlice(backfill_id, number)):
            return SliceProgress(0, is_at_end=False)
        begun, stop = slice_.read, self.clock() + SLICE_RUN_S
        with closing(prefetch(self._pages(backfill.spec, slice_.position))) as pages:
            for as_of, page in pages:
                read = 0 if page.is_restart else slice_.read
                begun = min(begun, read)
                items = enqueue(backfill, page.documents, self._as_of(backfill, as_of, page), self.outcomes, self.sender)
                slice_ = self.store.advance(slice_, page.next, read + items)
                if slice_ is None or slice_.position is None:
                    return SliceProgress((slice_.read if slice_ else read) - begun, is_at_end=True)
                if self.clock() > stop:
                    break
        self.sender.send_backfill([ReadSlice(backfill_id, number)])
        return SliceProgress(slice_.read - begun, is_at_end=False)

    def cancel(self, backfill_id: str) -> Backfill:
        """Stops reading after the current page; products that are queued are still indexed. Raises `NotFound`."""
        backfill = get_backfill(self.store, backfill_id)
        self.store.set_cancelled(backfill_id, True)
        if backfill.into:
            self.indices.end_dual_write(backfill.into)
        return backfill

    def _as_of(self, backfill: Backfill, read_at: int, page: SourcePage) -> int:
        """The earliest time of which a page may show the state, in milliseconds since 1970: newer messages of the shop must win."""
        return round(backfill.started_at.timestamp() * 1000) if page.is_snapshot else read_at - REFRESH_MS

    def _pages(self, spec: SourceSpec, start: Position) -> Iterator[tuple[int, SourcePage]]:
        """Pages, each with the time at which its reading began, in milliseconds since 1970."""
        position: Position | None = start
        while position is not None:
            as_of = round(self.now().timestamp() * 1000)
            page = self.source.page(spec, position, PAGE)
            yield as_of, page
            position = page.next

    def _begin(self, backfill_id: str, spec: SourceSpec, into: Into | None, last: Backfill | None, *, force: bool) -> Backfill:
        # The index first: what is written from now on reaches it by dual write, and what was written before is read below.
        name = self.indices.begin_dual_write(replace(into, index=into.index or (last.into if last else None))) if into else None
        resolved = self._resolved(spec, last)
        if isinstance(resolved, CurrentSpec) and resolved.index == name:
            raise RequestInvalid(f"the index {name!r} is already the one that is searched: there is nothing to fill", field="into")
        total = self.source.count(resolved)
        positions = self.source.slices(resolved, most=max(1, min(MAX_SLICES, (total or 0) // SLICE_PRODUCTS)))
        if not force and isinstance(resolved, IndexSpec) and resolved.since is None:
            self._check_sample(resolved)
        run = last.run + 1 if last else 1
        is_partial = isinstance(resolved, IndexSpec) and resolved.since is not None
        backfill = Backfill(
            backfill_id,
            run,
            resolved,
            total,
            len(positions),
            self.now(),
            into=name,
            is_unique=self.source.is_unique(resolved),
            full_run=last.full_run if last and is_partial else run,
        )
        self.store.begin(backfill, positions)
        return backfill

    def _check_sample(self, spec: IndexSpec) -> None:
        """Checks that some of a sample can be indexed, so that a misspelt field name does not fail a whole catalogue."""
        documents = self.source.sample(spec, SAMPLE)
        products = [document.product for document in documents if document.product]
        if documents and not products:
            fault = documents[0].fault
            raise RequestInvalid(f"none of {len(documents)} documents is a product: {fault}", field="source.fields.id")
        if products and not any(product.image_urls for product in products):
            raise RequestInvalid(
                f"none of {len(products)} products has an image URL in {spec.fields.image_urls!r}: "
                "name the field that has it (fields excluded from _source cannot be read), or start with force",
                field="source.fields.image_urls",
            )
        urls = [url for product in products for url in product.image_urls]
        if urls and not any(map(addresses.is_absolute, urls)):
            raise RequestInvalid(f"image URLs are relative, such as {urls[0][:200]!r}: give their base_url", field="source.fields.base_url")

    def _resolved(self, spec: SourceSpec, last: Backfill | None) -> SourceSpec:
        """The source of one run: the concrete index behind the alias, and the time from which changes are read."""
        if isinstance(spec, CurrentSpec):
            return CurrentSpec(self.indices.searched())
        if not isinstance(spec, IndexSpec):
            return spec
        resolved = self.source.resolved(spec)
        if not spec.updated_at or not last or not isinstance(last.spec, IndexSpec):
            return resolved
        # After a cancelled run, more is unread than what changed since its start.
        is_read = phase_of_reading(self.store.slices(last.backfill_id)) is None
        since = (last.started_at - timedelta(minutes=spec.overlap_minutes)).isoformat()
        return replace(resolved, since=since if is_read else last.spec.since)
