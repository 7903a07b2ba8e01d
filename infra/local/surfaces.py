"""What a drawn picture is covered with: the cloth of things and what lies behind them, as arrays of RGB from 0 to 1."""

from collections.abc import Callable, Mapping
from math import cos, sin
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Plane: TypeAlias = NDArray[np.floating[Any]]
"""One number a pixel, shape (height, width)."""

Surface: TypeAlias = NDArray[np.floating[Any]]
"""Colours from 0 to 1, shape (height, width, 3)."""

Colour: TypeAlias = tuple[int, int, int]
"""RGB, 0 to 255."""


def fraction(colour: Colour) -> Surface:
    """The colour from 0 to 1, shape (3,)."""
    return np.array(colour, np.float32) / 255


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """The colour on the way from the first to the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def _edge(distance: Plane, softness: float) -> Plane:
    """1 where the distance is negative, 0 where it is positive, and a ramp as wide as a pixel between them."""
    share: Plane = np.clip(0.5 - distance / softness, 0, 1)
    return share


def _wave(x: Plane) -> Plane:
    """A triangle wave of period 1 from 0 to 1."""
    wave: Plane = np.abs(2 * (x - np.floor(x)) - 1)
    return wave


def _plain(x: Plane, _y: Plane, _softness: float) -> Plane:
    return np.zeros_like(x)


def _stripes(_x: Plane, y: Plane, softness: float) -> Plane:
    return _edge(_wave(y) - 0.42, 2 * softness)


def _pinstripes(x: Plane, _y: Plane, softness: float) -> Plane:
    return _edge(_wave(1.6 * x) - 0.14, 3.2 * softness)


def _dots(x: Plane, y: Plane, softness: float) -> Plane:
    row = np.floor(y)
    across, down = (x + row / 2) % 1 - 0.5, y - row - 0.5
    return _edge(np.hypot(across, down) - 0.25, softness)


def _checks(x: Plane, y: Plane, softness: float) -> Plane:
    warp, weft = _edge(_wave(x) - 0.5, 2 * softness), _edge(_wave(y) - 0.5, 2 * softness)
    return (warp + weft) / 2


def _zigzag(x: Plane, y: Plane, softness: float) -> Plane:
    return _edge(_wave(y + 0.5 * _wave(x)) - 0.42, 3 * softness)


def _diamonds(x: Plane, y: Plane, softness: float) -> Plane:
    across, down = _wave(0.7 * x), _wave(0.45 * y)
    diamond = _edge(across + down - 0.86, 2 * softness)
    line = _edge(np.abs(_wave(0.7 * x + 0.5) - down) - 0.05, 2 * softness)
    share: Plane = np.maximum(diamond, 0.45 * line)
    return share


PATTERNS: Mapping[str, Callable[[Plane, Plane, float], Plane]] = {
    "plain": _plain,
    "stripes": _stripes,
    "pinstripes": _pinstripes,
    "dots": _dots,
    "checks": _checks,
    "zigzag": _zigzag,
    "diamonds": _diamonds,
}
"""How much of the second colour there is at (x, y), of which one repeat is 1; ``softness`` is the width of a pixel there."""


def _noise(random: np.random.Generator, size: int, grain: tuple[int, int]) -> Plane:
    """Soft noise from -1 to 1; ``grain`` is the number of random values across and down."""
    values = random.uniform(-1, 1, (grain[1], grain[0])).astype(np.float32)
    return np.asarray(Image.fromarray(values).resize((size, size), Image.Resampling.BICUBIC))


def _ramp(size: int) -> Plane:
    """0 at the top, 1 at the bottom, shape (size, 1)."""
    return np.linspace(0, 1, size, dtype=np.float32)[:, None]


def _full(size: int, colour: Surface) -> Surface:
    return np.broadcast_to(colour.clip(0, 1), (size, size, 3)).astype(np.float32)


def _white(size: int, _tint: Colour, _random: np.random.Generator) -> Surface:
    return _full(size, np.float32(0.985) - 0.035 * _ramp(size)[:, :, None] ** 2)


def _tinted(size: int, tint: Colour, _random: np.random.Generator) -> Surface:
    return _full(size, fraction(tint))


def _gradient(size: int, tint: Colour, random: np.random.Generator) -> Surface:
    angle = random.uniform(0, 2 * np.pi)
    ramp = _ramp(size)
    along = (0.5 + (ramp - 0.5) * sin(angle) + (ramp.T - 0.5) * cos(angle))[:, :, None]
    pale, deep = fraction(mix(tint, (255, 255, 255), 0.7)), fraction(mix(tint, (90, 84, 96), 0.22))
    return _full(size, pale * (1 - along) + deep * along)


def _studio(size: int, tint: Colour, random: np.random.Generator) -> Surface:
    """A wall and a floor that meet in a soft line."""
    floor = np.clip((_ramp(size) - random.uniform(0.62, 0.7)) / 0.02, 0, 1)[:, :, None]
    wall = fraction(tint) * (0.96 + 0.06 * _ramp(size)[:, :, None])
    ground = fraction(mix(tint, (255, 255, 255), 0.45)) * (1.04 - 0.1 * _ramp(size)[:, :, None])
    return _full(size, wall * (1 - floor) + ground * floor)


def _wood(size: int, _tint: Colour, random: np.random.Generator) -> Surface:
    """Boards side by side, each with its own tone and grain."""
    board = fraction(((186, 142, 100), (150, 108, 74), (214, 186, 150), (120, 92, 74))[random.integers(4)])
    grain = 0.05 * _noise(random, size, (4, size // 5)) + 0.03 * _noise(random, size, (10, size // 2))
    boards = random.integers(4, 7)
    place = _ramp(size) * boards + random.uniform(0, 1)
    tone = random.uniform(-0.06, 0.06, boards + 2).astype(np.float32)[place.astype(int)]
    joint = 0.28 * _edge(np.abs(place - np.round(place)) - 0.008, 0.016)
    return _full(size, board * (1 + grain + tone - joint)[:, :, None])


def _linen(size: int, tint: Colour, random: np.random.Generator) -> Surface:
    weave = 0.035 * (_noise(random, size, (6, size // 2)) + _noise(random, size, (size // 2, 6)))
    return _full(size, fraction(mix(tint, (226, 220, 208), 0.6)) * (1 + weave)[:, :, None])


BACKDROPS: Mapping[str, Callable[[int, Colour, np.random.Generator], Surface]] = {
    "white": _white,
    "tinted": _tinted,
    "gradient": _gradient,
    "studio": _studio,
    "wood": _wood,
    "linen": _linen,
}
"""What lies behind a thing: a square of ``size`` pixels in a pale colour, with what is left to chance."""
