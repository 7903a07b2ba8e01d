"""Browsing the index: one product, the attributes that can be filtered, and totals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from lookalike.domain import Attributes, IndexedPicture
from lookalike.errors import NotFound
from lookalike.search.ports import FilterableAttribute, SearchableIndex, Totals

MAX_PICTURES = 100
"""The most pictures that are returned of a product."""

MAX_ATTRIBUTES = 50
"""The most attributes that are listed: those that most pictures have."""

MAX_VALUES = 20
"""The most values that are listed of an attribute: the most frequent ones."""


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
    """A product with its pictures in the order of indexing; ``attributes`` are those of the last one."""

    product_id: str
    attributes: Attributes
    pictures: Sequence[ShownPicture]


@dataclass(frozen=True, slots=True)
class Stats:
    """The index behind the alias, its model's id and totals, and the model of the index that is being filled, if any."""

    index: str
    model: str
    totals: Totals
    next_model: str | None = None


@dataclass(frozen=True, slots=True)
class BrowsedIndex:
    """The index behind the alias, its name and its model's id."""

    index: SearchableIndex
    name: str
    model: str


@dataclass(frozen=True, slots=True)
class Browse:
    """Reads products, attributes and totals of the index; nothing is fetched or embedded.

    Args:
        current: returns the index behind the alias; called for each request.
        link: converts a picture's URL into one that the caller can open.
        next_model: returns the id of the model whose index is being filled, None if none is.
    """

    current: Callable[[], BrowsedIndex]
    link: Callable[[str], str]
    next_model: Callable[[], str | None] = lambda: None

    def product(self, product_id: str) -> ShownProduct:
        """A product and its pictures. Raises `NotFound` if no picture of a product with this id is indexed."""
        found = self.current().index.pictures_of(product_id, MAX_PICTURES)
        if not found:
            raise NotFound(f"there is no product {product_id!r} in the index", field="product_id")
        return ShownProduct(product_id, found[-1].attributes, [self._shown(picture) for picture in found])

    def attributes(self) -> Sequence[FilterableAttribute]:
        """The attributes that can be filtered, those that most pictures have first."""
        return self.current().index.attributes(MAX_ATTRIBUTES, MAX_VALUES)

    def stats(self) -> Stats:
        """Totals of the index behind the alias."""
        current = self.current()
        return Stats(current.name, current.model, current.index.totals(), self.next_model())

    def _shown(self, picture: IndexedPicture) -> ShownPicture:
        url = self.link(picture.image_url)
        return ShownPicture(picture.image_id, url, picture.width, picture.height, picture.attributes, picture.indexed_at)
