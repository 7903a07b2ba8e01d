"""ICC profiles for what files say of their numbers in other words: exponents, primaries, code points."""

import struct
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

_D50 = np.array((0.9642, 1.0, 0.8249))
_D65 = (0.3127, 0.3290)
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_SRGB_POINTS = (*_D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_POINTS = {9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046), 12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)}
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0, 17: 2.6}
_BRADFORD = np.array(((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296)))


def of_codes(primaries: int, transfer: int) -> bytes | None:
    """By the numbers of ITU-T H.273. The curves of bright displays (PQ, HLG) are taken for sRGB's."""
    return _profile(_GAMMAS.get(transfer), _POINTS.get(primaries, _SRGB_POINTS))


def of_gamma(gamma: float, points: tuple[float, ...]) -> bytes | None:
    """By PNG's ``gAMA`` and ``cHRM``; None if that is nearly sRGB. What is no triangle of colours is taken for sRGB's."""
    if len(points) != 8 or min(points) <= 0 or np.linalg.cond(_xyz(points)[:, 1:]) > 1000 or np.allclose(points, _SRGB_POINTS, atol=0.003):
        points = _SRGB_POINTS
    return None if points == _SRGB_POINTS and abs(gamma / 2.2 - 1) < 0.05 else _profile(gamma, points)


def _xyz(points: tuple[float, ...]) -> NDArray[np.float64]:
    """XYZ of white, red, green and blue, one a column."""
    return np.array([(x / y, 1, (1 - x - y) / y) for x, y in zip(points[::2], points[1::2], strict=True)]).T


def _profile(gamma: float | None, points: tuple[float, ...]) -> bytes | None:
    """https://www.color.org/specification/ICC.1-2022-05.pdf, section 7 and annex E; None for sRGB."""
    if gamma is None and points == _SRGB_POINTS:
        return None
    cones = _BRADFORD @ _xyz(points)
    colours = np.linalg.solve(_BRADFORD, cones * (_BRADFORD @ _D50 / cones[:, 0])[:, None])[:, 1:]
    colours *= np.linalg.solve(colours, _D50)
    curve = b"para\0\0\0\0\0\3\0\0" + _fixed((gamma, 1, 0, 0, 0) if gamma else _SRGB_CURVE)
    data = b"".join(b"XYZ \0\0\0\0" + _fixed(xyz) for xyz in (_D50, *colours.T)) + curve
    places = [(name, 216 + 20 * number, 20) for number, name in enumerate((b"wtpt", b"rXYZ", b"gXYZ", b"bXYZ"))]
    places += [(name, 296, 32) for name in (b"rTRC", b"gTRC", b"bTRC")]
    table = b"".join(struct.pack(">4sII", *place) for place in places)
    head = struct.pack(">I4sI12s12x4s28x12s48xI", 216 + len(data), b"", 0x04400000, b"mntrRGB XYZ ", b"acsp", _fixed(_D50), len(places))
    return head + table + data


def _fixed(numbers: Iterable[float]) -> bytes:
    return b"".join(struct.pack(">i", round(65_536 * number)) for number in numbers)
