"""The interfaces that searching needs from adapters: the index that is searched, and a fetcher of query pictures."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from lookalike.domain import Embedder, Embedding, Hit, IndexedPicture, PictureFile, StoredPicture, Vector
from lookalike.filters import EVERYTHING, Filter

LEAST_K = 50
"""Pictures that kNN looks for at least: products have several, and fewer would find too little among a million."""

MAX_K = 3200
"""Pictures that kNN is asked for at most: Elasticsearch looks at 10,000 candidates at most."""

Per = Literal["product", "image"]
"""Whether each product is a hit at most once, or each picture."""


def key(hit: Hit, per: Per) -> str:
    """The id that is unique among the hits: the product's, or the image's if every picture may be a hit."""
    return hit.product_id if per == "product" else hit.image_id


@dataclass(frozen=True, slots=True)
class Selection:
    """Which pictures may be hits.

    Args:
        filter: hits must match it.
        without: ids of excluded products.
        without_images: ids of excluded pictures.
        without_hashes: perceptual hashes of excluded pictures.
        among: ids of the only pictures that may be hits; None for all.
        per: ``product`` for each product once, by its best picture; ``image`` for every picture.
    """

    filter: Filter = EVERYTHING
    without: frozenset[str] = frozenset()
    without_images: frozenset[str] = frozenset()
    without_hashes: frozenset[str] = frozenset()
    among: frozenset[str] | None = None
    per: Per = "product"


@dataclass(frozen=True, slots=True)
class NearestHits:
    """Hits of one kNN request; ``is_all`` means that fewer than k pictures match, so that a larger k finds no more."""

    hits: Sequence[Hit]
    is_all: bool


@dataclass(frozen=True, slots=True)
class AttributeValue:
    """An attribute's value as text, and the number of pictures with it."""

    value: str
    pictures: int


@dataclass(frozen=True, slots=True)
class FilterableAttribute:
    """An attribute that can be filtered.

    Args:
        pictures: the number of pictures with it.
        values: the most frequent ones.
        least, most: range of the values that are numbers, or dates in milliseconds since 1970; None if there are none.
    """

    name: str
    pictures: int
    values: Sequence[AttributeValue]
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class FilterWarning:
    """A condition that no product can match, because none has the attribute, or none in that form.

    Args:
        field: the part of the filter, such as ``filter.colour``.
        message: what is missing, and what to check.
    """

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Totals:
    """The numbers of products and pictures in an index; ``products`` is a close estimate above 40,000."""

    products: int
    pictures: int
    last_indexed_at: datetime | None


class SearchableIndex(Protocol):
    """One concrete index of pictures, as searches read it."""

    def warnings(self, given: Filter) -> Sequence[FilterWarning]:
        """The conditions of a filter that no product can match now; they are no errors."""

    def nearest(self, vector: Vector, selection: Selection, *, k: int, size: int) -> NearestHits:
        """The best ``size`` hits among approximately the ``k`` nearest pictures."""

    def exact(self, vector: Vector, selection: Selection, *, size: int) -> Sequence[Hit]:
        """The best ``size`` hits, every picture scored."""

    def diverse(self, vector: Vector, image_ids: Iterable[str], *, size: int, diversity: float) -> frozenset[str]:
        """The ids of ``size`` of the pictures, near to the vector but different from each other, by maximal marginal relevance."""

    def embedded(self, content_sha256s: Iterable[str]) -> dict[str, Embedding]:
        """Embeddings of pictures that are already indexed, by the SHA-256 of their bytes."""

    def stored_of(self, product_id: str, limit: int) -> Sequence[StoredPicture]:
        """A product's pictures with their vectors, the first indexed first; none if there is no such product.

        Placeholder pictures are left out.
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
    """An index to search, and the network that computes its vectors."""

    index: SearchableIndex
    embedder: Embedder


class PictureFetcher(Protocol):
    """Fetches the pictures that queries give by URL."""

    def fetch(self, url: str) -> PictureFile:
        """Fetches a picture. Raises `PictureRefused` or `TransientError`."""
