"""The things a drawn shop sells, as outlines: curves in the manner of SVG, in a square from -1 to 1 with y downwards."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Outline: TypeAlias = NDArray[np.float64]
"""Points of a line, shape (n, 2)."""

Paint = Literal["body", "shade", "deep", "trim", "light", "dark", "metal", "wood", "leaf", "glow", "shine", "ink"]
"""What a part is painted with: ``body`` carries the pattern, ``shine`` and ``ink`` lighten and darken what is below them."""

Relief = Literal["round", "cloth", "hard"]
"""How light falls on a thing: as on a cylinder, on folds, or on a flat face."""

POINTS_A_CURVE = 16


@dataclass(frozen=True, slots=True)
class Part:
    """One painted outline: filled, or a line ``width`` thick."""

    paint: Paint
    outline: Outline
    width: float | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """A thing as its parts, from the farthest to the nearest; one that ``stands`` has its shadow at its foot."""

    parts: tuple[Part, ...]
    relief: Relief
    stands: bool = True


def curve(path: str) -> Outline:
    """The points along an SVG path of absolute M, L, Q and C commands."""
    points: list[NDArray[np.float64]] = []
    for command, numbers in re.findall(r"([MLQC])([^MLQC]*)", path):
        stops = np.array([float(number) for number in numbers.split()]).reshape(-1, 2)
        degree = {"M": 1, "L": 1, "Q": 2, "C": 3}[command]
        for group in stops.reshape(-1, degree, 2):
            points.extend(group if degree == 1 else _bezier(np.vstack([points[-1], group])))
    return np.array(points)


def symmetric(path: str) -> Outline:
    """A closed outline from its right half, which begins and ends on the axis."""
    right = curve(path)
    return np.vstack([right, right[::-1] * (-1, 1)])


def ellipse(x: float, y: float, rx: float, ry: float) -> Outline:
    """An ellipse around (x, y)."""
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    return np.column_stack([x + rx * np.cos(angle), y + ry * np.sin(angle)])


def _bezier(control: NDArray[np.float64]) -> NDArray[np.float64]:
    """De Casteljau's construction, without the first point."""
    t = np.linspace(0, 1, POINTS_A_CURVE + 1)[1:, None, None]
    level = np.broadcast_to(control, (POINTS_A_CURVE, *control.shape))
    while level.shape[1] > 1:
        level = (1 - t) * level[:, :-1] + t * level[:, 1:]
    return level[:, 0]


def _fill(paint: Paint, path: str) -> Part:
    return Part(paint, curve(path))


def _half(paint: Paint, path: str) -> Part:
    return Part(paint, symmetric(path))


def _round(paint: Paint, x: float, y: float, rx: float, ry: float) -> Part:
    return Part(paint, ellipse(x, y, rx, ry))


def _line(paint: Paint, width: float, path: str) -> Part:
    return Part(paint, curve(path), width)


def _pair(paint: Paint, width: float, path: str) -> tuple[Part, Part]:
    line = curve(path)
    return Part(paint, line, width), Part(paint, line * (-1, 1), width)


def _dial(x: float, y: float, radius: float) -> tuple[Part, ...]:
    """Twelve hour marks and two hands at ten past ten."""
    hours = np.arange(12) * np.pi / 6
    marks = [np.outer([0.82, 0.94], [np.cos(hour), np.sin(hour)]) * radius + (x, y) for hour in hours]
    hands = [np.array([(0, 0), (-0.42, -0.3)]) * radius + (x, y), np.array([(0, 0), (0.5, -0.45)]) * radius + (x, y)]
    return (
        *(Part("dark", mark, 0.018) for mark in marks),
        *(Part("dark", hand, 0.03) for hand in hands),
        _round("trim", x, y, 0.03, 0.03),
    )


_MUG = Shape(
    (
        _line("body", 0.13, "M 0.4 -0.38 C 0.98 -0.5 0.98 0.42 0.36 0.36"),
        _line("ink", 0.03, "M 0.46 -0.3 C 0.82 -0.36 0.82 0.28 0.42 0.28"),
        _fill(
            "body",
            "M -0.58 -0.6 L 0.48 -0.6 C 0.48 0 0.46 0.4 0.4 0.6 Q 0.34 0.76 -0.05 0.76 Q -0.44 0.76 -0.5 0.6 "
            "C -0.56 0.4 -0.58 0 -0.58 -0.6",
        ),
        _round("light", -0.05, -0.6, 0.53, 0.125),
        _round("deep", -0.05, -0.59, 0.48, 0.095),
        _line("shine", 0.06, "M -0.44 -0.35 C -0.44 0 -0.42 0.25 -0.39 0.5"),
    ),
    "round",
)

_TALL_CUP = Shape(
    (
        _fill("body", "M -0.42 -0.62 L 0.42 -0.62 L 0.3 0.86 Q 0 0.94 -0.3 0.86"),
        _fill("trim", "M -0.385 -0.2 Q 0 -0.13 0.385 -0.2 L 0.338 0.38 Q 0 0.46 -0.338 0.38"),
        _fill("dark", "M -0.46 -0.74 L 0.46 -0.74 L 0.45 -0.58 Q 0 -0.5 -0.45 -0.58"),
        _round("dark", 0, -0.74, 0.42, 0.09),
        _round("ink", 0, -0.75, 0.34, 0.06),
        _line("shine", 0.05, "M -0.31 -0.42 L -0.22 0.7"),
    ),
    "round",
)

_FLASK = Shape(
    (
        _half("body", "M 0 -0.6 L 0.17 -0.6 C 0.17 -0.42 0.36 -0.4 0.36 -0.12 L 0.36 0.82 Q 0.36 0.93 0.25 0.94 L 0 0.95"),
        _half("metal", "M 0 -0.95 L 0.17 -0.95 Q 0.2 -0.95 0.2 -0.91 L 0.2 -0.64 L 0 -0.63"),
        *(_line("ink", 0.012, f"M {x} -0.9 L {x} -0.68") for x in (-0.12, -0.04, 0.04, 0.12)),
        _half("shade", "M 0 -0.63 L 0.175 -0.63 L 0.175 -0.57 L 0 -0.56"),
        _line("shine", 0.055, "M -0.25 -0.1 L -0.25 0.78"),
    ),
    "round",
)

_WINE_BOTTLE = Shape(
    (
        _half("shade", "M 0 -0.9 L 0.11 -0.9 L 0.115 -0.4 C 0.12 -0.26 0.31 -0.22 0.31 0 L 0.31 0.86 Q 0.31 0.95 0.22 0.96 L 0 0.96"),
        _half("trim", "M 0 -0.95 L 0.125 -0.95 L 0.13 -0.55 L 0 -0.55"),
        _half("light", "M 0 0.12 L 0.31 0.12 L 0.31 0.72 L 0 0.72"),
        _half("body", "M 0 0.17 L 0.27 0.17 L 0.27 0.54 L 0 0.54"),
        _line("ink", 0.02, "M -0.16 0.61 L 0.16 0.61"),
        _line("ink", 0.014, "M -0.1 0.66 L 0.1 0.66"),
        _line("shine", 0.04, "M -0.22 -0.02 L -0.22 0.1"),
        _line("shine", 0.03, "M -0.06 -0.52 L -0.065 -0.38"),
    ),
    "round",
)

_TABLE_LAMP = Shape(
    (
        _line("metal", 0.05, "M 0 -0.2 L 0 0.3"),
        _half("shade", "M 0 0.08 L 0.09 0.08 C 0.12 0.22 0.34 0.3 0.34 0.52 C 0.34 0.72 0.2 0.78 0.18 0.86 L 0 0.88"),
        _half("metal", "M 0 0.84 L 0.25 0.84 Q 0.28 0.86 0.28 0.92 L 0 0.95"),
        _round("glow", 0, -0.06, 0.64, 0.09),
        _half("body", "M 0 -0.92 L 0.34 -0.9 L 0.66 -0.07 Q 0.4 0.0 0 0.0"),
        _half("trim", "M 0 -0.05 L 0.645 -0.11 L 0.66 -0.06 Q 0.4 0.02 0 0.02"),
        _half("trim", "M 0 -0.95 L 0.34 -0.92 L 0.352 -0.87 L 0 -0.89"),
        _line("shine", 0.04, "M -0.2 0.42 C -0.26 0.5 -0.24 0.6 -0.18 0.68"),
    ),
    "round",
)

_ARCHED_LAMP = Shape(
    (
        _line("metal", 0.055, "M -0.38 0.86 L -0.38 -0.35 C -0.38 -0.98 0.42 -1.0 0.44 -0.5"),
        _fill("metal", "M -0.72 0.94 Q -0.72 0.8 -0.38 0.8 Q -0.04 0.8 -0.04 0.94"),
        _round("glow", 0.44, -0.06, 0.42, 0.09),
        _fill("body", "M 0.02 -0.08 C 0.04 -0.4 0.24 -0.54 0.44 -0.54 C 0.64 -0.54 0.84 -0.4 0.86 -0.08 Q 0.44 0.08 0.02 -0.08"),
        _round("trim", 0.44, -0.54, 0.09, 0.05),
        _line("shine", 0.05, "M 0.16 -0.2 C 0.18 -0.32 0.26 -0.4 0.34 -0.43"),
    ),
    "round",
)

_CHAIR = Shape(
    (
        *_pair("wood", 0.07, "M 0.36 0.1 L 0.42 0.78"),
        _line("wood", 0.05, "M -0.4 0.55 L 0.4 0.55"),
        *_pair("wood", 0.06, "M 0.32 -0.3 L 0.32 0.1"),
        _fill(
            "body",
            "M -0.34 -0.96 Q 0 -1.02 0.34 -0.96 Q 0.46 -0.94 0.45 -0.8 L 0.4 -0.3 Q 0.39 -0.2 0.28 -0.19 "
            "Q 0 -0.15 -0.28 -0.19 Q -0.39 -0.2 -0.4 -0.3 L -0.45 -0.8 Q -0.46 -0.94 -0.34 -0.96",
        ),
        *_pair("wood", 0.08, "M 0.48 0.3 L 0.56 0.95"),
        _fill("shade", "M -0.56 0.22 L 0.56 0.22 L 0.56 0.32 Q 0.55 0.38 0.46 0.38 L -0.46 0.38 Q -0.55 0.38 -0.56 0.32"),
        _fill(
            "body",
            "M -0.38 -0.04 L 0.38 -0.04 Q 0.45 -0.03 0.47 0.03 L 0.57 0.2 Q 0.58 0.28 0.5 0.28 L -0.5 0.28 "
            "Q -0.58 0.28 -0.57 0.2 L -0.47 0.03 Q -0.45 -0.03 -0.38 -0.04",
        ),
    ),
    "hard",
)

_ARMCHAIR = Shape(
    (
        *_pair("wood", 0.08, "M 0.58 0.7 L 0.62 0.95"),
        _fill("shade", "M -0.62 -0.72 Q -0.6 -0.9 -0.4 -0.9 L 0.4 -0.9 Q 0.6 -0.9 0.62 -0.72 L 0.66 0.4 L -0.66 0.4"),
        _fill("body", "M -0.5 -0.66 Q -0.5 -0.8 -0.36 -0.8 L 0.36 -0.8 Q 0.5 -0.8 0.5 -0.66 L 0.5 0.2 L -0.5 0.2"),
        _fill("shade", "M -0.55 0.25 L 0.55 0.25 L 0.55 0.76 L -0.55 0.76"),
        _fill(
            "body",
            "M -0.5 0.02 Q 0 -0.03 0.5 0.02 Q 0.56 0.03 0.56 0.1 L 0.56 0.3 Q 0.56 0.38 0.48 0.38 L -0.48 0.38 "
            "Q -0.56 0.38 -0.56 0.3 L -0.56 0.1 Q -0.56 0.03 -0.5 0.02",
        ),
        _fill("body", "M -0.84 -0.02 Q -0.84 -0.18 -0.67 -0.18 Q -0.5 -0.18 -0.5 -0.02 L -0.5 0.78 L -0.78 0.78 Q -0.84 0.78 -0.84 0.7"),
        _fill("body", "M 0.84 -0.02 Q 0.84 -0.18 0.67 -0.18 Q 0.5 -0.18 0.5 -0.02 L 0.5 0.78 L 0.78 0.78 Q 0.84 0.78 0.84 0.7"),
        *_pair("ink", 0.02, "M 0.5 0.0 L 0.5 0.76"),
        _line("ink", 0.02, "M -0.48 0.4 L 0.48 0.4"),
        *_pair("ink", 0.016, "M 0.5 -0.02 Q 0.5 -0.14 0.6 -0.17"),
    ),
    "hard",
)

_SNEAKER = Shape(
    (
        _fill("deep", "M -0.8 -0.4 Q -0.58 -0.55 -0.34 -0.46 L -0.3 -0.2 L -0.8 -0.2"),
        _fill(
            "body",
            "M -0.86 0.34 C -0.92 0.1 -0.9 -0.2 -0.82 -0.44 C -0.74 -0.3 -0.5 -0.24 -0.36 -0.46 "
            "C -0.26 -0.44 -0.16 -0.28 0.02 -0.14 C 0.22 0 0.5 0.0 0.7 0.08 Q 0.93 0.16 0.93 0.36",
        ),
        _fill("light", "M 0.56 0.36 Q 0.56 0.12 0.66 0.07 Q 0.93 0.14 0.94 0.36"),
        _fill("trim", "M -0.87 0.34 C -0.92 0.14 -0.9 -0.04 -0.87 -0.18 Q -0.66 -0.1 -0.6 0.1 Q -0.58 0.24 -0.6 0.34"),
        _fill("trim", "M -0.38 0.3 L -0.26 0.3 L 0.02 -0.14 L -0.07 -0.21"),
        _fill("trim", "M -0.16 0.3 L -0.04 0.3 L 0.18 -0.05 L 0.08 -0.1"),
        *(_line("light", 0.05, f"M {x} {y} L {x + 0.13} {y - 0.12}") for x, y in ((-0.27, -0.2), (-0.16, -0.08), (-0.03, 0.02))),
        _fill("light", "M -0.9 0.3 L 0.96 0.3 Q 1.0 0.42 0.94 0.5 Q 0.9 0.54 0.8 0.54 L -0.8 0.54 Q -0.9 0.54 -0.92 0.46"),
        _line("dark", 0.045, "M -0.86 0.53 L 0.9 0.53"),
        _line("ink", 0.016, "M -0.86 0.4 L 0.94 0.4"),
    ),
    "hard",
)

_BOOT = Shape(
    (
        _line("trim", 0.05, "M -0.66 -0.7 C -0.74 -0.98 -0.52 -0.98 -0.56 -0.7"),
        _round("deep", -0.32, -0.78, 0.36, 0.07),
        _fill(
            "body",
            "M -0.68 -0.78 Q -0.32 -0.68 0.04 -0.78 C 0.04 -0.4 0.02 -0.16 0.14 0.06 C 0.26 0.26 0.6 0.26 0.76 0.4 "
            "Q 0.88 0.52 0.86 0.7 L -0.66 0.7 C -0.72 0.3 -0.6 0 -0.68 -0.78",
        ),
        _fill("shade", "M -0.46 -0.72 L -0.16 -0.72 Q -0.2 -0.3 -0.28 -0.06 Q -0.34 -0.02 -0.38 -0.06 Q -0.44 -0.3 -0.46 -0.72"),
        *(_line("ink", 0.012, f"M {x} -0.7 L {0.5 * x - 0.16} -0.08") for x in (-0.41, -0.36, -0.31, -0.26, -0.21)),
        _line("trim", 0.05, "M -0.68 -0.76 Q -0.32 -0.66 0.04 -0.76"),
        _line("ink", 0.016, "M 0.3 0.7 Q 0.28 0.42 0.46 0.28"),
        _fill("dark", "M -0.68 0.66 L 0.88 0.66 Q 0.9 0.8 0.82 0.8 L -0.14 0.8 L -0.18 0.92 L -0.68 0.92"),
        _line("shine", 0.05, "M -0.57 -0.5 L -0.55 -0.05"),
    ),
    "hard",
)

_T_SHIRT = Shape(
    (
        _round("deep", 0, -0.7, 0.21, 0.11),
        _half(
            "body",
            "M 0 -0.58 Q 0.2 -0.6 0.22 -0.8 L 0.44 -0.72 Q 0.6 -0.66 0.92 -0.18 L 0.64 0.02 L 0.5 -0.2 "
            "C 0.5 0.2 0.52 0.6 0.53 0.84 Q 0.3 0.9 0 0.9",
        ),
        _line("trim", 0.055, "M -0.22 -0.78 Q -0.2 -0.6 0 -0.58 Q 0.2 -0.6 0.22 -0.78"),
        *_pair("trim", 0.05, "M 0.9 -0.18 L 0.65 0.0"),
        *_pair("ink", 0.014, "M 0.5 -0.2 Q 0.48 -0.42 0.4 -0.55"),
        _line("ink", 0.012, "M -0.52 0.79 Q 0 0.86 0.52 0.79"),
    ),
    "cloth",
    stands=False,
)

_POLO = Shape(
    (
        _half(
            "body",
            "M 0 -0.7 L 0.2 -0.8 L 0.46 -0.72 Q 0.62 -0.66 0.9 -0.2 L 0.64 -0.02 L 0.5 -0.22 C 0.5 0.2 0.5 0.6 0.51 0.84 Q 0.3 0.88 0 0.88",
        ),
        _half("deep", "M 0 -0.76 L 0.15 -0.82 L 0.0 -0.4"),
        _fill("trim", "M -0.045 -0.5 L 0.045 -0.5 L 0.045 -0.12 L -0.045 -0.12"),
        _fill("trim", "M -0.17 -0.86 L -0.26 -0.78 L -0.13 -0.46 L 0 -0.56"),
        _fill("trim", "M 0.17 -0.86 L 0.26 -0.78 L 0.13 -0.46 L 0 -0.56"),
        *(_round("dark", 0, y, 0.017, 0.017) for y in (-0.42, -0.3, -0.18)),
        *_pair("trim", 0.05, "M 0.88 -0.2 L 0.65 -0.04"),
        *_pair("ink", 0.014, "M 0.5 -0.22 Q 0.48 -0.44 0.4 -0.56"),
    ),
    "cloth",
    stands=False,
)

_SUN_DRESS = Shape(
    (
        *_pair("body", 0.06, "M 0.2 -0.66 L 0.17 -0.95"),
        _half(
            "body",
            "M 0 -0.6 Q 0.12 -0.6 0.22 -0.7 Q 0.3 -0.62 0.34 -0.56 C 0.28 -0.4 0.25 -0.28 0.24 -0.14 "
            "C 0.4 0.2 0.62 0.6 0.7 0.86 Q 0.4 0.98 0 0.96",
        ),
        _half("trim", "M 0 -0.2 L 0.25 -0.22 L 0.245 -0.09 L 0 -0.07"),
        *_pair("ink", 0.014, "M 0.12 0.02 Q 0.24 0.5 0.34 0.88"),
        _line("ink", 0.014, "M 0 0 L -0.02 0.9"),
        _line("ink", 0.012, "M -0.68 0.8 Q 0 1.0 0.68 0.8"),
    ),
    "cloth",
    stands=False,
)

_SHIRT_DRESS = Shape(
    (
        _half(
            "body",
            "M 0 -0.72 L 0.16 -0.86 L 0.36 -0.78 Q 0.5 -0.7 0.66 -0.1 L 0.48 -0.02 L 0.34 -0.4 "
            "C 0.3 -0.25 0.28 -0.15 0.28 -0.06 C 0.34 0.3 0.4 0.7 0.42 0.93 L 0 0.95",
        ),
        _half("deep", "M 0 -0.84 L 0.13 -0.87 L 0 -0.58"),
        _fill("light", "M -0.14 -0.92 L -0.22 -0.83 L -0.12 -0.62 L 0 -0.7"),
        _fill("light", "M 0.14 -0.92 L 0.22 -0.83 L 0.12 -0.62 L 0 -0.7"),
        _line("ink", 0.014, "M 0 -0.66 L 0 0.94"),
        *(_round("light", 0.035, y, 0.018, 0.018) for y in (-0.52, -0.36, -0.2, 0.08, 0.24, 0.4, 0.56, 0.72)),
        _half("trim", "M 0 -0.1 L 0.285 -0.1 L 0.285 0.0 L 0 0.0"),
        _round("metal", 0, -0.05, 0.06, 0.06),
        *_pair("trim", 0.045, "M 0.65 -0.12 L 0.49 -0.04"),
    ),
    "cloth",
    stands=False,
)

_TOTE = Shape(
    (
        _line("shade", 0.07, "M -0.26 -0.2 C -0.26 -0.92 0.26 -0.92 0.26 -0.2"),
        _fill("body", "M -0.6 -0.3 L 0.6 -0.3 L 0.68 0.78 Q 0.68 0.88 0.58 0.88 L -0.58 0.88 Q -0.68 0.88 -0.68 0.78"),
        _fill("trim", "M -0.6 -0.3 L 0.6 -0.3 L 0.606 -0.2 L -0.606 -0.2"),
        _line("trim", 0.07, "M -0.3 0.0 L -0.3 -0.24 C -0.3 -0.98 0.3 -0.98 0.3 -0.24 L 0.3 0.0"),
        *(_round("metal", x, 0.0, 0.035, 0.035) for x in (-0.3, 0.3)),
        _line("ink", 0.014, "M -0.66 0.76 L 0.66 0.76"),
    ),
    "cloth",
)

_HANDBAG = Shape(
    (
        _line("trim", 0.075, "M -0.42 -0.1 C -0.42 -0.9 0.42 -0.9 0.42 -0.1"),
        _fill(
            "shade",
            "M -0.72 -0.12 Q -0.72 -0.2 -0.62 -0.2 L 0.62 -0.2 Q 0.72 -0.2 0.72 -0.12 L 0.82 0.62 "
            "Q 0.82 0.76 0.68 0.76 L -0.68 0.76 Q -0.82 0.76 -0.82 0.62",
        ),
        _fill(
            "body",
            "M -0.72 -0.12 Q -0.72 -0.22 -0.62 -0.22 L 0.62 -0.22 Q 0.72 -0.22 0.72 -0.12 L 0.76 0.22 "
            "Q 0.74 0.36 0.56 0.38 L -0.56 0.38 Q -0.74 0.36 -0.76 0.22",
        ),
        _line("ink", 0.02, "M -0.76 0.22 Q -0.74 0.38 -0.56 0.4 L 0.56 0.4 Q 0.74 0.38 0.76 0.22"),
        _fill(
            "metal",
            "M -0.1 0.28 Q -0.1 0.24 -0.06 0.24 L 0.06 0.24 Q 0.1 0.24 0.1 0.28 L 0.1 0.46 Q 0.1 0.52 0.04 0.52 "
            "L -0.04 0.52 Q -0.1 0.52 -0.1 0.46",
        ),
        _round("dark", 0, 0.4, 0.03, 0.03),
        *(_round("metal", x, -0.12, 0.05, 0.05) for x in (-0.42, 0.42)),
    ),
    "hard",
)

_BRIMMED_HAT = Shape(
    (
        _round("body", 0, 0.34, 0.96, 0.27),
        _round("ink", 0, 0.3, 0.62, 0.15),
        _fill(
            "body",
            "M -0.56 0.3 C -0.56 -0.1 -0.5 -0.44 -0.34 -0.52 Q -0.16 -0.6 0 -0.48 Q 0.16 -0.6 0.34 -0.52 "
            "C 0.5 -0.44 0.56 -0.1 0.56 0.3 Q 0 0.46 -0.56 0.3",
        ),
        _fill("trim", "M -0.565 0.12 Q 0 0.28 0.565 0.12 L 0.565 0.3 Q 0 0.47 -0.565 0.3"),
        _line("ink", 0.02, "M -0.26 -0.5 Q 0 -0.34 0.26 -0.5"),
        _line("ink", 0.014, "M -0.92 0.38 Q 0 0.8 0.92 0.38"),
    ),
    "round",
)

_CAP = Shape(
    (
        _fill("trim", "M 0.1 0.16 C 0.5 0.06 0.92 0.16 0.98 0.36 Q 0.9 0.48 0.7 0.44 C 0.4 0.36 0.0 0.36 -0.3 0.4"),
        _fill(
            "body",
            "M -0.76 0.36 C -0.84 -0.2 -0.5 -0.56 -0.06 -0.56 C 0.36 -0.56 0.6 -0.24 0.6 0.2 "
            "C 0.3 0.16 0.0 0.22 -0.3 0.4 Q -0.54 0.44 -0.76 0.36",
        ),
        _round("trim", -0.06, -0.56, 0.07, 0.035),
        _line("ink", 0.018, "M -0.06 -0.55 C -0.4 -0.3 -0.42 0.1 -0.34 0.38"),
        _line("ink", 0.018, "M -0.06 -0.55 C 0.2 -0.36 0.28 -0.1 0.26 0.18"),
        *(_round("dark", x, y, 0.02, 0.02) for x, y in ((-0.5, -0.2), (0.02, -0.2), (0.42, -0.2))),
    ),
    "round",
)

_BEANIE = Shape(
    (
        _round("light", 0, -0.66, 0.22, 0.21),
        _half("body", "M 0 -0.58 C 0.36 -0.58 0.6 -0.24 0.62 0.34 L 0 0.4"),
        *(_line("ink", 0.014, f"M {x * 0.35} -0.52 Q {x} -0.3 {x * 1.15} 0.3") for x in (-0.44, -0.22, 0, 0.22, 0.44)),
        _fill(
            "trim",
            "M -0.62 0.24 Q 0 0.34 0.62 0.24 Q 0.68 0.26 0.68 0.34 L 0.66 0.6 Q 0 0.74 -0.66 0.6 L -0.68 0.34 Q -0.68 0.26 -0.62 0.24",
        ),
        *(_line("ink", 0.016, f"M {x} 0.32 L {x} 0.64") for x in (-0.5, -0.3, -0.1, 0.1, 0.3, 0.5)),
    ),
    "round",
)

_ROUND_WATCH = Shape(
    (
        _half("body", "M 0 -1 L 0.2 -1 Q 0.24 -0.7 0.27 -0.3 L 0 -0.3"),
        _half("body", "M 0 0.3 L 0.27 0.3 Q 0.24 0.7 0.2 0.92 Q 0.1 1.0 0 1.0"),
        _fill("metal", "M -0.24 -0.9 L 0.24 -0.9 L 0.24 -0.8 L -0.24 -0.8"),
        *(_round("dark", 0, y, 0.02, 0.026) for y in (0.6, 0.7, 0.8)),
        _fill("metal", "M 0.4 -0.06 L 0.52 -0.06 L 0.52 0.06 L 0.4 0.06"),
        _round("metal", 0, 0, 0.44, 0.44),
        _round("dark", 0, 0, 0.385, 0.385),
        _round("light", 0, 0, 0.365, 0.365),
        *_dial(0, 0, 0.365),
        _fill("shine", "M -0.3 0.1 Q -0.3 -0.3 0.1 -0.32 Q -0.1 -0.2 -0.2 0.16"),
    ),
    "hard",
    stands=False,
)

_SQUARE_WATCH = Shape(
    (
        _half("body", "M 0 -1 L 0.24 -1 Q 0.26 -0.7 0.3 -0.3 L 0 -0.3"),
        _half("body", "M 0 0.3 L 0.3 0.3 Q 0.26 0.7 0.24 0.92 Q 0.1 1.0 0 1.0"),
        *(_round("dark", 0, y, 0.02, 0.026) for y in (0.62, 0.72, 0.82)),
        _fill("metal", "M 0.36 -0.08 L 0.48 -0.08 L 0.48 0.06 L 0.36 0.06"),
        _half("metal", "M 0 -0.44 L 0.3 -0.44 Q 0.4 -0.44 0.4 -0.34 L 0.4 0.34 Q 0.4 0.44 0.3 0.44 L 0 0.44"),
        _half("dark", "M 0 -0.38 L 0.27 -0.38 Q 0.34 -0.38 0.34 -0.31 L 0.34 0.31 Q 0.34 0.38 0.27 0.38 L 0 0.38"),
        _line("light", 0.045, "M -0.2 -0.2 L 0.06 -0.2"),
        _line("trim", 0.045, "M -0.2 -0.08 L 0.2 -0.08"),
        _line("light", 0.03, "M -0.2 0.06 L 0.12 0.06"),
        *(_line("trim", 0.05, f"M {x} 0.28 L {x} {0.28 - h}") for x, h in ((-0.18, 0.06), (-0.08, 0.12), (0.02, 0.09), (0.12, 0.15))),
    ),
    "hard",
    stands=False,
)

_VASE = Shape(
    (
        _half(
            "body",
            "M 0 -0.62 L 0.22 -0.62 C 0.2 -0.4 0.12 -0.4 0.13 -0.28 C 0.16 -0.1 0.52 0.0 0.52 0.4 "
            "C 0.52 0.68 0.34 0.8 0.28 0.9 Q 0.14 0.95 0 0.95",
        ),
        _round("light", 0, -0.62, 0.22, 0.05),
        _round("deep", 0, -0.615, 0.18, 0.035),
        _line("trim", 0.04, "M -0.13 -0.28 Q 0 -0.24 0.13 -0.28"),
        _line("shine", 0.07, "M -0.34 0.2 C -0.4 0.36 -0.38 0.5 -0.3 0.64"),
    ),
    "round",
)


def _twig(x: float, height: float) -> tuple[Part, ...]:
    """A stem with leaves in pairs, from the mouth of a vase upwards."""
    leaf = symmetric("M 0 0 Q 0.09 -0.1 0 -0.24")
    steps = np.linspace(0.35, 1, 5)
    leaves = []
    for step, side in zip(steps, (1, -1, 1, -1, 1), strict=True):
        turn = side * 0.9 if step < 1 else x
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        leaves.append(Part("leaf", leaf @ rotation.T + (x * step**2, -0.2 - height * step)))
    return (_line("leaf", 0.022, f"M 0 -0.1 Q 0 {-0.2 - height * 0.5} {x} {-0.2 - height}"), *leaves)


_VASE_WITH_TWIGS = Shape(
    (
        *_twig(-0.3, 0.42),
        *_twig(0.34, 0.5),
        *_twig(0.04, 0.6),
        _half("body", "M 0 -0.1 L 0.2 -0.1 Q 0.22 -0.02 0.34 0.06 C 0.46 0.16 0.44 0.6 0.3 0.88 Q 0.16 0.95 0 0.95"),
        _round("light", 0, -0.1, 0.2, 0.045),
        _round("deep", 0, -0.095, 0.16, 0.03),
        *_twig(0.02, 0.3)[:1],
        _line("shine", 0.06, "M -0.3 0.2 C -0.34 0.34 -0.32 0.5 -0.26 0.66"),
    ),
    "round",
)

_UMBRELLA = Shape(
    (
        _line("metal", 0.04, "M 0 -0.95 L 0 0.7"),
        _line("wood", 0.075, "M 0 0.52 L 0 0.78 C 0 0.98 0.28 0.98 0.28 0.76"),
        _fill("deep", "M -0.92 0.08 Q 0 -0.16 0.92 0.08 L 0 0.02"),
        _half("body", "M 0 -0.8 C 0.5 -0.78 0.9 -0.4 0.96 0.1 Q 0.84 -0.04 0.66 0.03 Q 0.52 0.08 0.42 0.12 Q 0.26 -0.02 0 0.02"),
        *_pair("ink", 0.016, "M 0 -0.8 C 0.26 -0.6 0.4 -0.3 0.42 0.12"),
        *_pair("ink", 0.012, "M 0 -0.8 C 0.1 -0.6 0.12 -0.3 0.12 0.02"),
        _line("shine", 0.05, "M -0.72 -0.28 C -0.62 -0.5 -0.5 -0.6 -0.36 -0.67"),
    ),
    "round",
    stands=False,
)

SHAPES: Mapping[str, tuple[Shape, ...]] = {
    "armchair": (_ARMCHAIR,),
    "bag": (_TOTE, _HANDBAG),
    "bottle": (_FLASK, _WINE_BOTTLE),
    "chair": (_CHAIR,),
    "cup": (_MUG, _TALL_CUP),
    "dress": (_SUN_DRESS, _SHIRT_DRESS),
    "hat": (_BRIMMED_HAT, _CAP, _BEANIE),
    "lamp": (_TABLE_LAMP, _ARCHED_LAMP),
    "shoe": (_SNEAKER, _BOOT),
    "t-shirt": (_T_SHIRT, _POLO),
    "umbrella": (_UMBRELLA,),
    "vase": (_VASE, _VASE_WITH_TWIGS),
    "watch": (_ROUND_WATCH, _SQUARE_WATCH),
}
"""Each kind of thing in its shapes."""
