"""Stand-ins for the outside, small enough to be seen through."""

import operator
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from itertools import count, pairwise

import numpy as np
from lookalike.attributes import numbers, texts
from lookalike.backfills import Backfill, Into, Page, Position, Remembered, Row, Slice, SourceSpec, Tally
from lookalike.browsing import FilterableAttribute, Totals, Value
from lookalike.domain import (
    Attributes,
    Embedded,
    Hit,
    IndexedPicture,
    Model,
    Origin,
    PictureFile,
    Pixels,
    Product,
    StoredPicture,
    Vector,
    Vectors,
)
from lookalike.errors import LookalikeError, PictureUnreachable, RequestInvalid
from lookalike.filters import All, AnyOf, Exists, Filter, Not, Range, Terms, conditions
from lookalike.mending import Walk
from lookalike.products import Message, ProductOutcome
from lookalike.ranking import Nearest, Per, Selection, key
from PIL import Image

MODEL = Model("fake", "0" * 64, 64, (8, 8), "bilinear", "none")


def picture(seed: int, size: tuple[int, int] = (32, 32)) -> bytes:
    """A PNG of coloured noise: different for each seed."""
    pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


class FakeEmbedder:
    """Projects 8 x 8 pixels to 64 numbers of unit length; counts what it embeds."""

    model = MODEL

    def __init__(self) -> None:
        self.embedded = 0
        self._projection = np.random.default_rng(0).normal(size=(8 * 8 * 3, MODEL.dimensions)).astype(np.float32)

    def embed(self, pixels: Sequence[Pixels]) -> Vectors:
        self.embedded += len(pixels)
        flat = np.asarray(pixels, np.float32).reshape(len(pixels), len(self._projection)) / np.float32(127.5) - 1
        made = flat @ self._projection
        vectors: Vectors = made / np.linalg.norm(made, axis=1, keepdims=True)
        return vectors


class FakePictures:
    """Addresses with their bytes, or with the error that comes instead. ``after_fetch`` changes them behind a fetcher's back."""

    def __init__(self, files: Mapping[str, bytes | LookalikeError] | None = None) -> None:
        self.files = dict(files or {})
        self.after_fetch: dict[str, bytes] = {}
        self.downloads = 0

    def fetch(self, url: str, unless: str | None = None) -> PictureFile:
        found = self.files.get(url, PictureUnreachable("there is no such picture", status=404))
        if url in self.after_fetch:
            self.files[url] = self.after_fetch.pop(url)
        if isinstance(found, LookalikeError):
            raise found
        attributes = {"from": "bucket"} if url.startswith("s3://") else None
        if _etag(found) == unless:
            return PictureFile(b"", unless, attributes, is_unmodified=True)
        self.downloads += 1
        return PictureFile(found, _etag(found), attributes)

    def etag(self, url: str) -> str | None:
        found = self.files.get(url)
        return _etag(found) if isinstance(found, bytes) else None


def _etag(content: bytes) -> str:
    return str(hash(content))


class FakeIndex:
    """Serves indexing and searching, every vector compared."""

    def __init__(self) -> None:
        self.documents: dict[str, tuple[IndexedPicture, Vector]] = {}
        self.away: LookalikeError | None = None

    def pictures(self, image_ids: Iterable[str]) -> dict[str, IndexedPicture]:
        self._check_it_is_there()
        return {image: self.documents[image][0] for image in image_ids if image in self.documents}

    def embedded(self, content_sha256s: Iterable[str]) -> dict[str, Embedded]:
        wanted = set(content_sha256s)
        return {
            known.content_sha256: Embedded(vector, known.perceptual_hash, known.width, known.height)
            for known, vector in self.documents.values()
            if known.content_sha256 in wanted
        }

    def images_of(self, product_ids: Iterable[str], origin: Origin) -> dict[str, str]:
        wanted = set(product_ids)
        return {image: p.product_id for image, (p, _) in self.documents.items() if p.product_id in wanted and p.origin == origin}

    def write(self, put: Iterable[tuple[IndexedPicture, Vector]], delete: Iterable[str]) -> dict[str, LookalikeError]:
        self._check_it_is_there()
        self.documents |= {indexed.image_id: (indexed, vector) for indexed, vector in put}
        for image in delete:
            self.documents.pop(image, None)
        return {}

    def delete_products(self, product_ids: Iterable[str]) -> None:
        wanted = set(product_ids)
        self.documents = {image: document for image, document in self.documents.items() if document[0].product_id not in wanted}

    def stored_of(self, product_id: str, limit: int) -> Sequence[StoredPicture]:
        return [_stored(*document) for document in self.documents.values() if document[0].product_id == product_id][:limit]

    def stored(self, image_id: str) -> StoredPicture | None:
        return _stored(*self.documents[image_id]) if image_id in self.documents else None

    def pictures_of(self, product_id: str, limit: int) -> Sequence[IndexedPicture]:
        return [indexed for indexed, _ in self.documents.values() if indexed.product_id == product_id][:limit]

    def attributes(self, limit: int, values: int) -> Sequence[FilterableAttribute]:
        every = [indexed.attributes for indexed, _ in self.documents.values()]
        names = Counter(name for each in every for name in texts(each))
        found = []
        for name, having in names.most_common(limit):
            counted = Counter(value for each in every for value in set(texts(each).get(name, [])))
            bounds = [number for each in every for number in numbers(each).get(name, [])]
            shown = [Value(value, n) for value, n in counted.most_common(values)]
            found.append(FilterableAttribute(name, having, shown, min(bounds, default=None), max(bounds, default=None)))
        return found

    def totals(self) -> Totals:
        at = max((indexed.indexed_at for indexed, _ in self.documents.values()), default=None)
        return Totals(len(self.products()), len(self.documents), at)

    def check(self, given: Filter) -> None:
        for condition in conditions(given):
            values = numbers if isinstance(condition, Range) else texts
            if not any(condition.attribute in values(indexed.attributes) for indexed, _ in self.documents.values()):
                raise RequestInvalid("no product has such an attribute", field=f"filter.{condition.attribute}")

    def nearest(self, vector: Vector, selection: Selection, *, k: int, size: int) -> Nearest:
        pictures = self._ranked(vector, selection)[:k]
        return Nearest(_one_of_each(pictures, selection.per)[:size], is_all=len(pictures) < k)

    def exact(self, vector: Vector, selection: Selection, *, size: int) -> Sequence[Hit]:
        return _one_of_each(self._ranked(vector, selection), selection.per)[:size]

    def diverse(self, vector: Vector, image_ids: Iterable[str], *, size: int, diversity: float) -> frozenset[str]:
        left, chosen = {image: self.documents[image][1] for image in image_ids}, dict[str, Vector]()
        while left and len(chosen) < size:
            redundant = {image: max((float(other @ each) for other in chosen.values()), default=0.0) for image, each in left.items()}
            best = max(left, key=lambda image: (1 - diversity) * float(left[image] @ vector) - diversity * redundant[image])
            chosen[best] = left.pop(best)
        return frozenset(chosen)

    def products(self) -> set[str]:
        """Which products can be found."""
        return {indexed.product_id for indexed, _ in self.documents.values()}

    def _ranked(self, vector: Vector, selection: Selection) -> list[Hit]:
        hits = [
            Hit(p.product_id, image, p.image_url, float(1 / (1 + np.linalg.norm(vector - other))), p.attributes, p.perceptual_hash)
            for image, (p, other) in self.documents.items()
            if _is_selected(p, selection)
        ]
        return sorted(hits, key=lambda hit: -hit.score)

    def _check_it_is_there(self) -> None:
        if self.away:
            raise self.away


def _stored(indexed: IndexedPicture, vector: Vector) -> StoredPicture:
    return StoredPicture(indexed.image_id, indexed.product_id, indexed.perceptual_hash, vector)


def _is_selected(indexed: IndexedPicture, selection: Selection) -> bool:
    if indexed.product_id in selection.without or indexed.image_id in selection.without_images:
        return False
    return (selection.among is None or indexed.image_id in selection.among) and passes(indexed.attributes, selection.filter)


def _one_of_each(hits: Sequence[Hit], per: Per) -> list[Hit]:
    best: dict[str, Hit] = {}
    for hit in hits:
        best.setdefault(key(hit, per), hit)
    return list(best.values())


_COMPARE = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}


def passes(attributes: Attributes, given: Filter) -> bool:
    """Whether a product with these attributes may be found."""
    match given:
        case Terms(name, values):
            return not set(values).isdisjoint(texts(attributes).get(name, []))
        case Range(name, bounds):
            return any(all(_COMPARE[b](n, limit) for b, limit in bounds) for n in numbers(attributes).get(name, []))
        case Exists(name):
            return name in texts(attributes)
        case All(filters):
            return all(passes(attributes, each) for each in filters)
        case AnyOf(filters):
            return any(passes(attributes, each) for each in filters)
        case Not(inner):
            return not passes(attributes, inner)


FAKE_MESSAGE_SIZE = 200_000


class FakeOutbox:
    """Keeps what was posted."""

    def __init__(self) -> None:
        self.products: list[tuple[Message, int]] = []
        self.slices: list[tuple[str, int]] = []
        self.walks: list[Walk] = []

    def post_products(self, messages: Iterable[Message], *, delay_s: int = 0) -> Sequence[Product]:
        too_large: list[Product] = []
        for message in messages:
            too_large += (product for product in message.put if len(str(product)) > FAKE_MESSAGE_SIZE)
            put = tuple(product for product in message.put if product not in too_large)
            kept = replace(message, put=put)
            if kept.put or kept.delete or kept.mirror or kept.copy:
                self.products.append((kept, delay_s))
        return too_large

    def post_slices(self, backfill_id: str, numbers: Iterable[int]) -> None:
        self.slices += [(backfill_id, number) for number in numbers]

    def post_walk(self, walk: Walk) -> None:
        self.walks.append(walk)

    def dead_letters(self) -> dict[str, int]:
        return {"products": 0, "backfill": 0}

    def posted(self) -> list[str]:
        """The ids of products that were posted, in order."""
        return [product.product_id for message, _ in self.products for product in message.put]


class FakeOutcomes:
    """Keeps the last outcome of each product in each backfill, and failures of those that came without one."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], ProductOutcome] = {}

    def record(self, outcomes: Iterable[ProductOutcome]) -> None:
        for outcome in outcomes:
            key = outcome.backfill_id or outcome.origin, outcome.key
            self._kept.pop(key, None)
            if outcome.backfill_id or outcome.state == "failed":
                self._kept[key] = outcome

    def claim(self, posted: Iterable[ProductOutcome]) -> None:
        for outcome in posted:
            there = self._kept.get((outcome.backfill_id or "", outcome.key))
            if there is None or there.run != outcome.run:
                self.record([outcome])

    def forget(self, backfill_id: str, keys: Iterable[str]) -> None:
        for each in keys:
            self._kept.pop((backfill_id, each), None)

    def tally(self, backfill_id: str, run: int) -> Tally:
        kept = self._of(backfill_id, lambda outcome: outcome.run == run)
        failed = Counter(outcome.code or "" for outcome in kept if outcome.state == "failed")
        count = Counter(outcome.state for outcome in kept)
        last_at = datetime.now(UTC) if kept else None
        settled = len(kept) - count["posted"]
        return Tally(count["indexed"], count["unchanged"], dict(failed), last_at, count["deleted"], count["posted"], settled)

    def failures(
        self, backfill_id: str, run: int, *, code: str | None = None, after: str | None = None, size: int, posted: bool = False
    ) -> Sequence[Remembered]:
        states = {"failed", "posted"} if posted else {"failed"}
        return self._listed(self._of(backfill_id, lambda o: o.run == run and o.state in states and code in (None, o.code)), after, size)

    def earlier(self, backfill_id: str, run: int, *, after: str | None = None, size: int) -> Sequence[Remembered]:
        return self._listed(self._of(backfill_id, lambda outcome: outcome.run < run), after, size)

    def count_earlier(self, backfill_id: str, run: int) -> int:
        return len(self._of(backfill_id, lambda outcome: outcome.run < run))

    @property
    def known(self) -> dict[str, ProductOutcome]:
        """What is remembered, by the outcomes' keys."""
        return {key: outcome for (_, key), outcome in self._kept.items()}

    def _of(self, backfill_id: str, passes: Callable[[ProductOutcome], bool]) -> list[ProductOutcome]:
        return [outcome for outcome in self._kept.values() if outcome.backfill_id == backfill_id and passes(outcome)]

    def _listed(self, outcomes: list[ProductOutcome], after: str | None, size: int) -> list[Remembered]:
        listed = sorted((outcome for outcome in outcomes if outcome.key > (after or "")), key=lambda outcome: outcome.key)
        return [Remembered(o.key, o.product_id, o.state, o.image_url, o.code, o.reason, "now") for o in listed[:size]]


class FakeSource:
    """A list of products, read by number; ``faults`` are documents that describe none."""

    unique = True
    parts = 2

    def __init__(self, count: int, faults: int = 0) -> None:
        self.rows = [Row(f"p-{n}", Product(f"p-{n}", (f"http://a/{n}",))) for n in range(count)]
        self.rows += [Row(f"fault-{n}", fault="it has no id") for n in range(faults)]

    def count(self, spec: SourceSpec) -> int | None:
        return len(self.rows)

    def is_unique(self, spec: SourceSpec) -> bool:
        return self.unique

    def slices(self, spec: SourceSpec, most: int) -> Sequence[Position]:
        bounds = [len(self.rows) * part // self.parts for part in range(self.parts + 1)]
        return [{"from": start, "to": end} for start, end in pairwise(bounds)]

    def page(self, spec: SourceSpec, position: Position, size: int) -> Page:
        start, end = position["from"], min(position["from"] + size, position["to"])
        return Page(self.rows[start:end], {"from": end, "to": position["to"]} if end < position["to"] else None)

    def find(self, spec: SourceSpec, keys: Sequence[str]) -> Sequence[Row]:
        return [row for row in self.rows if row.key in keys or (row.product and row.product.product_id in keys)]


class FakeStore:
    """Backfills in memory, with versions as the real one has."""

    def __init__(self) -> None:
        self._backfills: dict[str, Backfill] = {}
        self._slices: dict[tuple[str, int], Slice] = {}
        self._versions = count()

    def backfill(self, backfill_id: str) -> Backfill | None:
        return self._backfills.get(backfill_id)

    def backfills(self, most: int) -> Sequence[Backfill]:
        return sorted(self._backfills.values(), key=lambda backfill: backfill.started_at, reverse=True)[:most]

    def begin(self, backfill: Backfill, positions: Sequence[Position]) -> None:
        self._backfills[backfill.backfill_id] = backfill
        for number, position in enumerate(positions):
            self._slices[backfill.backfill_id, number] = Slice(backfill.backfill_id, number, position, 0, next(self._versions))

    def slices(self, backfill_id: str) -> Sequence[Slice]:
        backfill = self._backfills.get(backfill_id)
        return [self._slices[backfill_id, number] for number in range(backfill.slices)] if backfill else []

    def slice(self, backfill_id: str, number: int) -> Slice:
        return self._slices[backfill_id, number]

    def advance(self, slice_: Slice, position: Position | None, read: int) -> Slice | None:
        key = slice_.backfill_id, slice_.number
        if self._slices[key].version != slice_.version:
            return None
        self._slices[key] = Slice(*key, position, read, next(self._versions))
        return self._slices[key]

    def set_cancelled(self, backfill_id: str, is_cancelled: bool) -> None:
        for each in self.slices(backfill_id):
            marked = replace(each, is_cancelled=is_cancelled, version=next(self._versions))
            self._slices[backfill_id, each.number] = marked


class FakeIndices:
    """Names of indices: the one that is searched, and one that is being filled."""

    def __init__(self) -> None:
        self.current = "lookalike-fake-1"
        self.next: str | None = None

    def searched(self) -> str:
        return self.current

    def prepare(self, into: Into) -> str:
        name = into.index or self.next or f"lookalike-{into.model}-1"
        if self.next not in (None, name):
            raise RequestInvalid(f"the index {self.next!r} is being filled", field="into")
        self.next = None if name == self.current else name
        return name

    def let_go(self, name: str) -> None:
        self.next = None if self.next == name else self.next

    def switch(self, name: str) -> str | None:
        previous, self.current, self.next = self.current, name, None
        return None if previous == name else previous


class Clock:
    """Seconds that go on by one at each look."""

    def __init__(self) -> None:
        self._ticks: Iterator[int] = iter(range(1_000_000))

    def __call__(self) -> float:
        return float(next(self._ticks))
