"""What searching needs from outside: the index that is searched, and where query pictures are fetched from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from lookalike.domain import Embedder, Embedding, Hit, IndexedPicture, PictureFile, StoredPicture, Vector
from lookalike.filters import EVERYTHING, Filter

Per = Literal["product", "image"]
"""What is found once at most."""


def key(hit: Hit, per: Per) -> str:
    """The id that occurs once among the hits: the product's, or where every picture is a hit the image's."""
    return hit.product_id if per == "product" else hit.image_id


@dataclass(frozen=True, slots=True)
class Selection:
    """Which pictures may be hits: those that pass the filter, without these products and without these pictures.

    Args:
        without_hashes: perceptual hashes of pictures that are left out too.
        among: ids of the only pictures that may be hits; None for all.
        per: a product is found once, by its best picture; or every picture is.
    """

    filter: Filter = EVERYTHING
    without: frozenset[str] = frozenset()
    without_images: frozenset[str] = frozenset()
    without_hashes: frozenset[str] = frozenset()
    among: frozenset[str] | None = None
    per: Per = "product"


@dataclass(frozen=True, slots=True)
class NearestHits:
    """Hits of one kNN request; ``is_all`` if fewer than k pictures match, so that a larger k finds no more."""

    hits: Sequence[Hit]
    is_all: bool


@dataclass(frozen=True, slots=True)
class AttributeValue:
    """An attribute's value as text, and how many pictures' products have it."""

    value: str
    pictures: int


@dataclass(frozen=True, slots=True)
class FilterableAttribute:
    """An attribute that a filter can ask for.

    Args:
        pictures: how many have it.
        values: the most frequent ones.
        least, most: bounds of the values that read as a number or a date (milliseconds since 1970); None if none does.
    """

    name: str
    pictures: int
    values: Sequence[AttributeValue]
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class FilterWarning:
    """A condition that no product can meet, because none has the attribute, or none has it in that form.

    Args:
        field: the part of the filter, such as ``filter.colour``.
        message: what is missing, and what to look at.
    """

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Totals:
    """How much an index holds; ``products`` is a close estimate above 40,000."""

    products: int
    pictures: int
    last_indexed_at: datetime | None


class SearchableIndex(Protocol):
    """One concrete index of pictures, as searches read it."""

    def warnings(self, given: Filter) -> Sequence[FilterWarning]:
        """What a filter asks for that no product has now; it is answered all the same."""

    def nearest(self, vector: Vector, selection: Selection, *, k: int, size: int) -> NearestHits:
        """The best ``size`` hits among approximately the ``k`` nearest pictures, or among more of them."""

    def exact(self, vector: Vector, selection: Selection, *, size: int) -> Sequence[Hit]:
        """The best ``size`` hits, every picture scored."""

    def diverse(self, vector: Vector, image_ids: Iterable[str], *, size: int, diversity: float) -> frozenset[str]:
        """Those ``size`` of the pictures that are near and yet unlike each other, by maximal marginal relevance."""

    def embedded(self, content_sha256s: Iterable[str]) -> dict[str, Embedding]:
        """Embeddings of pictures that are already indexed, by the SHA-256 of their bytes."""

    def stored_of(self, product_id: str, limit: int) -> Sequence[StoredPicture]:
        """A product's pictures with their vectors, the first indexed first; none if there is no such product.

        Pictures that stand for none do not count.
        """

    def stored(self, image_id: str) -> StoredPicture | None:
        """A picture with its vector; None if there is none."""

    def pictures_of(self, product_id: str, limit: int) -> Sequence[IndexedPicture]:
        """A product's pictures, the first indexed first."""

    def attributes(self, limit: int, values: int) -> Sequence[FilterableAttribute]:
        """The ``limit`` attributes that most pictures have, each with its ``values`` most frequent values."""

    def totals(self) -> Totals:
        """How much the index holds."""


@dataclass(frozen=True, slots=True)
class SearchTarget:
    """The index behind the alias, and the network that filled it."""

    index: SearchableIndex
    embedder: Embedder


class PictureFetcher(Protocol):
    """Fetches the pictures that queries give by URL."""

    def fetch(self, url: str) -> PictureFile:
        """Fetches a picture. Raises `PictureRefused` or `TransientError`."""
