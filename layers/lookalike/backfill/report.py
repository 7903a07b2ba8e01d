"""Which pictures many products share: most of these are placeholders for "no image"."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class SharedPicture:
    """A picture that several documents of the index have, equal by perceptual hash.

    Args:
        perceptual_hash: 64 hex digits.
        products: how many products have it; a close estimate above 40,000.
        files: the approximate number of different files.
        image_url: the address of one of them.
    """

    perceptual_hash: str
    products: int
    files: int
    image_url: str


class CountedIndices(Protocol):
    """The index that is searched."""

    def searched(self) -> str:
        """Its name. Raises `IndexMissing`."""

    def shared_pictures(self, index: str, limit: int) -> Sequence[SharedPicture]:
        """The ``limit`` perceptual hashes that most pictures of the index have, those of one picture left out."""


@dataclass(frozen=True, slots=True)
class Report:
    """Lists the pictures that many products share.

    Args:
        indices: the indices of pictures.
        placeholders: perceptual hashes that searches leave out already.
    """

    indices: CountedIndices
    placeholders: frozenset[str]

    def report(self, limit: int) -> dict[str, Any]:
        """The index's name, and the pictures that more than one product has, those of most products first."""
        index = self.indices.searched()
        shared = [each for each in self.indices.shared_pictures(index, limit) if each.products > 1]
        pictures = [
            asdict(each) | {"is_left_out": each.perceptual_hash in self.placeholders}
            for each in sorted(shared, key=lambda each: -each.products)
        ]
        return {"index": index, "pictures": pictures}
