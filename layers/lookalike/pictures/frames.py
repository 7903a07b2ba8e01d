"""The frame that counts, of bounded size, and how much of it is missing from its file."""

from contextlib import suppress
from itertools import pairwise
from math import ceil, sqrt
from zlib import crc32

import numpy as np
from PIL import Image, ImageFile

from lookalike.pictures import colours

MAX_KEPT_PIXELS = 16_000_000
"""A larger picture is averaged down to about so many as soon as it is decoded, whatever is asked for."""

STRIP_PIXELS = 4_000_000
"""Pixels that are averaged down at once."""

MAX_FRAMES = 32
"""Frames of an animation that are looked at for one that shows something."""

MAX_ANIMATED_PIXELS = 32_000_000
"""Pixels of all these frames together."""

MIN_CONTRAST = 16
"""A frame in which no channel's values lie so far apart shows nothing."""

GREY = 128
"""What stands for pixels that are missing, as in browsers."""

_COMPARED_STRIPS = 100


def excess(image: Image.Image) -> int:
    """How many times both sides must be divided so that `MAX_KEPT_PIXELS` are left."""
    return max(1, ceil(sqrt(image.width * image.height / MAX_KEPT_PIXELS)))


def may_be_cut(image: ImageFile.ImageFile) -> bool:
    """Whether a picture with an end may have had more before it: its decoder leaves what it was loaded on, and says nothing."""
    if image.format not in ("JPEG", "PNG"):
        return False
    _load(image, GREY)
    grey = GREY * 257 if image.mode == "I;16" else GREY
    rows = [image.crop((0, top, image.width, top + 1)) for top in range(max(0, image.height - 2), image.height)]  # one is of the last pass
    return any(int(np.abs(np.ravel(row.getextrema()) - grey).max()) <= 1 for row in rows)


def load_on(image: ImageFile.ImageFile, level: int) -> list[int]:
    """Loads what there is of a picture on pixels of this level; the answer is the check sums of its strips, from top to bottom."""
    with suppress(OSError):
        _load(image, level)
    image.tile = []
    edges = [image.height * number // _COMPARED_STRIPS for number in range(_COMPARED_STRIPS + 1)]
    return [crc32(image.crop((0, top, image.width, bottom)).tobytes()) for top, bottom in pairwise(edges) if top < bottom]


def _load(image: ImageFile.ImageFile, level: int) -> None:
    prepare = image.load_prepare

    def prepare_level() -> None:
        prepare()
        image.im.paste((level,) * image.im.bands, (0, 0, *image.im.size))

    image.load_prepare = prepare_level  # type: ignore[method-assign]
    try:
        image.load()
    finally:
        del image.load_prepare  # it knows the picture, which would be kept until garbage is collected


def missing(image: Image.Image, strips: list[int], other: list[int]) -> float:
    """The part of a picture that is missing, told from what differs when it is loaded on other pixels, or with another end."""
    differing = [number for number, (one, two) in enumerate(zip(strips, other, strict=True)) if one != two]
    if not differing:
        return 0
    last = differing[-1] + 1 if image.format == "BMP" else len(strips)  # BMPs begin below
    return (last - differing[0] - 1) / len(strips)  # of the first strip most may be there


def first(image: Image.Image) -> Image.Image:
    """The plain pixels; of an animation the first frame that shows something, among as many as can be looked at in short time."""
    found, size = _small(image), image.size
    is_shown = not getattr(image, "default_image", False)  # a PNG may have a picture for those who know no animations
    is_single = image.format != "GIF" and not getattr(image, "is_animated", False)
    if is_single or (is_shown and _shows_something(found)):
        return found
    with suppress(Exception):  # whatever follows, the first frame is good
        for number in range(1, min(MAX_FRAMES, MAX_ANIMATED_PIXELS // (size[0] * size[1]))):
            image.seek(number)
            if image.size != size:  # a frame of a GIF may enlarge it without any bound
                break
            if _shows_something(frame := _small(image)):
                return frame
    return found


def _shows_something(plain: Image.Image) -> bool:
    return any(int(np.ptp(channel.getextrema())) >= MIN_CONTRAST for channel in colours.srgb(plain, None).split())


def _small(image: Image.Image) -> Image.Image:
    """The plain pixels of a loaded picture; a very large one is averaged down strip by strip, which bounds the memory."""
    image.load()
    factor, white = excess(image), colours.white_of(image)
    if factor == 1:
        return _on_screen(colours.plain(image, white), image, factor)
    rows = factor * max(1, STRIP_PIXELS // (image.width * factor))
    small = Image.new(colours.plain(image.crop((0, 0, 1, 1)), white).mode, [ceil(side / factor) for side in image.size])
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        small.paste(colours.plain(strip, white).reduce(factor), (0, top // factor))
    return _on_screen(small, image, factor)


def _on_screen(plain: Image.Image, image: Image.Image, factor: int) -> Image.Image:
    """The first frame of a GIF where it lies on its screen: browsers leave the rest transparent."""
    whole = (0, 0, *image.size)
    extent = getattr(image, "dispose_extent", None) or whole
    if image.format != "GIF" or image.tell() or extent == whole:
        return plain
    left, top, right, bottom = (edge // factor for edge in extent)
    screen = Image.new(plain.mode, plain.size, "white")
    screen.paste(plain.crop((left, top, right, bottom)), (left, top))
    return screen
