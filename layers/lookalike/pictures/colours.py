"""Colours as people see them: pixels of any mode, in any colour profile, become sRGB on white."""

from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms
from PIL.ImageFilter import Color3DLUT

from lookalike.pictures.encodings import Profile
from lookalike.pictures.files import MAX_PROFILE_BYTES

_SRGB, _LAB = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")

_MODES = {"1": "L", "L": "L", "LA": "LA", "La": "LA", "PA": "RGBA", "RGBA": "RGBA", "RGBa": "RGBA", "CMYK": "CMYK"}
"""What pixels of each mode become before their colours are looked at; those of others become RGB."""

_MODE_OF_PROFILE = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_WHITES = {8: 1, 255: 255, 65_535: 65_535}
"""By the largest number: where white is 1, what shines may have more."""


def white_of(image: Image.Image) -> int:
    """The number that is white in pixels of more than eight bits: the least usual one that none of them passes."""
    if image.mode != "F":
        return 65_535
    values = np.asarray(image)
    most = values.max(where=np.isfinite(values), initial=0)
    return next((white for limit, white in _WHITES.items() if most <= limit), 2**32 - 1)


def plain(image: Image.Image, white: int) -> Image.Image:
    """The pixels with eight bits a channel, in mode L, LA, RGB, RGBA or CMYK; their colours are still those of the file."""
    if image.mode.startswith(("I", "F")):
        return _eight_bits(image, white)
    if image.mode == "LAB":
        return ImageCms.buildTransform(_LAB, _SRGB, "LAB", "RGB").apply(image)
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
    moved = np.asarray(transform.apply(Image.fromarray(colours)), dtype=np.int16)
    return int(np.abs(moved - colours).max()) <= 2
