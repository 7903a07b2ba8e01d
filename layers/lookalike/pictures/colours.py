"""Colours as people see them: pixels of any mode, in any colour profile, become sRGB on white."""

from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

from lookalike.pictures.files import MAX_PROFILE_BYTES

_SRGB = ImageCms.createProfile("sRGB")
_SRGB_GAMMA = 1 / 2.2

_MODES = {"1": "L", "L": "L", "LA": "LA", "La": "LA", "PA": "RGBA", "RGBA": "RGBA", "RGBa": "RGBA", "CMYK": "CMYK"}
"""What pixels of each mode become before their colours are looked at; those of others become RGB."""

_MODE_OF_PROFILE = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_WHITES = (1, 255, 65_535, 2**32 - 1)
_MAX_LIGHT = 8
"""Of a picture whose numbers are light, where 1 is white: what shines may have more."""


def white_of(image: Image.Image) -> int:
    """The number that is white in pixels of more than eight bits: the least usual one that none of them passes."""
    if image.mode not in ("I", "F"):
        return 65_535
    values = np.asarray(image)
    most = values.max(where=np.isfinite(values), initial=0)
    if image.mode == "F" and most <= _MAX_LIGHT:
        return 1
    return next((white for white in _WHITES if most <= white), _WHITES[-1])


def plain(image: Image.Image, white: int) -> Image.Image:
    """The pixels with eight bits a channel, on white, in mode L, RGB or CMYK; their colours are still those of the file."""
    if image.mode.startswith(("I", "F")):
        return _on_white(_eight_bits(image, white))
    if image.mode == "LAB":
        return _applied(_lab(), image)
    mode = "RGBA" if "transparency" in image.info else _MODES.get(image.mode, "RGB")
    return _on_white(image if image.mode == mode else image.convert(mode))


def srgb(image: Image.Image, profile: bytes | None, gamma: float | None) -> Image.Image:
    """Plain pixels as sRGB.

    Args:
        image: of a mode that `plain` gives.
        profile: an ICC profile; one that is damaged or made for another mode is ignored, as browsers do.
        gamma: of a file without a profile, the exponent between light and its numbers (PNG's ``gAMA``); 0.4545 is nearly sRGB.
    """
    for mode in (image.mode, "RGB") if image.mode == "L" else (image.mode,):
        if profile and (transform := _transform(profile, mode)):
            return _applied(transform, image if image.mode == mode else image.convert(mode))
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    if profile or not gamma or abs(gamma / _SRGB_GAMMA - 1) < 0.05:
        return rgb
    return rgb.point([round(255 * (value / 255) ** (_SRGB_GAMMA / gamma)) for value in range(256)] * 3)


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode not in ("LA", "RGBA"):
        return image
    white = Image.new(image.mode[:-1], image.size, "white")
    white.paste(image.convert("L") if image.mode == "LA" else image, mask=image.getchannel("A"))
    return white


def _eight_bits(image: Image.Image, white: int) -> Image.Image:
    values = np.asarray(image)
    grey = Image.fromarray((np.nan_to_num(values).clip(0, white) * (255 / white) + 0.5).astype(np.uint8))
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        grey.putalpha(Image.fromarray((values != transparent).astype(np.uint8) * 255))
    return grey


@lru_cache(maxsize=8)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From a profile to sRGB; None if the profile cannot be used on this mode, or makes no difference."""
    if len(profile) > MAX_PROFILE_BYTES:
        return None
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if _MODE_OF_PROFILE.get(source.profile.xcolor_space.strip()) != mode:
            return None
        transform = ImageCms.buildTransform(source, _SRGB, mode, "RGB")
    except (ImageCms.PyCMSError, OSError):
        return None
    return None if mode == "RGB" and _is_srgb(transform) else transform


def _is_srgb(transform: ImageCms.ImageCmsTransform) -> bool:
    levels = np.linspace(0, 255, 6, dtype=np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    moved = np.asarray(_applied(transform, Image.fromarray(colours)), dtype=np.int16)
    return int(np.abs(moved - colours).max()) <= 2


@lru_cache(maxsize=1)
def _lab() -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(ImageCms.createProfile("LAB"), _SRGB, "LAB", "RGB")


def _applied(transform: ImageCms.ImageCmsTransform, image: Image.Image) -> Image.Image:
    return transform.apply(image)
