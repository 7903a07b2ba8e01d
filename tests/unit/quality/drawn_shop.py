"""Small pictures of classes that differ in something faint, under something strong that says nothing."""

from pathlib import Path

import numpy as np
from PIL import Image

CELLS, CELL = 8, 8


def write(folder: Path, classes: int, pictures: int, shuffled: bool = False) -> Path:
    """Writes ``pictures`` of each class as PNG files, in a sub-folder for each class, or in one that is drawn by lot."""
    drawn = np.random.default_rng(6)
    kinds, strong = drawn.normal(size=(classes, CELLS, CELLS, 3)), drawn.normal(size=(12, CELLS, CELLS, 3))
    labels = np.repeat(np.arange(classes), pictures)
    told = drawn.permutation(labels) if shuffled else labels
    for number, (label, name) in enumerate(zip(labels, told, strict=True)):
        noise = np.tensordot(drawn.normal(size=len(strong)), strong, 1) * 12 + drawn.normal(size=kinds.shape[1:]) * 4
        cells = np.clip(128 + 12 * kinds[label] + noise, 0, 255).astype(np.uint8)
        place = folder / f"class {name}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(cells.repeat(CELL, axis=0).repeat(CELL, axis=1)).save(place / f"{number}.png")
    return folder
