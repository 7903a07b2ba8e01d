"""What each exported network must say of one computed picture and of one text, so that a change in weights, graph or engine is seen."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FILE = Path(__file__).with_name("canonical_vectors.json")
"""By model id, the first numbers of the vector of `picture`, computed in f32, or in int8 with AVX2 alone; of u2netp `cells` of `thing`.

A model that is not in it was never seen with its weights.
"""

TOLERANCE_F32 = 2e-4
"""How far a number may be off where the network is computed in f32; a typical number is 0.03."""

TOLERANCE_BF16 = 4e-3
"""The same, where the CPU computes in bf16."""

TOLERANCE_INT8 = 4e-3
"""The same of a network of the table in int8, computed with AVX2 alone.

A processor with AVX-512 VNNI that is held to AVX2 or to AVX-512 without VNNI gives the same to the bit. With VNNI it is off by 0.004 to
0.010, with other calibration pictures by 0.014.
"""

OWN_F32, OWN_BF16 = 0.05, 0.3
"""The same of a network of one's own or an adapted one, as a share of a typical number of its vector.

What such a network does with rounding is not known, and a learned whitening makes it larger. Another network is off by 1 and more.
"""

TEXT = "a photo of a red hat"
"""The text of which the vector of a text encoder is kept, cut into tokens by its own tokenizer."""

QUANTISED = 'type="FakeQuantize"'
"""What ``model.xml`` of a network in int8 has, whoever quantised it."""

CELLS = 8
"""Of a saliency, means of `CELLS` x `CELLS` parts of it are compared."""


def is_int8(folder: Path) -> bool:
    """Whether the network in a folder computes in int8."""
    return QUANTISED in (folder / "model.xml").read_text()


def own_tolerance(dimensions: int, *, is_f32: bool) -> float:
    """How far a number of a network of one's own may be off; a typical one of a unit vector is the root of ``1 / dimensions``."""
    return (OWN_F32 if is_f32 else OWN_BF16) / float(np.sqrt(dimensions))


def picture(input_size: tuple[int, int]) -> NDArray[np.uint8]:
    """A checkerboard under two ramps, uint8 RGB of shape (height, width, 3); integers only, hence the same everywhere."""
    width, height = input_size
    y, x = np.mgrid[:height, :width]
    board = 255 * ((x // 16 + y // 16) % 2)
    return np.stack([255 * x // (width - 1), 255 * y // (height - 1), board], axis=-1).astype(np.uint8)


def thing(input_size: tuple[int, int]) -> NDArray[np.uint8]:
    """A dark disc of `picture` on a light ground, for the network that tells things from their background; edges of equal length."""
    edge, _ = input_size
    y, x = np.mgrid[:edge, :edge]
    is_inside = (2 * x - edge) ** 2 + (2 * y - edge) ** 2 < (edge * 7 // 12) ** 2
    return np.where(is_inside[..., np.newaxis], picture(input_size) // 2, np.uint8(230))


def cells(saliency: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means of equal parts of a saliency, row by row as the saliency itself: `CELLS` x `CELLS` numbers from 0 to 1."""
    edge = round(len(saliency) ** 0.5)
    parts = saliency.reshape(CELLS, edge // CELLS, CELLS, edge // CELLS)
    means: NDArray[np.float32] = parts.mean(axis=(1, 3)).ravel()
    return means


def beginning(vector: NDArray[np.float32], count: int = 64) -> list[float]:
    """The first numbers of a vector, as a manifest keeps them: rounded to six decimals."""
    return [round(float(number), 6) for number in vector[:count]]


def difference(vector: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """How far the first numbers of a vector are from the expected ones, at most; NaN if one of them is."""
    return float(np.abs(vector[: len(expected)] - expected).max())


def vector_beginning(model_id: str) -> NDArray[np.float32] | None:
    """The first numbers of the canonical vector, None for a model that has none yet."""
    numbers = json.loads(FILE.read_text()).get(model_id)
    return None if numbers is None else np.array(numbers, np.float32)
