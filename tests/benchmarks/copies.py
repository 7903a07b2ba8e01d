"""Files of pictures that are all different."""

from collections.abc import Sequence
from pathlib import Path

from infra.demo.catalogue import CatalogueItem


def distinct_copies(items: Sequence[CatalogueItem], folder: Path, count: int) -> dict[str, Path]:
    """The catalogue's files over and over, as ``NUMBER.jpg``: bytes behind the end of a JPEG change nothing of its picture."""
    made = {}
    for number in range(count):
        made[f"{number}.jpg"] = path = folder / f"{number}.jpg"
        path.write_bytes(items[number % len(items)].path.read_bytes() + number.to_bytes(8, "big"))
    return made
