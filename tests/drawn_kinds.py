"""Pictures of kinds of things that are made up: what a kind is stays the same, how it is shown does not.

A kind is an outline, two colours and a pattern. Turn, size, place, light, and a background with patterns of its own differ from picture
to picture: a network sees them all, and only the labels of other kinds can teach that they mean nothing.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZE = 128
"""Width and height in pixels."""

WAVES = 6
"""Of an outline and of a background."""

Plane = NDArray[np.float64]
Drawn = np.random.Generator


def write(folder: Path, kinds: range, pictures: int) -> Path:
    """Writes a sub-folder for each kind, with so many pictures; the same every time."""
    for kind in kinds:
        place = folder / f"kind-{kind:03d}"
        place.mkdir(parents=True)
        for number in range(pictures):
            picture(kind, number).save(place / f"{number:02d}.jpg", quality=90)
    return folder


def picture(kind: int, number: int) -> Image.Image:
    """One picture of a kind."""
    shown = np.random.default_rng([kind, number])
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    pixels = _background(x, y, shown)
    for _ in range(int(shown.integers(1, 3))):
        turn, size, (dx, dy) = shown.uniform(-0.7, 0.7), shown.uniform(0.6, 1.2), shown.uniform(-0.35, 0.35, 2)
        u = (np.cos(turn) * (x - dx) + np.sin(turn) * (y - dy)) / size
        v = (np.cos(turn) * (y - dy) - np.sin(turn) * (x - dx)) / size
        cover, colours = _thing(u, v, np.random.default_rng(kind))
        pixels = pixels * (1 - cover) + colours * cover
    light = shown.uniform(0.7, 1.15) * (1 + 0.3 * (x * shown.uniform(-1, 1) + y * shown.uniform(-1, 1)))
    lit = pixels * light[..., None] * shown.uniform(0.9, 1.1, 3)
    return Image.fromarray(np.clip(255 * lit, 0, 255).astype(np.uint8))


def _thing(u: Plane, v: Plane, own: Drawn) -> tuple[Plane, Plane]:
    """Where a kind's thing is, from 0 to 1, and its colours."""
    angle, radius = np.arctan2(v, u), np.hypot(u, v)
    outline = 0.5 + sum(own.uniform(-0.3, 0.3) / n * np.cos(n * angle + own.uniform(0, 6)) for n in range(1, WAVES))
    first, second = own.uniform(0.05, 1, (2, 3))
    cover = np.clip((outline - radius) * SIZE / 3, 0, 1)[..., None]
    return cover, np.where(_pattern(u, v, own)[..., None], first, second)


def _pattern(u: Plane, v: Plane, own: Drawn) -> NDArray[np.bool_]:
    """Stripes, checks, rings or dots."""
    frequency, share, turn = own.uniform(6, 30), own.uniform(-0.5, 0.5), own.uniform(0, 3)
    across, along = np.cos(turn) * u + np.sin(turn) * v, np.cos(turn) * v - np.sin(turn) * u
    waves = (
        np.sin(frequency * across),
        np.sin(frequency * across) * np.sin(frequency * along),
        np.sin(frequency * np.hypot(u, v)),
        np.sin(frequency * across) + np.sin(frequency * along) - 0.7,
    )
    return np.asarray(waves[own.integers(len(waves))] > share)


def _background(x: Plane, y: Plane, shown: Drawn) -> Plane:
    planes = shown.uniform(0.1, 0.9, 3) * np.ones((*x.shape, 1))
    for _ in range(WAVES):
        fx, fy = shown.normal(size=2) * shown.choice([2, 6, 25])
        planes = planes + np.sin(fx * x + fy * y + shown.uniform(0, 6))[..., None] * shown.uniform(-0.15, 0.15, 3)
    return planes
