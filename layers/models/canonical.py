"""What each exported network must say of one computed picture, so that a change in weights, graph or engine is seen."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FILE = Path(__file__).with_name("canonical_vectors.json")
"""By model id, the first numbers of the vector of `picture`, computed in f32. A model that is not in it was never seen with its weights."""

TOLERANCE_F32 = 2e-4
"""How far a number may be off where the network is computed in f32; a typical number is 0.03."""

TOLERANCE_BF16 = 4e-3
"""The same, where the CPU computes in bf16."""

OWN_F32, OWN_BF16 = 0.05, 0.3
"""The same of a network of one's own or an adapted one, as a share of a typical number of its vector.

What such a network does with rounding is not known, and a learned whitening makes it larger. Another network is off by 1 and more.
"""


def own_tolerance(dimensions: int, *, is_f32: bool) -> float:
    """How far a number of a network of one's own may be off; a typical one of a unit vector is the root of ``1 / dimensions``."""
    return (OWN_F32 if is_f32 else OWN_BF16) / float(np.sqrt(dimensions))


def picture(input_size: tuple[int, int]) -> NDArray[np.uint8]:
    """A checkerboard under two ramps, uint8 RGB of shape (height, width, 3); integers only, hence the same everywhere."""
    width, height = input_size
    y, x = np.mgrid[:height, :width]
    board = 255 * ((x // 16 + y // 16) % 2)
    return np.stack([255 * x // (width - 1), 255 * y // (height - 1), board], axis=-1).astype(np.uint8)


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
