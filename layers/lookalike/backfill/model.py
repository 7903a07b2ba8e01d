"""Backfills: the sources that they read, and the position in each slice of a source.

An outcome is recorded for each item: a product of an index, an object of a bucket, or a picture of the index that is searched.
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
"""Where to continue reading a slice: JSON that only the source interprets."""


@dataclass(frozen=True, slots=True)
class FieldNames:
    """Which fields of a source document have the product's data, as dotted paths through objects and lists.

    Args:
        id: the product's id; None for the document's ``_id``.
        image_urls: a field, or a template of fields such as ``https://cdn.example/{sku}.jpg``.
        attributes: an object, or several fields; None for all other fields.
        base_url: the base of relative URLs.
        separator: separates several URLs in one text.
    """

    id: str | None = None
    image_urls: str = "image_url"
    attributes: str | tuple[str, ...] | None = None
    base_url: str | None = None
    separator: str | None = None


OVERLAP_MINUTES = 15 * 60
"""Time zones are at most 14 hours ahead of UTC; one more hour is for differing clocks and the refresh interval."""

DateUnit = Literal["date", "s", "number"]


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """Which documents of which index are products.

    Args:
        url: another cluster's URL; None for our own.
        secret_arn: the secret with that cluster's credentials.
        ca: PEM text of that cluster's certificate authority.
        updated_at: a date field; with it, every run after the first reads only changes since the run before.
        overlap_minutes: changes are read from this long before that run's start; the default allows for dates without a time zone.
        since: the beginning of that range, in ISO 8601; set when a run starts.
        updated_unit: the form of the field: a date, or a number of seconds or of smaller units since 1970; set when a run starts.
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
    """The pictures of a bucket whose keys begin with the prefix and match the key patterns of the settings."""

    bucket: str
    prefix: str = "images/"


@dataclass(frozen=True, slots=True)
class CurrentSpec:
    """The pictures of the index that is searched; ``index`` is its name, set when a run starts."""

    index: str | None = None


SourceSpec: TypeAlias = IndexSpec | BucketSpec | CurrentSpec


@dataclass(frozen=True, slots=True)
class Into:
    """A new index to fill while the current one is searched.

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
    """A document of the source: the item that it describes, or in ``fault`` the reason why it describes none.

    ``key`` identifies the document.
    """

    key: str
    product: Product | None = None
    object_url: str | None = None
    image_id: str | None = None
    fault: str | None = None

    @property
    def item_key(self) -> str:
        """The key of the item's outcome: the product's id, the object's URL or the image's id; the document's key if it is faulty."""
        return self.product.product_id if self.product else self.object_url or self.image_id or self.key


@dataclass(frozen=True, slots=True)
class SourcePage:
    """A page of documents, and the position of the next page; None after the last.

    Args:
        documents: may be iterated once; they may be parsed lazily, while the next page is requested.
        is_snapshot: the documents have the state of the slice's start, not the current one.
        is_restart: the slice is read from its beginning again.
    """

    documents: Iterable[SourceDocument]
    next: Position | None
    is_snapshot: bool = False
    is_restart: bool = False


class Source(Protocol):
    """Where products are read from; it is never written to."""

    def resolved(self, spec: IndexSpec) -> IndexSpec:
        """The source with lookalike's own indices excluded, and with the unit of its dates.

        Raises `RequestInvalid` if there is no such index, no document has the date field, or the server is no Elasticsearch or too old.
        """

    def count(self, spec: SourceSpec) -> int | None:
        """The number of documents; None if it is unknown before all were read."""

    def is_unique(self, spec: SourceSpec) -> bool:
        """Whether all documents of an item are on one page, so that each item is read once."""

    def sample(self, spec: IndexSpec, size: int) -> Sequence[SourceDocument]:
        """Some documents, at most ``size``, drawn at random."""

    def slices(self, spec: SourceSpec, most: int) -> Sequence[Position]:
        """The first positions of about ``most`` disjoint slices that together cover the source."""

    def page(self, spec: SourceSpec, position: Position, size: int) -> SourcePage:
        """At most ``size`` documents from a position on."""

    def find(self, spec: SourceSpec, keys: Sequence[str]) -> Sequence[SourceDocument]:
        """The current documents of the items whose outcomes have these keys."""


@dataclass(frozen=True, slots=True)
class Backfill:
    """A backfill that was started.

    Args:
        run: how often it was started, from 1.
        total: documents of the source; None if that is not known.
        slices: how many slices the source is read in.
        into: the new index that it fills; None for the index behind the alias.
        is_unique: whether each item is read once, see `Source.is_unique`.
        full_run: the last run that read the whole source and not only changes; failures of earlier runs no longer count.
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
    """The progress of a slice: ``position`` is None at its end; ``version`` is for `BackfillStore.advance`."""

    backfill_id: str
    number: int
    position: Position | None
    read: int = 0
    version: Any = None
    is_cancelled: bool = False


class BackfillStore(Protocol):
    """Stores backfills and the positions of their slices."""

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
        """Marks every slice, so that processes that are reading one can no longer advance it."""


_DEFAULTS = [("overlap_minutes", OVERLAP_MINUTES), ("updated_unit", "date")]
_LATER = frozenset({"base_url", "separator"})
"""Fields that were added later: left out where not given, so that ids of earlier backfills stay the same."""


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
