"""What a search is for: pictures, known or not, and the vectors that stand for them."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np

from lookalike import pictures
from lookalike.domain import Crop, Embedded, Embedder, PictureFile, Pixels, StoredPicture, Vector
from lookalike.errors import NotFound, RequestInvalid
from lookalike.stopwatch import Stopwatch

PICTURES_OF_A_PRODUCT = 5
"""How many of a product's pictures it is searched by."""

MAX_BLENDED = 10
"""How many pictures or products can be searched by at once."""

_LEAST_LENGTH = 1e-3
"""Of a weighted sum of unit vectors; a shorter one has no direction that means anything."""


@dataclass(frozen=True, slots=True)
class ByUrl:
    """The picture behind an address, or the part of it that is in the crop box."""

    image_url: str
    crop: Crop | None = None


@dataclass(frozen=True, slots=True)
class ByContent:
    """The picture in these bytes, or the part of it that is in the crop box."""

    content: bytes
    crop: Crop | None = None


@dataclass(frozen=True, slots=True)
class ByProduct:
    """The pictures of a known product, which is itself left out of the hits unless ``include_self``."""

    product_id: str
    include_self: bool = False


@dataclass(frozen=True, slots=True)
class ByImage:
    """A picture that is indexed; its product is left out of the hits unless ``include_self``."""

    image_id: str
    include_self: bool = False


One: TypeAlias = ByUrl | ByContent | ByProduct | ByImage


@dataclass(frozen=True, slots=True)
class Blend:
    """Several at once: the direction of the weighted sum of their vectors.

    Those with a weight below zero propose nothing: they only change the order of what the others find.
    """

    parts: tuple[tuple[One, float], ...]


@dataclass(frozen=True, slots=True)
class Sought:
    """What a subject comes down to, as the index is asked for it; being searched for again, it needs no picture.

    Args:
        vectors: a picture's score is the best that it has with any of them.
        preference: what the nearest pictures are ordered by in the end, if not by ``vectors``.
        perceptual_hashes: of the pictures sought, where they are known.
        without: products that are left out.
    """

    vectors: tuple[Vector, ...]
    preference: Vector | None = None
    perceptual_hashes: tuple[str, ...] = ()
    without: frozenset[str] = frozenset()

    @property
    def direction(self) -> Vector:
        """The one vector that stands for all."""
        return _unit(np.sum(self.vectors, axis=0)) if self.preference is None else self.preference

    @property
    def all_vectors(self) -> tuple[Vector, ...]:
        """The preference among them."""
        return self.vectors if self.preference is None else (*self.vectors, self.preference)


Subject: TypeAlias = One | Blend | Sought
"""What is searched for."""


class Index(Protocol):
    """What an index knows of pictures."""

    def embedded(self, content_sha256s: Iterable[str]) -> dict[str, Embedded]:
        """What is known of these bytes from pictures that were indexed."""

    def stored_of(self, product_id: str, limit: int) -> Sequence[StoredPicture]:
        """A product's pictures, the first indexed first; none if there is no such product."""

    def stored(self, image_id: str) -> StoredPicture | None:
        """A picture; None if there is none."""


class Pictures(Protocol):
    """Where query pictures are had from."""

    def fetch(self, url: str) -> PictureFile:
        """The bytes; raises a `LookalikeError`."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """A picture that was decoded: its pixels at the network's input size, and its bytes' SHA-256 if they are shown whole."""

    pixels: Pixels
    perceptual_hash: str
    content_sha256: str | None


class Subjects:
    """Finds the vectors of subjects, by the index where it knows the picture, by the network where it does not.

    Args:
        pictures: fetches query pictures.
    """

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self._downloads = ThreadPoolExecutor(MAX_BLENDED, thread_name_prefix="download")
        self._lookups = ThreadPoolExecutor(1, thread_name_prefix="lookup")

    def seek(self, subject: Subject, index: Index, embedder: Embedder, stopwatch: Stopwatch) -> Sought:
        """What the index is to be asked for.

        Raises:
            NotFound: no such product or picture.
            RequestInvalid: the weights of a blend cancel each other.
            PictureRefused, Unavailable, Misconfigured: as their docstrings say.
        """
        match subject:
            case Sought():
                return subject
            case Blend(parts):
                found = self._each([part for part, _ in parts], index, embedder, stopwatch)
                return blended(found, [weight for _, weight in parts])
            case _:
                [sought] = self._each([subject], index, embedder, stopwatch)
                return sought

    def _each(self, subjects: Sequence[One], index: Index, embedder: Embedder, stopwatch: Stopwatch) -> list[Sought]:
        found: dict[int, Sought] = {}
        with stopwatch.stage("fetch"):
            fetching = {n: self._downloads.submit(self._content, each) for n, each in enumerate(subjects) if isinstance(each, ByUrl)}
            for n, each in enumerate(subjects):
                if isinstance(each, ByProduct | ByImage):
                    found[n] = _known(each, index)
            contents = {n: each.content for n, each in enumerate(subjects) if isinstance(each, ByContent)}
            contents |= {n: download.result() for n, download in fetching.items()}
        crops = {n: each.crop for n, each in enumerate(subjects) if isinstance(each, ByUrl | ByContent)}
        if contents:
            embedded = self._embedded([(contents[n], crops[n]) for n in contents], index, embedder, stopwatch)
            found |= dict(zip(contents, embedded, strict=True))
        return [found[n] for n in range(len(subjects))]

    def _content(self, subject: ByUrl) -> bytes:
        return self._pictures.fetch(subject.image_url).content

    def _embedded(self, files: Sequence[tuple[bytes, Crop | None]], index: Index, embedder: Embedder, stopwatch: Stopwatch) -> list[Sought]:
        """The index is asked for vectors that it has while the pictures are being decoded; a part of a picture it cannot know."""
        sha256s = [None if crop else pictures.content_sha256(content) for content, crop in files]
        lookup = self._lookups.submit(index.embedded, [sha256 for sha256 in sha256s if sha256])
        with stopwatch.stage("decode"):
            opened = [_open(content, crop, sha256, embedder) for (content, crop), sha256 in zip(files, sha256s, strict=True)]
        with stopwatch.stage("embed"):
            known = lookup.result()
            unknown = [each for each in opened if each.content_sha256 not in known]
            made = iter(embedder.embed([each.pixels for each in unknown]) if unknown else ())
            vectors = [known[each.content_sha256].vector if each.content_sha256 in known else next(made) for each in opened]
        return [Sought((vector,), perceptual_hashes=(each.perceptual_hash,)) for each, vector in zip(opened, vectors, strict=True)]


def blended(found: Sequence[Sought], weights: Sequence[float]) -> Sought:
    """The weighted sum of the vectors; a product with several pictures counts by their mean.

    Raises:
        RequestInvalid: hardly anything is left of the sum.
    """
    means = [_unit(np.sum(sought.vectors, axis=0)) for sought in found]
    liked = sum(weight * mean for mean, weight in zip(means, weights, strict=True) if weight > 0)
    whole = sum(weight * mean for mean, weight in zip(means, weights, strict=True))
    without = frozenset().union(*(sought.without for sought in found))
    return Sought((_unit(np.asarray(liked)),), _unit(np.asarray(whole)) if min(weights) < 0 else None, without=without)


def _unit(vector: Vector) -> Vector:
    length = float(np.linalg.norm(vector))
    if length < _LEAST_LENGTH:
        raise RequestInvalid("the pictures cancel each other out: give the ones that you like more weight", field="images")
    unit: Vector = (vector / length).astype(np.float32)
    return unit


def _known(subject: ByProduct | ByImage, index: Index) -> Sought:
    match subject:
        case ByProduct(product_id):
            found = index.stored_of(product_id, PICTURES_OF_A_PRODUCT)
            if not found:
                raise NotFound(f"there is no product {product_id!r} in the index", field="product_id")
        case ByImage(image_id):
            picture = index.stored(image_id)
            if picture is None:
                raise NotFound(f"there is no picture {image_id!r} in the index", field="image_id")
            found = [picture]
    return Sought(
        vectors=tuple(picture.vector for picture in found),
        perceptual_hashes=tuple(picture.perceptual_hash for picture in found),
        without=frozenset() if subject.include_self else frozenset({found[0].product_id}),
    )


def _open(content: bytes, crop: Crop | None, sha256: str | None, embedder: Embedder) -> _Opened:
    picture = pictures.decode(content, at_least=embedder.model.input_size, crop=crop)
    return _Opened(pictures.scale(picture.pixels, embedder.model), picture.perceptual_hash, sha256)
