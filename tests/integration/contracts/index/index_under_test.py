"""An index and what tests of every index do with it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from lookalike.domain import IndexedPicture, Vector
from lookalike.filters import parse
from lookalike.indexing.ports import WritableIndex
from lookalike.search.ports import SearchableIndex, Selection

from tests.integration.samples import vector


class Index(WritableIndex, SearchableIndex, Protocol):
    """An index as indexing writes it and searches read it."""


@dataclass(frozen=True)
class IndexUnderTest:
    """An empty index; ``refresh`` is what makes new pictures be found."""

    index: Index
    refresh: Callable[[], object]

    def write(self, *pictures: IndexedPicture, vectors: list[Vector] | None = None) -> None:
        """Writes pictures, by default with vectors 0, 1, 2 …"""
        written = vectors or [vector(seed) for seed in range(len(pictures))]
        assert self.index.write(zip(pictures, written, strict=True), []) == {}
        self.refresh()

    def found(self, given: dict[str, Any]) -> set[str]:
        """The products that pass a filter."""
        selection = Selection(parse(given))
        self.index.warnings(selection.filter)
        return {hit.product_id for hit in self.index.nearest(vector(0), selection, k=50, size=50).hits}
