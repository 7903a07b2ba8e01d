"""Which pictures many products share: most of these are placeholders for "no image"."""

from dataclasses import asdict, dataclass
from typing import Any

from lookalike.backfill.indices import Indices


@dataclass(frozen=True, slots=True)
class Report:
    """Lists the pictures that many products share.

    Args:
        indices: the indices of pictures.
        placeholders: perceptual hashes that searches leave out already.
    """

    indices: Indices
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
