"""Backfills: where products are read from, how far each slice is, and what is known of every product.

A unit is what one outcome is about: a product of an index, an object of a bucket, or a picture of the index that is searched.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from lookalike.domain import Product
from lookalike.errors import NotFound
from lookalike.products import Outcomes, ProductOutcome

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
class IndexSpec:
    """Which documents of which index are products.

    Args:
        url: another cluster's address; by default our own.
        secret_arn: where that cluster's credentials are.
        ca: PEM text of that cluster's certificate authority.
        updated_at: a date field; with it every run but the first reads only what changed since the run before.
        since: the beginning of that range, in ISO 8601; set when a run is started.
    """

    index: str
    query: Mapping[str, Any] = field(default_factory=lambda: {"match_all": {}})
    fields: FieldNames = field(default_factory=FieldNames)
    url: str | None = None
    secret_arn: str | None = None
    ca: str | None = None
    updated_at: str | None = None
    since: str | None = None


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
    """An index beside the one that is searched, for a model's vectors; by default one of the model's next number."""

    model: str
    index: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A source document: its unit, or what is wrong with it; ``key`` names the document."""

    key: str
    product: Product | None = None
    object_url: str | None = None
    image_id: str | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, and where the next page begins; None after the last."""

    rows: Sequence[Row]
    next: Position | None


class Source(Protocol):
    """What is only read."""

    def count(self, spec: SourceSpec) -> int | None:
        """How many documents; None if that is known only when they were read."""

    def is_unique(self, spec: SourceSpec) -> bool:
        """Whether all documents of a unit come on one page, so that each unit is read once."""

    def slices(self, spec: SourceSpec, most: int) -> Sequence[Position]:
        """Starting points of slices that are disjoint and together everything."""

    def page(self, spec: SourceSpec, position: Position, size: int) -> Page:
        """The documents at a position."""

    def find(self, spec: SourceSpec, keys: Sequence[str]) -> Sequence[Row]:
        """The documents, as they are now, of units whose outcomes have these keys."""


@dataclass(frozen=True, slots=True)
class Backfill:
    """A backfill that was started; ``run`` counts how often, ``into`` is the index that it fills if that is not the one searched."""

    backfill_id: str
    run: int
    spec: SourceSpec
    total: int | None
    slices: int
    started_at: datetime
    into: str | None = None
    is_unique: bool = True


@dataclass(frozen=True, slots=True)
class Slice:
    """Where a slice stands: ``position`` is None when it is read to its end. ``version`` is the store's, for `Store.advance`."""

    backfill_id: str
    number: int
    position: Position | None
    read: int = 0
    version: Any = None
    is_cancelled: bool = False


class Store(Protocol):
    """Where backfills are remembered."""

    def backfill(self, backfill_id: str) -> Backfill | None:
        """A backfill, None if there is none."""

    def backfills(self, most: int) -> Sequence[Backfill]:
        """All of them, the newest first, a moment's delay allowed."""

    def begin(self, backfill: Backfill, positions: Sequence[Position]) -> None:
        """Remembers a backfill and its slices, in place of an earlier run of it."""

    def slices(self, backfill_id: str) -> Sequence[Slice]:
        """Where all slices stand."""

    def slice(self, backfill_id: str, number: int) -> Slice:
        """Where a slice stands."""

    def advance(self, slice_: Slice, position: Position | None, read: int) -> Slice | None:
        """Moves a slice on; None if somebody else touched it since it was read."""

    def set_cancelled(self, backfill_id: str, is_cancelled: bool) -> None:
        """Marks every slice, so that whoever reads one cannot move it on."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Units by what became of them; failures by their code.

    ``posted`` are those that are known to be under way, ``recent`` those that were settled within `RECENT_S`; ``last_at`` is when the
    last one was.
    """

    indexed: int
    unchanged: int
    failed: Mapping[str, int]
    last_at: datetime | None
    deleted: int = 0
    posted: int = 0
    recent: int = 0

    @property
    def settled(self) -> int:
        """All of them that are done with."""
        return self.indexed + self.unchanged + self.deleted + sum(self.failed.values())


RECENT_S = 60
"""The time that `Tally.recent` looks back."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """An outcome as it is remembered."""

    key: str
    product_id: str
    state: str
    image_url: str | None
    code: str | None
    reason: str | None
    at: str


class Ledger(Outcomes, Protocol):
    """What is known of every unit of every backfill."""

    def tally(self, backfill_id: str, run: int) -> Tally:
        """What became of a run's units so far, a moment's delay allowed."""

    def failures(
        self, backfill_id: str, run: int, *, code: str | None = None, after: str | None = None, size: int, posted: bool = False
    ) -> Sequence[Remembered]:
        """Failed units in the order of their keys; with ``posted`` also those that are known to be under way."""

    def earlier(self, backfill_id: str, run: int, *, after: str | None = None, size: int) -> Sequence[Remembered]:
        """Units of which only earlier runs know, in the order of their keys."""

    def count_earlier(self, backfill_id: str, run: int) -> int:
        """How many of them."""

    def claim(self, posted: Iterable[ProductOutcome]) -> None:
        """Records that units are under way, but not of those which have an outcome of the same run; seen at once."""

    def forget(self, backfill_id: str, keys: Iterable[str]) -> None:
        """Removes outcomes."""


class Indices(Protocol):
    """The indices of pictures that there are."""

    def searched(self) -> str:
        """The name of the one behind the alias. Raises `IndexMissing`."""

    def prepare(self, into: Into) -> str:
        """Makes the index unless it is there, and has every picture written to it too from now on; answers with its name.

        Raises:
            RequestInvalid: another one is being filled, or it was filled by another model, or there is no such model.
        """

    def let_go(self, name: str) -> None:
        """Has no picture written to the index any more, unless it is the one that is searched; it is kept."""

    def switch(self, name: str) -> str | None:
        """Makes it the one that is searched, at once for everybody; answers with the one that was, which is kept."""


def id_of(spec: SourceSpec, into: Into | None = None) -> str:
    """The backfill's id, computed from the request."""
    given = {name: value for name, value in asdict(spec).items() if value is not None}
    if into:
        given["into"] = asdict(into)
    return hashlib.sha256(json.dumps([type(spec).__name__, given], sort_keys=True).encode()).hexdigest()[:16]


def known(store: Store, backfill_id: str) -> Backfill:
    """The backfill.

    Raises:
        NotFound: there is none of this id.
    """
    backfill = store.backfill(backfill_id)
    if backfill is None:
        raise NotFound(f"there is no backfill {backfill_id!r}", field="backfill_id")
    return backfill
