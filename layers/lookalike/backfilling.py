"""Backfilling: every product of an existing index is read and posted to the products queue.

The source is cut into slices, each read page by page by whoever takes its message. Where a slice stands is one small document, which
is moved on only after a page was posted: a slice that dies is taken up where it was, and of two who read the same one, one stops.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol, TypeAlias

from lookalike.domain import Product
from lookalike.errors import NotFound
from lookalike.products import PRODUCTS_A_MESSAGE, Message, Outbox, Outcomes, ProductOutcome

PAGE = 500
SLICE_PRODUCTS = 20_000
MAX_SLICES = 64
SLICE_RUN_S = 45.0
"""How long one call reads before it posts its slice again; a page and its posts must fit between this and the function's timeout."""

Position: TypeAlias = Mapping[str, Any]
"""Where a slice stands: JSON that only the source understands."""


@dataclass(frozen=True, slots=True)
class FieldNames:
    """Where a source document has what; dotted paths, lists are walked through.

    Without ``id`` it is the document's id; without ``attributes`` they are everything else.
    """

    id: str | None = None
    image_urls: str = "image_url"
    attributes: str | tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """Which documents of which index are products."""

    index: str
    query: Mapping[str, Any] = field(default_factory=lambda: {"match_all": {}})
    fields: FieldNames = field(default_factory=FieldNames)


@dataclass(frozen=True, slots=True)
class Row:
    """A source document: its product, or what is wrong with it; ``key`` names the document."""

    key: str
    product: Product | None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, and where the next page begins; None after the last."""

    rows: Sequence[Row]
    next: Position | None


class Source(Protocol):
    """An index of products that is only read."""

    def count(self, spec: SourceSpec) -> int:
        """How many documents."""

    def slices(self, spec: SourceSpec, most: int) -> Sequence[Position]:
        """Starting points of slices that are disjoint and together everything."""

    def page(self, spec: SourceSpec, position: Position, size: int) -> Page:
        """The documents at a position."""


@dataclass(frozen=True, slots=True)
class Backfill:
    """A backfill that was started; ``run`` counts how often."""

    backfill_id: str
    run: int
    spec: SourceSpec
    total: int
    slices: int
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Slice:
    """Where a slice stands: ``position`` is None when it is read to its end. ``version`` is the store's, for `Store.advance`."""

    backfill_id: str
    number: int
    position: Position | None
    read: int = 0
    version: Any = None


@dataclass(frozen=True, slots=True)
class Tally:
    """Products by what became of them; failures by their code. ``last_at`` is when the last one was settled."""

    indexed: int
    unchanged: int
    failed: Mapping[str, int]
    last_at: datetime | None

    @property
    def settled(self) -> int:
        """All of them."""
        return self.indexed + self.unchanged + sum(self.failed.values())


class Store(Protocol):
    """Where backfills are remembered."""

    def backfill(self, backfill_id: str) -> Backfill | None:
        """A backfill, None if there is none."""

    def begin(self, backfill: Backfill, positions: Sequence[Position]) -> None:
        """Remembers a backfill and its slices, in place of an earlier run of it."""

    def slices(self, backfill_id: str) -> Sequence[Slice]:
        """Where all slices stand."""

    def slice(self, backfill_id: str, number: int) -> Slice:
        """Where a slice stands."""

    def advance(self, slice_: Slice, position: Position | None, read: int) -> Slice | None:
        """Moves a slice on; None if somebody else did since it was read."""

    def tally(self, backfill_id: str, run: int) -> Tally:
        """What became of the products so far."""


class Backfilling:
    """The use case.

    Args:
        clock: seconds, for how long a call reads.
        now: the time of day.
    """

    def __init__(
        self,
        source: Source,
        store: Store,
        outcomes: Outcomes,
        outbox: Outbox,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._source = source
        self._store = store
        self._outcomes = outcomes
        self._outbox = outbox
        self._clock = clock
        self._now = now

    def start(self, spec: SourceSpec) -> Backfill:
        """Starts a backfill. The same request again takes up what is not read yet; when all is read, it reads everything anew.

        Raises:
            RequestInvalid: there is no such index, or the query cannot be answered.
            Unavailable, Misconfigured: try again.
        """
        backfill_id = id_of(spec)
        backfill = self._store.backfill(backfill_id)
        unread = [slice_.number for slice_ in self._store.slices(backfill_id) if slice_.position is not None] if backfill else []
        if backfill is None or not unread:
            backfill = self._begin(backfill_id, spec, run=backfill.run + 1 if backfill else 1)
            unread = list(range(backfill.slices))
        for number in unread:
            self._outbox.post_slice(backfill_id, number)
        return backfill

    def read_slice(self, backfill_id: str, number: int) -> None:
        """Reads pages of a slice for about `SLICE_RUN_S`, then posts it again; at its end, does not.

        Raises:
            NotFound: there is no such backfill.
            Unavailable, Misconfigured: the message must come back.
        """
        backfill = self._known(backfill_id)
        slice_: Slice | None = self._store.slice(backfill_id, number)
        stop = self._clock() + SLICE_RUN_S
        while slice_ is not None and slice_.position is not None:
            if self._clock() > stop:
                self._outbox.post_slice(backfill_id, number)
                return
            page = self._source.page(backfill.spec, slice_.position, PAGE)
            products = {row.product.product_id: row.product for row in page.rows if row.product}
            faults = [row for row in page.rows if row.product is None]
            self._outbox.post_products(_messages(backfill, list(products.values())))
            self._outcomes.record(_fault(backfill, row) for row in faults)
            slice_ = self._store.advance(slice_, page.next, slice_.read + len(products) + len(faults))

    def status(self, backfill_id: str) -> dict[str, Any]:
        """How far a backfill is.

        Raises:
            NotFound: there is no such backfill.
        """
        backfill = self._known(backfill_id)
        return report(backfill, self._store.slices(backfill_id), self._store.tally(backfill_id, backfill.run), self._now())

    def _begin(self, backfill_id: str, spec: SourceSpec, run: int) -> Backfill:
        total = self._source.count(spec)
        positions = self._source.slices(spec, most=max(1, min(MAX_SLICES, total // SLICE_PRODUCTS)))
        backfill = Backfill(backfill_id, run, spec, total, len(positions), self._now())
        self._store.begin(backfill, positions)
        return backfill

    def _known(self, backfill_id: str) -> Backfill:
        backfill = self._store.backfill(backfill_id)
        if backfill is None:
            raise NotFound(f"there is no backfill {backfill_id!r}", field="backfill_id")
        return backfill


def id_of(spec: SourceSpec) -> str:
    """The backfill's id, computed from the request."""
    return hashlib.sha256(json.dumps(asdict(spec), sort_keys=True).encode()).hexdigest()[:16]


def report(backfill: Backfill, slices: Sequence[Slice], tally: Tally, now: datetime) -> dict[str, Any]:
    """The answer of ``status``. ``rate`` is in products a second."""
    read = sum(slice_.read for slice_ in slices)
    is_read = all(slice_.position is None for slice_ in slices)
    is_finished = is_read and tally.settled >= read
    expected = read if is_read else max(backfill.total, read)
    until = tally.last_at if is_finished and tally.last_at else now
    elapsed_s = max((until - backfill.started_at).total_seconds(), 0.001)
    rate = tally.settled / elapsed_s
    return {
        "backfill_id": backfill.backfill_id,
        "state": "finished" if is_finished else "indexing" if is_read else "reading",
        "total": backfill.total,
        "read": read,
        "indexed": tally.indexed,
        "unchanged": tally.unchanged,
        "failed": dict(tally.failed),
        "percent": 100.0 if is_finished else round(min(100 * tally.settled / max(expected, 1), 99.9), 1),
        "rate": round(rate, 2),
        "time_left_s": 0 if is_finished else round((expected - tally.settled) / rate) if rate else None,
        "started_at": backfill.started_at.isoformat(),
    }


def _messages(backfill: Backfill, products: Sequence[Product]) -> Iterable[Message]:
    for start in range(0, len(products), PRODUCTS_A_MESSAGE):
        yield Message(put=tuple(products[start : start + PRODUCTS_A_MESSAGE]), backfill_id=backfill.backfill_id, run=backfill.run)


def _fault(backfill: Backfill, row: Row) -> ProductOutcome:
    return ProductOutcome(row.key, "failed", backfill.backfill_id, backfill.run, code="request_invalid", reason=row.fault)
