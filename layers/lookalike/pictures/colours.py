"""Colours as people see them: pixels of any mode, in any colour profile, become sRGB on white."""

from functools import lru_cache
from io import BytesIO
from typing import TypeAlias

import numpy as np
from PIL import ExifTags, Image, ImageCms
from PIL.ImageFilter import Color3DLUT

from lookalike.pictures.encodings import Profile
from lookalike.pictures.files import MAX_PROFILE_BYTES

_SRGB = ImageCms.createProfile("sRGB")

_MODES = {"1": "L", "L": "L", "LA": "LA", "La": "LA", "PA": "RGBA", "RGBA": "RGBA", "RGBa": "RGBA", "CMYK": "CMYK"}
"""What pixels of each mode become before their colours are looked at; those of others become RGB."""

_MODE_OF_PROFILE = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_WHITES = (1, 255, 65_535, 2**32 - 1)
_MAX_LIGHT = 8
"""Of a picture whose numbers are light, where 1 is white: what shines may have more."""

_MIN_IS_WHITE = 0
"""TIFF's PhotometricInterpretation of negatives."""

Levels: TypeAlias = tuple[int, int]
"""The numbers that are black and white."""


def levels_of(image: Image.Image) -> Levels:
    """Of pixels of more than eight bits; a white that the file does not say is the least usual number that none of them passes."""
    tags = getattr(image, "tag_v2", {})
    if image.mode in ("I", "F"):
        values = np.asarray(image)
        most = values.max(where=np.isfinite(values), initial=0)
        white = 1 if image.mode == "F" and most <= _MAX_LIGHT else next((white for white in _WHITES if most <= white), _WHITES[-1])
    else:
        white = 2 ** tags.get(ExifTags.Base.BitsPerSample, (16,))[0] - 1
    is_negative = tags.get(ExifTags.Base.PhotometricInterpretation) == _MIN_IS_WHITE
    return (white, 0) if is_negative else (0, white)


def plain(image: Image.Image, levels: Levels) -> Image.Image:
    """The pixels with eight bits a channel, in mode L, LA, RGB, RGBA or CMYK; their colours are still those of the file."""
    if image.mode.startswith(("I", "F")):
        return _eight_bits(image, levels)
    if image.mode == "LAB":
        return _lab().apply(image)
    mode = "RGBA" if "transparency" in image.info else _MODES.get(image.mode, "RGB")
    return _in_mode(image, mode)


def srgb(image: Image.Image, profile: Profile | None) -> Image.Image:
    """Plain pixels as sRGB on white; an ICC profile that is damaged or made for another mode is ignored, as browsers do."""
    has_alpha = image.mode in ("LA", "RGBA")
    colours = image.convert(image.mode[:-1]) if has_alpha and profile else image
    if isinstance(profile, Color3DLUT):
        colours, profile = _in_mode(colours, "RGB").filter(profile), None
    for mode in ("L", "RGB") if colours.mode == "L" else (colours.mode,):
        if profile and (transform := _transform(profile, mode)):
            colours = transform.apply(_in_mode(colours, mode))
            break
    if not has_alpha:
        return _in_mode(colours, "RGB")
    white = Image.new("RGB", image.size, "white")
    white.paste(colours, mask=image.getchannel("A"))
    return white


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    return image if image.mode == mode else image.convert(mode)


def _eight_bits(image: Image.Image, levels: Levels) -> Image.Image:
    values, (black, white) = np.asarray(image), levels
    light = (np.nan_to_num(values).clip(min(levels), max(levels)) - float(black)) * (255 / (white - black))
    grey = Image.fromarray((light + 0.5).astype(np.uint8))
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
    moved = np.asarray(transform.apply(Image.fromarray(colours)), dtype=np.int16)
    return int(np.abs(moved - colours).max()) <= 2


@lru_cache(maxsize=1)
def _lab() -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(ImageCms.createProfile("LAB"), _SRGB, "LAB", "RGB")
