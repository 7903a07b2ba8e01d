"""An index, a network and a picture host in memory."""

import operator
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from io import BytesIO

import numpy as np
from lookalike.attributes import numbers, texts
from lookalike.domain import (
    Attributes,
    Embedding,
    Hit,
    IndexedPicture,
    Model,
    Origin,
    PictureFile,
    Pixels,
    StoredPicture,
    Vector,
    Vectors,
)
from lookalike.errors import LookalikeError, PictureUnreachable
from lookalike.filters import All, AnyOf, Exists, Filter, Not, Range, Terms, conditions
from lookalike.search.ports import AttributeValue, FilterableAttribute, FilterWarning, NearestHits, Per, Selection, Totals, key
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

    def embed_text(self, text: str) -> Vector:
        """The vector of a picture whose pixels are the text's letters."""
        letters = np.resize(np.frombuffer(text.encode(), np.uint8), (8, 8, 3))
        vector: Vector = self.embed([letters])[0]
        return vector

    def from_vectors(self, vectors: Vectors, model: Model) -> Vectors | None:
        """Of its own model; and as if it were its own vectors' negative, where ``adapted_from`` names the other model."""
        if model.weights_sha256 == self.model.adapted_from:
            return -vectors
        return vectors if model.weights_sha256 == self.model.weights_sha256 else None


class FakeFetcher:
    """URLs with their bytes, or with the error that is raised instead. ``after_fetch`` replaces bytes once they were fetched, ``metadata``
    is that of every object, and ``metadata_after_fetch`` replaces it likewise."""

    def __init__(self, files: Mapping[str, bytes | LookalikeError] | None = None) -> None:
        self.files = dict(files or {})
        self.after_fetch: dict[str, bytes] = {}
        self.metadata: Attributes = {"from": "bucket"}
        self.metadata_after_fetch: list[Attributes] = []
        self.downloads = 0
        self.modified: datetime | None = None

    def fetch(self, url: str, unless: str | None = None) -> PictureFile:
        found = self.files.get(url, PictureUnreachable("there is no such picture", status=404))
        if url in self.after_fetch:
            self.files[url] = self.after_fetch.pop(url)
        if isinstance(found, LookalikeError):
            raise found
        attributes = self.metadata if url.startswith("s3://") else None
        if self.metadata_after_fetch:
            self.metadata = self.metadata_after_fetch.pop()
        if _etag(found) == unless:
            return PictureFile(b"", unless, attributes, is_unmodified=True, modified=self.modified)
        self.downloads += 1
        return PictureFile(found, _etag(found), attributes, modified=self.modified)

    def head(self, url: str) -> PictureFile | None:
        found = self.files.get(url)
        return PictureFile(b"", _etag(found), self.metadata, is_unmodified=True) if isinstance(found, bytes) else None


def _etag(content: bytes) -> str:
    return str(hash(content))


class FakeIndex:
    """Serves indexing and searching, every vector compared.

    ``is_delayed``: as in the real index, searches see what was written before the last refresh; reading by id sees everything.
    """

    def __init__(self, *, is_delayed: bool = False, name: str = "fake") -> None:
        self.name = name
        self.documents: dict[str, tuple[IndexedPicture, Vector]] = {}
        self.away: LookalikeError | None = None
        self._is_delayed = is_delayed
        self._refreshed: dict[str, tuple[IndexedPicture, Vector]] = {}

    def refresh(self) -> None:
        """Makes all that was written visible to searches."""
        self._refreshed = dict(self.documents)

    @property
    def _searched(self) -> dict[str, tuple[IndexedPicture, Vector]]:
        return self._refreshed if self._is_delayed else self.documents

    def pictures(self, image_ids: Iterable[str]) -> dict[str, IndexedPicture]:
        self._check_it_is_there()
        return {image: self.documents[image][0] for image in image_ids if image in self.documents}

    def embedded(self, content_sha256s: Iterable[str]) -> dict[str, Embedding]:
        wanted = set(content_sha256s)
        return {
            known.content_sha256: Embedding(vector, known.perceptual_hash, known.width, known.height)
            for known, vector in self._searched.values()
            if known.content_sha256 in wanted
        }

    def images_of(self, product_ids: Iterable[str], origin: Origin) -> dict[str, str]:
        wanted = set(product_ids)
        return {image: p.product_id for image, (p, _) in self._searched.items() if p.product_id in wanted and p.origin == origin}

    def write(self, put: Iterable[tuple[IndexedPicture, Vector]], delete: Iterable[str]) -> dict[str, LookalikeError]:
        self._check_it_is_there()
        self.documents |= {indexed.image_id: (indexed, vector) for indexed, vector in put}
        for image in delete:
            self.documents.pop(image, None)
        return {}

    def delete_products(self, as_of: Mapping[str, int]) -> None:
        self.refresh()
        self.documents = {image: (p, vector) for image, (p, vector) in self.documents.items() if not _is_deleted(p, as_of)}

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
            shown = [AttributeValue(value, n) for value, n in counted.most_common(values)]
            found.append(FilterableAttribute(name, having, shown, min(bounds, default=None), max(bounds, default=None)))
        return found

    def totals(self) -> Totals:
        at = max((indexed.indexed_at for indexed, _ in self.documents.values()), default=None)
        return Totals(len(self.products()), len(self.documents), at)

    def warnings(self, given: Filter) -> Sequence[FilterWarning]:
        self._check_it_is_there()
        asked = dict.fromkeys((c.attribute, isinstance(c, Range)) for c in conditions(given))
        every = [indexed.attributes for indexed, _ in self.documents.values()]
        missing = [name for name, is_range in asked if not any(name in (numbers if is_range else texts)(each) for each in every)]
        return [FilterWarning(f"filter.{name}", "no product has such an attribute") for name in missing]

    def nearest(self, vector: Vector, selection: Selection, *, k: int, size: int) -> NearestHits:
        pictures = self._ranked(vector, selection)[:k]
        return NearestHits(_one_of_each(pictures, selection.per)[:size], is_all=len(pictures) < k)

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


def _is_deleted(indexed: IndexedPicture, as_of: Mapping[str, int]) -> bool:
    at = as_of.get(indexed.product_id)
    return at is not None and (indexed.origin == "products" or indexed.indexed_at.timestamp() * 1000 <= at)


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
        case Terms(name, values, values_as_numbers):
            is_same = not set(values).isdisjoint(texts(attributes).get(name, []))
            return is_same or not set(values_as_numbers).isdisjoint(numbers(attributes).get(name, []))
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
