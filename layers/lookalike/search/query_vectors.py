"""Queries of a search (pictures, products, text), and their vectors."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Lock
from typing import NamedTuple, TypeAlias

import numpy as np
from cachetools import LRUCache

from lookalike.domain import Crop, Embedder, Model, Part, Vector
from lookalike.errors import NotFound, RequestInvalid
from lookalike.pictures import decoding
from lookalike.search.detect import Detector
from lookalike.search.ports import PictureFetcher, SearchableIndex

PICTURES_OF_A_PRODUCT = 5
"""The most pictures of a product that are used as a query."""

RECENT_PICTURES = 256
"""Whose vectors are kept, 2 MB: with another filter, page size or blend the same picture comes again."""

MAX_EXAMPLES = 10
"""The most examples of one query."""

_LEAST_LENGTH = 1e-3
"""The least length of a weighted sum of unit vectors; the direction of a shorter one is noise."""


@dataclass(frozen=True, slots=True)
class ByUrl:
    """A picture behind an http(s) URL, or a part of it."""

    image_url: str
    crop: Part = None


@dataclass(frozen=True, slots=True)
class ByContent:
    """A picture file's bytes, or a part of the picture."""

    content: bytes
    crop: Part = None


@dataclass(frozen=True, slots=True)
class ByProduct:
    """The pictures of an indexed product, which is excluded from the hits unless ``include_self``."""

    product_id: str
    include_self: bool = False


@dataclass(frozen=True, slots=True)
class ByImage:
    """An indexed picture; its product is excluded from the hits unless ``include_self``."""

    image_id: str
    include_self: bool = False


@dataclass(frozen=True, slots=True)
class ByText:
    """A text, for models with a text encoder."""

    text: str


Example: TypeAlias = ByUrl | ByContent | ByProduct | ByImage | ByText


@dataclass(frozen=True, slots=True)
class WeightedExamples:
    """Several examples with weights: the query is the weighted sum of their vectors, normalised.

    Examples with negative weights do not retrieve hits, they only re-rank those of the others.
    """

    parts: tuple[tuple[Example, float], ...]


@dataclass(frozen=True, slots=True)
class QueryVectors:
    """The vectors of a query; the next page needs only these, not the pictures.

    Args:
        vectors: unit vectors, float32; a picture's score is its best score with any of them.
        preference: the vector that re-ranks the nearest pictures, if there are negative weights.
        perceptual_hashes: those of the example pictures, if known.
        without: ids of products that are excluded from the hits.
        crops: the part of each example that was embedded, None for the whole; empty on later pages.
    """

    vectors: tuple[Vector, ...]
    preference: Vector | None = None
    perceptual_hashes: tuple[str, ...] = ()
    without: frozenset[str] = frozenset()
    crops: tuple[Crop | None, ...] = ()

    @property
    def direction(self) -> Vector:
        """One unit vector for the whole query."""
        return _unit(np.sum(self.vectors, axis=0)) if self.preference is None else self.preference

    @property
    def all_vectors(self) -> tuple[Vector, ...]:
        """``vectors`` and ``preference`` together."""
        return self.vectors if self.preference is None else (*self.vectors, self.preference)


QueryInput: TypeAlias = Example | WeightedExamples | QueryVectors
"""The input of a search: one example, several with weights, or the vectors of an earlier page."""


STAGES = ("fetch", "decode", "embed", "search")


class StageTimings:
    """The time of each stage of a search in milliseconds; 0 for a stage that was not needed."""

    def __init__(self) -> None:
        self.timings_ms: dict[str, float] = dict.fromkeys(STAGES, 0.0)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the time of the ``with`` block to a stage, in milliseconds."""
        start = time.perf_counter()
        yield
        self.timings_ms[name] = round(self.timings_ms[name] + (time.perf_counter() - start) * 1000, 2)


class _Key(NamedTuple):
    """What the vector of a query picture depends on."""

    model: Model
    sha256: str
    crop: Crop | None


class QueryVectorizer:
    """Turns examples into vectors: reads those of indexed pictures from the index, and embeds the others.

    Args:
        pictures: fetches the pictures behind URLs.
        detector: finds the rectangle for a crop ``auto``.
    """

    def __init__(self, pictures: PictureFetcher, detector: Detector) -> None:
        self._pictures = pictures
        self._detector = detector
        self._downloads = ThreadPoolExecutor(MAX_EXAMPLES, thread_name_prefix="download")
        self._lookups = ThreadPoolExecutor(1, thread_name_prefix="lookup")
        self._decoder = ThreadPoolExecutor(1, thread_name_prefix="decoder")
        self._recent: LRUCache[_Key, QueryVectors] = LRUCache(RECENT_PICTURES)
        self._lock = Lock()

    def vectorize(self, query: QueryInput, index: SearchableIndex, embedder: Embedder, timings: StageTimings) -> QueryVectors:
        """The vectors of a query.

        Raises:
            NotFound: no such product or picture.
            RequestInvalid: the weighted vectors cancel each other out, or there is no saliency network for a crop ``auto``.
            PictureRefused, TransientError, Misconfigured: as their docstrings say.
        """
        match query:
            case QueryVectors():
                return query
            case WeightedExamples(parts):
                found = self._each([part for part, _ in parts], index, embedder, timings)
                return weighted_sum(found, [weight for _, weight in parts])
            case _:
                [vectors] = self._each([query], index, embedder, timings)
                return vectors

    def _each(self, examples: Sequence[Example], index: SearchableIndex, embedder: Embedder, timings: StageTimings) -> list[QueryVectors]:
        found: dict[int, QueryVectors] = {}
        with timings.stage("fetch"):
            fetching = {n: self._downloads.submit(self._content, each) for n, each in enumerate(examples) if isinstance(each, ByUrl)}
            for n, each in enumerate(examples):
                if isinstance(each, ByProduct | ByImage):
                    found[n] = _stored(each, index)
            contents = {n: each.content for n, each in enumerate(examples) if isinstance(each, ByContent)}
            contents |= {n: download.result() for n, download in fetching.items()}
        with timings.stage("embed"):
            crops = {n: self._crop(each.crop, contents[n]) for n, each in enumerate(examples) if isinstance(each, ByUrl | ByContent)}
        if contents:
            embedded = self._embedded([(contents[n], crops[n]) for n in contents], index, embedder, timings)
            found |= dict(zip(contents, embedded, strict=True))
        with timings.stage("embed"):
            found |= {n: QueryVectors((embedder.embed_text(each.text),)) for n, each in enumerate(examples) if isinstance(each, ByText)}
        return [replace(found[n], crops=(crops.get(n),)) for n in range(len(examples))]

    def _crop(self, part: Part, content: bytes) -> Crop | None:
        return self._detector.best(content) if part == "auto" else part

    def _content(self, example: ByUrl) -> bytes:
        return self._pictures.fetch(example.image_url).content

    def _embedded(
        self, files: Sequence[tuple[bytes, Crop | None]], index: SearchableIndex, embedder: Embedder, timings: StageTimings
    ) -> list[QueryVectors]:
        """Looks whole pictures up in the index while all are being decoded; waits only for the decoding of those that are not indexed."""
        keys = [_Key(embedder.model, decoding.content_sha256(content), crop) for content, crop in files]
        with self._lock:
            found = {key: self._recent[key] for key in keys if key in self._recent}
        new = {key: content for key, (content, _) in zip(keys, files, strict=True) if key not in found}
        lookup = self._lookups.submit(index.embedded, [key.sha256 for key in new if not key.crop])
        at_least = embedder.model.input_size
        opening = {key: self._decoder.submit(decoding.decode, content, at_least=at_least, crop=key.crop) for key, content in new.items()}
        with timings.stage("decode"):
            known = lookup.result()
            opened = {key: each.result() for key, each in opening.items() if key.crop or key.sha256 not in known}
            unknown = [decoding.scale(each.pixels, embedder.model) for each in opened.values()]
        with timings.stage("embed"):
            made = embedder.embed(unknown) if unknown else ()
        found |= {key: _of(known[key.sha256].vector, known[key.sha256].perceptual_hash) for key in new if key not in opened}
        found |= {key: _of(vector.copy(), each.perceptual_hash) for (key, each), vector in zip(opened.items(), made, strict=True)}
        with self._lock:
            self._recent.update(found)
        return [found[key] for key in keys]


def weighted_sum(found: Sequence[QueryVectors], weights: Sequence[float]) -> QueryVectors:
    """The weighted sum of the vectors; a product with several pictures counts as their mean.

    Raises `RequestInvalid` if the sum is nearly zero.
    """
    means = [_unit(np.sum(query.vectors, axis=0)) for query in found]
    liked = sum(weight * mean for mean, weight in zip(means, weights, strict=True) if weight > 0)
    whole = sum(weight * mean for mean, weight in zip(means, weights, strict=True))
    without = frozenset().union(*(query.without for query in found))
    crops = tuple(crop for query in found for crop in query.crops)
    return QueryVectors((_unit(np.asarray(liked)),), _unit(np.asarray(whole)) if min(weights) < 0 else None, (), without, crops)


def _unit(vector: Vector) -> Vector:
    length = float(np.linalg.norm(vector))
    if length < _LEAST_LENGTH:
        raise RequestInvalid("the pictures cancel each other out: give the positive ones more weight", field="images")
    unit: Vector = (vector / length).astype(np.float32)
    return unit


def _stored(example: ByProduct | ByImage, index: SearchableIndex) -> QueryVectors:
    match example:
        case ByProduct(product_id):
            found = index.stored_of(product_id, PICTURES_OF_A_PRODUCT)
            if not found:
                raise NotFound(
                    f"there is no product {product_id!r} in the index, or it has no picture but placeholders", field="product_id"
                )
        case ByImage(image_id):
            picture = index.stored(image_id)
            if picture is None:
                raise NotFound(f"there is no picture {image_id!r} in the index", field="image_id")
            found = [picture]
    return QueryVectors(
        vectors=tuple(picture.vector for picture in found),
        perceptual_hashes=tuple(picture.perceptual_hash for picture in found),
        without=frozenset() if example.include_self else frozenset({found[0].product_id}),
    )


def _of(vector: Vector, perceptual_hash: str) -> QueryVectors:
    return QueryVectors((vector,), perceptual_hashes=(perceptual_hash,))
