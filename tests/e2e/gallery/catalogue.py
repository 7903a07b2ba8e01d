"""The products that the gallery's tests search: their number, ids and attributes."""

from collections.abc import Sequence
from typing import Any

from infra.demo.catalogue import CatalogueItem

COUNT = 60
PAGE_SIZE = 24


def product_id(number: int) -> str:
    """The id of one of the products, counted from 0."""
    return f"g-{number}"


def attribute(catalogue: Sequence[CatalogueItem], product: str, name: str) -> Any:
    """An attribute of a product, by the product's id."""
    return catalogue[int(product.removeprefix("g-"))].attributes[name]
