"""Backfills: where products are read from, and how far each slice of the source is read.

An item is what one outcome is about: a product of an index, an object of a bucket, or a picture of the index that is searched.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias

from lookalike.domain import Product
from lookalike.errors import NotFound

Position: TypeAlias = Mapping[str, Any]
"""Where the reading of a slice goes on: JSON that only the source understands."""


@dataclass(frozen=True, slots=True)
class FieldNames:
    """Where a source document has what; dotted paths; of a list on the way each element is looked into.

    Without ``id`` it is the document's id; without ``attributes`` they are everything else.

    Args:
        image_urls: a field, or a template of fields: ``https://cdn.example/{sku}.jpg``.
        base_url: what relative addresses are relative to.
        separator: what stands between several addresses in one text.
    """

    id: str | None = None
    image_urls: str = "image_url"
    attributes: str | tuple[str, ...] | None = None
    base_url: str | None = None
    separator: str | None = None


OVERLAP_MINUTES = 15 * 60
"""Local time is 14 hours ahead of UTC at most; clocks differ, and documents are found only after a refresh."""

DateUnit = Literal["date", "s", "number"]


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """Which documents of which index are products.

    Args:
        url: another cluster's address; by default our own.
        secret_arn: where that cluster's credentials are.
        ca: PEM text of that cluster's certificate authority.
        updated_at: a date field; with it every run but the first reads only what changed since the run before.
        overlap_minutes: how far before that run's start: `OVERLAP_MINUTES` covers dates without a zone, whatever zone they mean.
        since: the beginning of that range, in ISO 8601; set when a run is started.
        updated_unit: how the field is written: as a date, or as a number of seconds, or of any part of one, since 1970; set at a start.
    """

    index: str
    query: Mapping[str, Any] = field(default_factory=lambda: {"match_all": {}})
    fields: FieldNames = field(default_factory=FieldNames)
    url: str | None = None
    secret_arn: str | None = None
    ca: str | None = None
    updated_at: str | None = None
    overlap_minutes: int = OVERLAP_MINUTES
    since: str | None = None
    updated_unit: DateUnit = "date"


@dataclass(frozen=True, slots=True)
class BucketSpec:
    """The pictures of a bucket, at ``images/PRODUCT_ID/NAME.jpg`` or ``images/PRODUCT_ID.jpg``."""

    bucket: str
    prefix: str = "images/"


@dataclass(frozen=True, slots=True)
class CurrentSpec:
    """The pictures of the index that is searched; ``index`` is its name, set when a run is started."""

    index: str | None = None


SourceSpec: TypeAlias = IndexSpec | BucketSpec | CurrentSpec


@dataclass(frozen=True, slots=True)
class Into:
    """A new index to fill, beside the one that is searched.

    Args:
        model: id of the model that fills it.
        index: its name; by default ALIAS-MODEL-N with the next number.
        options: those of `lookalike.domain.IndexOptions` that differ from the settings, by name.
    """

    model: str
    index: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """A document of the source: the item that it describes, or in ``fault`` why it describes none. ``key`` identifies the document."""

    key: str
    product: Product | None = None
    object_url: str | None = None
    image_id: str | None = None
    fault: str | None = None

    @property
    def item_key(self) -> str:
        """The key of the item's outcome: the product's id, the object's address or the image's id; of a faulty document its own key."""
        return self.product.product_id if self.product else self.object_url or self.image_id or self.key


@dataclass(frozen=True, slots=True)
class SourcePage:
    """A page of documents, and the position of the next page; None after the last.

    Args:
        documents: read once; they may be made as they are asked for, while the source is asked for the next page.
        is_snapshot: the documents are as they were when the slice was begun, not as they are now.
        is_restart: the slice is read from its beginning again.
    """

    documents: Iterable[SourceDocument]
    next: Position | None
    is_snapshot: bool = False
    is_restart: bool = False


class Source(Protocol):
    """Where products are read from; it is never written."""

    def resolved(self, spec: IndexSpec) -> IndexSpec:
        """The source as it is read: without the system's own indices, and with the unit of its dates.

        Raises `RequestInvalid` if there is no such index, or nobody has the date field, or the server is another system or too old.
        """

    def count(self, spec: SourceSpec) -> int | None:
        """The number of documents; None if that is known only when all were read."""

    def is_unique(self, spec: SourceSpec) -> bool:
        """Whether all documents of an item come on one page, so that each item is read once."""

    def sample(self, spec: IndexSpec, size: int) -> Sequence[SourceDocument]:
        """Some documents, at most ``size``, drawn at random."""

    def slices(self, spec: SourceSpec, most: int) -> Sequence[Position]:
        """The first positions of at most ``most`` slices, which are disjoint and together are the whole source."""

    def page(self, spec: SourceSpec, position: Position, size: int) -> SourcePage:
        """At most ``size`` documents from a position on."""

    def find(self, spec: SourceSpec, keys: Sequence[str]) -> Sequence[SourceDocument]:
        """The documents, as they are now, of the items whose outcomes have these keys."""


@dataclass(frozen=True, slots=True)
class Backfill:
    """A backfill that was started.

    Args:
        run: how often it was started, from 1.
        total: documents of the source; None if that is not known.
        slices: how many slices the source is read in.
        into: the index that it fills, if that is not the one searched.
        is_unique: whether each item is read once, see `Source.is_unique`.
        full_run: the last run that read the whole source, not only what had changed; failures of earlier runs are superseded.
    """

    backfill_id: str
    run: int
    spec: SourceSpec
    total: int | None
    slices: int
    started_at: datetime
    into: str | None = None
    is_unique: bool = True
    full_run: int = 1


@dataclass(frozen=True, slots=True)
class Slice:
    """How far a slice is read: ``position`` is None at its end. ``version`` is the store's own, for `BackfillStore.advance`."""

    backfill_id: str
    number: int
    position: Position | None
    read: int = 0
    version: Any = None
    is_cancelled: bool = False


class BackfillStore(Protocol):
    """Where backfills and the positions of their slices are stored."""

    def backfill(self, backfill_id: str) -> Backfill | None:
        """A backfill, None if there is none."""

    def backfills(self, most: int) -> Sequence[Backfill]:
        """The newest ``most`` backfills, newest first; a new one is found after the next refresh."""

    def begin(self, backfill: Backfill, positions: Sequence[Position]) -> None:
        """Stores a backfill and its slices, in place of an earlier run of it."""

    def slices(self, backfill_id: str) -> Sequence[Slice]:
        """All slices of a backfill, in the order of their numbers."""

    def slice(self, backfill_id: str, number: int) -> Slice:
        """One slice of a backfill, by its number. Raises `NotFound`."""

    def advance(self, slice_: Slice, position: Position | None, read: int) -> Slice | None:
        """Stores a slice's new position and count; None if another process changed the slice since it was read."""

    def set_cancelled(self, backfill_id: str, is_cancelled: bool) -> None:
        """Marks every slice, so that a process that reads one cannot advance it."""


class Indices(Protocol):
    """The indices of pictures that there are."""

    def searched(self) -> str:
        """The name of the index behind the alias, refreshed. Raises `IndexMissing`."""

    def begin_dual_write(self, into: Into) -> str:
        """Creates the index unless it exists, and has every picture written to it too from now on; returns its name.

        Raises:
            RequestInvalid: another index is being filled, or this one was filled by another model or made with other options, or there
                is no such model, or the server's licence does not cover the index type.
        """

    def end_dual_write(self, name: str) -> None:
        """Has no more pictures written to the index, unless it is the one that is searched; the index is kept."""

    def switch(self, name: str) -> str | None:
        """Moves the alias to the index, atomically; returns the index that it pointed to before, which is kept."""

    def begin_merge(self, name: str | None) -> str | None:
        """Has the index, by default the one that is searched, merged into few segments.

        Returns at once, with the server's task; None if there is nothing to merge, or no such index.
        """

    def is_merged(self, task: str) -> bool:
        """Whether the task has ended. Raises `Misconfigured` if it failed."""


_DEFAULTS = [("overlap_minutes", OVERLAP_MINUTES), ("updated_unit", "date")]
_LATER = frozenset({"base_url", "separator"})
"""What came later than the first backfills, whose ids stay."""


def id_of(spec: SourceSpec, into: Into | None = None) -> str:
    """The backfill's id, 16 hex digits, computed from the request."""
    given = {name: value for name, value in asdict(spec).items() if value is not None and (name, value) not in _DEFAULTS}
    if "fields" in given:
        given["fields"] = {name: value for name, value in given["fields"].items() if value is not None or name not in _LATER}
    if into:
        given["into"] = {name: value for name, value in asdict(into).items() if value or name != "options"}
    return hashlib.sha256(json.dumps([type(spec).__name__, given], sort_keys=True).encode()).hexdigest()[:16]


def get_backfill(store: BackfillStore, backfill_id: str) -> Backfill:
    """A backfill by its id. Raises `NotFound` if there is none."""
    backfill = store.backfill(backfill_id)
    if backfill is None:
        raise NotFound(f"there is no backfill {backfill_id!r}", field="backfill_id")
    return backfill
