"""ICC profiles for what files say of their numbers in other words: exponents, primaries, code points."""

import struct
from collections.abc import Iterable
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL.ImageFilter import Color3DLUT

Profile: TypeAlias = bytes | Color3DLUT
"""An ICC profile, or the sRGB of a table of colours."""

_SIDE = 65
"""Of such a table, the largest that Pillow takes."""

_D50 = np.array((0.9642, 1.0, 0.8249))
_D65 = (0.3127, 0.3290)
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_SRGB_POINTS = (*_D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_POINTS = {9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046), 12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)}
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0, 17: 2.6}
_VIDEO, _VIDEO_GAMMA = (1, 6, 11, 14, 15), 2.4
_BT2020, _SRGB, _PQ, _HLG = 9, 1, 16, 18
_PAPER, _BRIGHTEST = 203, 1000
"""Candela of white paper (ITU-R BT.2408), and of the display that HLG is made for."""

_DISPLAYED = np.array(((0, 1, 1.16, 1.56, 2.09, 2.79, 3.73, 4.92), (0, 0.5, 0.565, 0.665, 0.761, 0.847, 0.922, 1)))
"""Light, of which paper reflects 1, and what Chromium shows of it on a display whose white is that of paper."""

_BRADFORD = np.array(((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296)))


def of_codes(primaries: int, transfer: int, *, is_png: bool = False) -> Profile | None:
    """By the numbers of ITU-T H.273; what has the curve of videos is sRGB but in a PNG."""
    if transfer in (_PQ, _HLG):
        return _dimmed(primaries, transfer)
    gamma = _VIDEO_GAMMA if is_png and transfer in _VIDEO else _GAMMAS.get(transfer)
    return _profile(gamma, _POINTS.get(primaries, _SRGB_POINTS))


@lru_cache(maxsize=8)
def _dimmed(primaries: int, transfer: int) -> Color3DLUT:
    """What Chromium shows of colours in PQ or HLG (ITU-R BT.2100)."""
    signal = np.stack(np.meshgrid(*3 * [np.linspace(0, 1, _SIDE)], indexing="ij")[::-1], axis=-1)  # red turns fastest
    to_xyz, of_2020, of_srgb = (_matrix(_POINTS.get(each, _SRGB_POINTS)) for each in (primaries, _BT2020, _SRGB))
    if transfer == _PQ:
        power = signal ** (32 / 2523)
        light = 10_000 / _PAPER * (np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)) ** (8192 / 1305)
    else:
        light = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12)
        light *= _BRIGHTEST / _PAPER * (light @ to_xyz[1])[..., None] ** 0.2
    wide = light @ np.linalg.solve(of_2020, to_xyz).T
    most = wide.max(axis=-1, keepdims=True).clip(1e-9)
    shown = (wide * np.interp(most, *_DISPLAYED) / most @ np.linalg.solve(of_srgb, of_2020).T).clip(0, 1)
    return Color3DLUT(_SIDE, np.where(shown <= 0.0031308, shown * 12.92, 1.055 * shown ** (1 / 2.4) - 0.055).astype(np.float32).ravel())


def _matrix(points: tuple[float, ...]) -> NDArray[np.float64]:
    """From light of these primaries to XYZ."""
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
