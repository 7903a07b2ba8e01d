"""ICC profiles for what files say of their numbers in other words: exponents, primaries, code points."""

import struct
from collections.abc import Iterable
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL.ImageFilter import Color3DLUT

Profile: TypeAlias = bytes | Color3DLUT
"""An ICC profile, or a table of sRGB colours."""

_D50 = np.array((0.9642, 1.0, 0.8249))
_D65 = (0.3127, 0.3290)
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_SRGB_POINTS = (*_D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_WIDE_POINTS = (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046)
_POINTS = {9: _WIDE_POINTS, 12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)}
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0, 17: 2.6}
_VIDEO_GAMMAS = dict.fromkeys((1, 6, 11, 14, 15), 2.4)
_PQ, _HLG, _SIDE = 16, 18, 65
_DIMMED = np.array(((0, 1, 1.16, 1.56, 2.09, 2.79, 3.73, 4.92), (0, 0.5, 0.565, 0.665, 0.761, 0.847, 0.922, 1)))
"""Light, of which white paper reflects 1, and what Chromium makes of it on a display that has no more."""

_BRADFORD = np.array(((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296)))


def of_codes(primaries: int, transfer: int, *, is_png: bool = False) -> Profile | None:
    """By the numbers of ITU-T H.273, as Chromium takes them: the curve of videos is sRGB's but in a PNG."""
    points = _POINTS.get(primaries, _SRGB_POINTS)
    if transfer in (_PQ, _HLG):
        return _of_bright_display(points, transfer)
    return _profile((_GAMMAS | _VIDEO_GAMMAS if is_png else _GAMMAS).get(transfer), points)


@lru_cache(maxsize=8)
def _of_bright_display(points: tuple[float, ...], transfer: int) -> Color3DLUT:
    """Of PQ or HLG (ITU-R BT.2100) for 1,000 candela, where white paper has 203 (ITU-R BT.2408); red turns fastest."""
    signal = np.stack(np.meshgrid(*3 * [np.linspace(0, 1, _SIDE)], indexing="ij")[::-1], axis=-1)
    to_xyz, of_wide, of_srgb = map(_light_to_xyz, (points, _WIDE_POINTS, _SRGB_POINTS))
    if transfer == _PQ:
        power = signal ** (32 / 2523)
        light = 10_000 / 203 * (np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)) ** (8192 / 1305)
    else:
        light = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12)
        light *= 1000 / 203 * (light @ to_xyz[1])[..., None] ** 0.2
    wide = light @ np.linalg.solve(of_wide, to_xyz).T
    most = wide.max(axis=-1, keepdims=True).clip(1e-9)
    seen = (wide * np.interp(most, *_DIMMED) / most @ np.linalg.solve(of_srgb, of_wide).T).clip(0, 1)
    return Color3DLUT(_SIDE, np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055).astype(np.float32).ravel())


def _light_to_xyz(points: tuple[float, ...]) -> NDArray[np.float64]:
    white, *colours = _xyz(points).T
    return np.transpose(colours) * np.linalg.solve(np.transpose(colours), white)


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
