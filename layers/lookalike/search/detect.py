"""Where the things in a picture are: boxes around what a saliency network sees."""

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
"""Of a point that belongs to a thing, from 0 to 1."""

LEAST_AREA = 0.005
"""Of a thing, as a share of the picture: what is smaller is dirt, or lettering."""

MARGIN = 0.05
"""Put around a thing on each side, as a share of its own width and height."""

WHOLE = Crop(0.0, 0.0, 1.0, 1.0)

NO_NETWORK = (
    'this service has no network that finds things in pictures, which crop "auto" and /detect need: '
    "its operator can have it with the parameter SaliencyModel"
)

Saliency = NDArray[np.float32]
"""How much each point of a picture stands out, from 0 to 1, shape (height, width)."""


@dataclass(frozen=True, slots=True)
class Thing:
    """A box around a thing; ``score`` is its share of all that stands out in the picture."""

    crop: Crop
    score: float


@dataclass(frozen=True, slots=True)
class Detection:
    """The things in a picture, those that stand out most first, and the id of the network that found them."""

    things: Sequence[Thing]
    model: str


@dataclass(frozen=True, slots=True)
class Detector:
    """Finds the things in pictures.

    Args:
        network: returns the network whose "vectors" are the saliency of each point of its input, row by row; None if there is none.
    """

    network: Callable[[], Embedder | None] = lambda: None

    def detect(self, content: bytes) -> Detection:
        """The things in a picture's file; the whole picture, with a score of 0, where none is found.

        Raises:
            RequestInvalid: there is no network for it.
            PictureUnusable, Misconfigured: as their docstrings say.
        """
        network = self.network()
        if network is None:
            raise RequestInvalid(NO_NETWORK)
        model = network.model
        picture = decoding.decode(content, at_least=model.input_size)
        [numbers] = network.embed([decoding.scale(picture.pixels, model)])
        width, height = model.input_size
        return Detection(things(numbers.reshape(height, width)) or [Thing(WHOLE, 0.0)], model.id)

    def best(self, content: bytes) -> Crop | None:
        """The part of a picture with the thing that stands out most; None for the whole. Raises as `detect`."""
        crop = self.detect(content).things[0].crop
        return None if crop == WHOLE else crop


@dataclass(frozen=True, slots=True)
class Detect:
    """The use case behind ``/detect``: `Detector`, for pictures behind URLs too."""

    detector: Detector
    pictures: PictureFetcher

    def detect(self, picture: bytes | str) -> Detection:
        """The things in a picture, given as its file or its http(s) URL. Raises as `Detector.detect` and `PictureFetcher.fetch`."""
        return self.detector.detect(self.pictures.fetch(picture).content if isinstance(picture, str) else picture)


def things(saliency: Saliency) -> list[Thing]:
    """Boxes around the connected parts that stand out, `MAX_THINGS` at most, those with most saliency first."""
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
    """A number for each connected part of a mask, the same at all its points; 0 elsewhere."""
    numbers = np.where(mask, np.arange(1, mask.size + 1).reshape(mask.shape), 0)
    while True:
        spread = _spread(_spread(numbers).T).T
        if np.array_equal(spread, numbers):
            return numbers
        numbers = spread


def _spread(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """The largest number of each run in a row, at all points of the run; zeros part the runs."""
    flat = np.pad(numbers, ((0, 0), (0, 1))).ravel()
    starts = np.concatenate(([0], np.flatnonzero(np.diff(flat > 0)) + 1))
    largest = np.repeat(np.maximum.reduceat(flat, starts), np.diff(starts, append=flat.size))
    return largest.reshape(len(numbers), -1)[:, :-1]


def _box(mask: NDArray[np.bool_]) -> Crop:
    """The box around the points of a mask, with a margin, in fractions of the picture."""
    (top, bottom), (left, right) = (_edges(np.any(mask, axis=axis)) for axis in (1, 0))
    return Crop(left, top, right, bottom)


def _edges(is_inside: NDArray[np.bool_]) -> tuple[float, float]:
    places = np.flatnonzero(is_inside)
    start, end = places[0], places[-1] + 1
    margin = MARGIN * (end - start)
    return round(max(0.0, float(start - margin) / len(is_inside)), 4), round(min(1.0, float(end + margin) / len(is_inside)), 4)
