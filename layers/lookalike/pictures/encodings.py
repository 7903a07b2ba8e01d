"""Colours of files that say in other words than a profile what their numbers mean: exponents, primaries, code points."""

from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL.ImageFilter import Color3DLUT

Profile: TypeAlias = bytes | Color3DLUT
"""An ICC profile, or a table of sRGB colours."""

_D65 = (0.3127, 0.3290)
_SRGB_POINTS = (*_D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_WIDE_POINTS = (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046)
_POINTS = {9: _WIDE_POINTS, 12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)}
_SRGB, _PQ, _HLG = 0.0, -1.0, -2.0
_CURVES = {4: 2.2, 5: 2.8, 8: 1.0, 16: _PQ, 17: 2.6, 18: _HLG}  # exponents, and names of curves that have none
_BRADFORD = np.array(((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296)))
_CONES_OF_D65 = _BRADFORD @ ((0.95046,), (1.0,), (1.08906,))
_VIDEO_CURVES = dict.fromkeys((1, 6, 11, 14, 15), 2.4)
_DIMMED = np.array(((0, 1, 1.16, 1.56, 2.09, 2.79, 3.73, 4.92), (0, 0.5, 0.565, 0.665, 0.761, 0.847, 0.922, 1)))
"""Light, of which white paper reflects 1, and what Chromium makes of it on a display that has no more."""


def of_codes(primaries: int, transfer: int, *, is_png: bool = False) -> Profile | None:
    """By the numbers of ITU-T H.273, as Chromium takes them: the curve of videos is sRGB's but in a PNG; None for sRGB."""
    points, curve = _POINTS.get(primaries, _SRGB_POINTS), (_CURVES | _VIDEO_CURVES if is_png else _CURVES).get(transfer, _SRGB)
    return None if points == _SRGB_POINTS and curve == _SRGB else _table(points, curve)


def of_gamma(gamma: float, points: tuple[float, ...]) -> Profile | None:
    """By PNG's ``gAMA`` and ``cHRM``; None if that is nearly sRGB. What is no triangle of colours is taken for sRGB's."""
    is_known = len(points) == 8 and min(points) > 0 and np.linalg.cond(np.c_[np.reshape(points, (4, 2))[1:], np.ones(3)]) < 1000
    if not is_known or np.allclose(points, _SRGB_POINTS, atol=0.003):
        points = _SRGB_POINTS
    return None if points == _SRGB_POINTS and abs(gamma / 2.2 - 1) < 0.05 else _table(points, gamma)


def _light_to_xyz(points: tuple[float, ...]) -> NDArray[np.float64]:
    """XYZ of light, under D65 whatever its own white is."""
    cones = _BRADFORD @ np.array([(x / y, 1, (1 - x - y) / y) for x, y in zip(points[::2], points[1::2], strict=True)]).T
    white, colours = np.split(np.linalg.solve(_BRADFORD, cones * _CONES_OF_D65 / cones[:, :1]), [1], axis=1)
    return colours * np.linalg.solve(colours, white).T


@lru_cache(maxsize=8)
def _table(points: tuple[float, ...], curve: float) -> Color3DLUT:
    """PQ and HLG are those of ITU-R BT.2100 for 1,000 candela, where white paper has 203 (ITU-R BT.2408)."""
    signal = np.stack(np.meshgrid(*3 * [np.linspace(0, 1, 65)], indexing="ij")[::-1], axis=-1)  # red turns fastest
    to_xyz, of_wide, of_srgb = map(_light_to_xyz, (points, _WIDE_POINTS, _SRGB_POINTS))
    if curve == _PQ:
        power = signal ** (32 / 2523)
        light = 10_000 / 203 * (np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)) ** (8192 / 1305)
    elif curve == _HLG:
        light = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12)
        light *= 1000 / 203 * (light @ to_xyz[1])[..., None] ** 0.2
    else:
        light = signal**curve if curve else np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)
    if curve < 0:
        light = light @ np.linalg.solve(of_wide, to_xyz).T
        most, to_xyz = light.max(axis=-1, keepdims=True).clip(1e-9), of_wide
        light *= np.interp(most, *_DIMMED) / most
    seen = (light @ np.linalg.solve(of_srgb, to_xyz).T).clip(0, 1)
    return Color3DLUT(65, np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055).astype(np.float32).ravel())
