"""Detects the objects in a picture: bounding boxes of the salient parts that a saliency network finds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.domain import Crop, Embedder
from lookalike.errors import RequestInvalid
from lookalike.pictures import decoding
from lookalike.search.ports import PictureFetcher

MAX_THINGS = 5

LEAST_SALIENCY = 0.5
"""The least saliency of a pixel that belongs to an object, from 0 to 1."""

LEAST_AREA = 0.005
"""The least saliency of an object, summed and as a share of the picture's pixels: less is dust, or lettering."""

MARGIN = 0.05
"""The margin around an object on each side, as a share of its width or height."""

WHOLE = Crop(0.0, 0.0, 1.0, 1.0)

NO_NETWORK = (
    'this service has no saliency network, which crop "auto" and /detect need: its operator can add one with the parameter SaliencyModel'
)

Saliency = NDArray[np.float32]
"""The saliency of each pixel, from 0 to 1, shape (height, width)."""


@dataclass(frozen=True, slots=True)
class Thing:
    """A bounding box of an object; ``score`` is its share of the picture's total saliency."""

    crop: Crop
    score: float


@dataclass(frozen=True, slots=True)
class Detection:
    """The objects in a picture, the most salient first, and the id of the network that found them."""

    things: Sequence[Thing]
    model: str


@dataclass(frozen=True, slots=True)
class Detector:
    """Finds the objects in pictures: the use case behind ``/detect``, and behind a crop ``auto``.

    Args:
        pictures: fetches pictures by URL.
        network: returns the network whose "vectors" are the saliency of each pixel of its input, row by row; None if there is none.
    """

    pictures: PictureFetcher
    network: Callable[[], Embedder | None] = lambda: None

    def detect(self, picture: bytes | str) -> Detection:
        """The objects in a picture, given as its file or its http(s) URL; if there are none, the whole picture with a score of 0.

        Raises:
            RequestInvalid: there is no saliency network.
            PictureUnusable, Misconfigured: as their docstrings say; and what `PictureFetcher.fetch` raises.
        """
        network = self.network()
        if network is None:
            raise RequestInvalid(NO_NETWORK)
        model = network.model
        content = self.pictures.fetch(picture).content if isinstance(picture, str) else picture
        pixels = decoding.decode(content, at_least=model.input_size).pixels
        [numbers] = network.embed([decoding.scale(pixels, model)])
        width, height = model.input_size
        return Detection(things(numbers.reshape(height, width)) or [Thing(WHOLE, 0.0)], model.id)

    def best(self, content: bytes) -> Crop | None:
        """The bounding box of the most salient object; None for the whole picture. Raises as `detect`."""
        crop = self.detect(content).things[0].crop
        return None if crop == WHOLE else crop


def things(saliency: Saliency) -> list[Thing]:
    """Bounding boxes of connected salient regions, at most `MAX_THINGS`, those with the most saliency first."""
    numbers = _components(saliency >= LEAST_SALIENCY)
    masses = np.bincount(numbers.ravel(), saliency.ravel())
    masses[0] = 0
    largest = np.argsort(-masses, kind="stable")[:MAX_THINGS]
    return [
        Thing(_box(numbers == number), round(float(masses[number] / masses.sum()), 4))
        for number in largest
        if masses[number] > LEAST_AREA * saliency.size
    ]


def _components(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Labels the connected regions of a mask (4-neighbourhood) with distinct positive numbers; 0 elsewhere."""
    numbers = np.where(mask, np.arange(1, mask.size + 1).reshape(mask.shape), 0)
    while True:
        spread = _spread(_spread(numbers).T).T
        if np.array_equal(spread, numbers):
            return numbers
        numbers = spread


def _spread(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Replaces the labels in each horizontal run by their maximum; zeros separate runs."""
    flat = np.pad(numbers, ((0, 0), (0, 1))).ravel()
    starts = np.concatenate(([0], np.flatnonzero(np.diff(flat > 0)) + 1))
    largest = np.repeat(np.maximum.reduceat(flat, starts), np.diff(starts, append=flat.size))
    return largest.reshape(len(numbers), -1)[:, :-1]


def _box(mask: NDArray[np.bool_]) -> Crop:
    """The bounding box of a mask, with a margin, in fractions of the picture."""
    (top, bottom), (left, right) = (_edges(np.any(mask, axis=axis)) for axis in (1, 0))
    return Crop(left, top, right, bottom)


def _edges(is_inside: NDArray[np.bool_]) -> tuple[float, float]:
    places = np.flatnonzero(is_inside)
    start, end = places[0], places[-1] + 1
    margin = MARGIN * (end - start)
    return round(max(0.0, float(start - margin) / len(is_inside)), 4), round(min(1.0, float(end + margin) / len(is_inside)), 4)
