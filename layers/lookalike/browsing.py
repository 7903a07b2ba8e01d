"""Looking around in the index: a product, what can be filtered, how much there is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from lookalike.domain import Attributes, IndexedPicture
from lookalike.errors import NotFound

MAX_PICTURES = 100
"""How many of a product's pictures are shown."""

MAX_ATTRIBUTES = 50
"""How many attributes are listed, those that most pictures have."""

MAX_VALUES = 20
"""How many of an attribute's values are listed, the most frequent ones."""


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """One of a product's pictures."""

    image_id: str
    image_url: str
    width: int
    height: int
    attributes: Attributes
    indexed_at: datetime


@dataclass(frozen=True, slots=True)
class ShownProduct:
    """A product with its pictures, the first indexed first; ``attributes`` are those that came last."""

    product_id: str
    attributes: Attributes
    pictures: Sequence[ShownPicture]


@dataclass(frozen=True, slots=True)
class Value:
    """An attribute's value as text, and how many pictures' products have it."""

    value: str
    pictures: int


@dataclass(frozen=True, slots=True)
class FilterableAttribute:
    """An attribute that a filter can ask for.

    Args:
        pictures: how many have it.
        values: the most frequent ones.
        least, most: bounds of those values that read as a number or a date (milliseconds since 1970); None if none does.
    """

    name: str
    pictures: int
    values: Sequence[Value]
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """How much an index holds; ``products`` is a close estimate above 40,000."""

    products: int
    pictures: int
    last_indexed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Stats:
    """How much the index behind the alias holds."""

    index: str
    model: str
    totals: Totals


class Index(Protocol):
    """One index."""

    def pictures_of(self, product_id: str, limit: int) -> Sequence[IndexedPicture]:
        """A product's pictures, the first indexed first."""

    def attributes(self, limit: int, values: int) -> Sequence[FilterableAttribute]:
        """What can be filtered, with that many values of each, what most pictures have first."""

    def totals(self) -> Totals:
        """How much there is."""


@dataclass(frozen=True, slots=True)
class Current:
    """The index behind the alias, its name and its model's id."""

    index: Index
    name: str
    model: str


class Browsing:
    """The use case.

    Args:
        current: the index behind the alias, asked for each time.
        link: makes a picture's address one that the caller can open.
    """

    def __init__(self, current: Callable[[], Current], link: Callable[[str], str]) -> None:
        self._current = current
        self._link = link

    def product(self, product_id: str) -> ShownProduct:
        """A product.

        Raises:
            NotFound: there is none of this id.
        """
        found = self._current().index.pictures_of(product_id, MAX_PICTURES)
        if not found:
            raise NotFound(f"there is no product {product_id!r} in the index", field="product_id")
        return ShownProduct(product_id, found[-1].attributes, [self._shown(picture) for picture in found])

    def attributes(self) -> Sequence[FilterableAttribute]:
        """What a filter can ask for."""
        return self._current().index.attributes(MAX_ATTRIBUTES, MAX_VALUES)

    def stats(self) -> Stats:
        """How much there is."""
        current = self._current()
        return Stats(current.name, current.model, current.index.totals())

    def _shown(self, picture: IndexedPicture) -> ShownPicture:
        url = self._link(picture.image_url)
        return ShownPicture(picture.image_id, url, picture.width, picture.height, picture.attributes, picture.indexed_at)
