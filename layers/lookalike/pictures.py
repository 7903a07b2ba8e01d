"""Bytes to checked pixels: what is accepted as a picture, and how it is made ready for a network.

Every caller is taken for a hostile one: the limits are checked on what the file says of itself, before anything large is decoded.
"""

import re
from hashlib import sha256
from importlib import import_module
from io import BytesIO
from math import ceil

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from lookalike.domain import Crop, Model, Picture, Pixels
from lookalike.errors import PictureUnusable
from lookalike.picture_formats import NAMES, PICTURE_FORMATS

for _format in PICTURE_FORMATS:
    import_module(f"PIL.{_format.decoder}")  # Pillow itself would wait for the first picture, and then import all that it has

MAX_BYTES = 25_000_000
"""Size of a picture's file."""

MAX_PIXELS = 64_000_000
"""Width times height; decoded, that is 192 MB of RGB."""

MAX_SCANNED_PIXELS = 10 * MAX_PIXELS
"""Pixels of a JPEG times its scans: each scan goes over the whole picture, and a small file can hold thousands. Usual are ten at most."""

STRIP = 1024
"""Rows that are put on white at once, which bounds the memory."""

HASH_SIZE = 16
"""Edge of the perceptual hash's grid: 16 x 16 differences are 256 bits."""

Image.MAX_IMAGE_PIXELS = None  # Pillow's own check would speak before ours, and of another limit

_REDUCING_GAP = 4.0
"""Large pictures are averaged down to about four times the grid first, in a third of the time; that moves 3 bits of 256 on average."""

_BACKGROUND = (255, 255, 255)
_INTERPOLATION = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def content_sha256(content: bytes) -> str:
    """The SHA-256 of a picture's file, 64 hex digits."""
    return sha256(content).hexdigest()


def decode(content: bytes, *, at_least: tuple[int, int], crop: Crop | None = None) -> Picture:
    """Decodes a picture, turns it as its EXIF says, and puts transparent ones on white.

    Args:
        content: a file in one of `lookalike.picture_formats.PICTURE_FORMATS`.
        at_least: (width, height) that the pixels must keep; a large JPEG is decoded at a half, a quarter or an eighth of its size
            while it stays twice as large as this, which changes nothing that a network sees and takes a sixth of the time.
        crop: the part that is wanted, of the turned picture; the answer is about this part alone.

    Raises:
        PictureUnusable: naming the limit that was passed, or what is wrong with the file.
    """
    if not content:
        raise PictureUnusable("the picture is empty: zero bytes")
    if len(content) > MAX_BYTES:
        raise PictureUnusable(f"the picture is too large: more than {MAX_BYTES:,} bytes")
    try:
        return _decode(content, at_least, crop)
    except PictureUnusable:
        raise
    except UnidentifiedImageError as error:
        raise PictureUnusable(f"these bytes are not a picture in a format that is accepted: {', '.join(NAMES)}") from error
    except Exception as error:  # Pillow's decoders raise whatever a broken file makes them stumble on
        raise PictureUnusable(f"the picture is damaged or truncated: {error}") from error


def scale(pixels: Pixels, model: Model) -> Pixels:
    """The picture at the model's input size, uint8, shape (height, width, 3).

    What the manifest names is done: ``stretch`` to the model's shape, as Keras's ``load_img(target_size=…)`` does; ``centre_crop`` of the
    largest part that has this shape; or ``pad`` with white to this shape. The interpolation is the manifest's too.
    """
    if (pixels.shape[1], pixels.shape[0]) == model.input_size:
        return pixels
    image, interpolation = Image.fromarray(pixels), _INTERPOLATION[model.interpolation]
    if model.resize == "centre_crop":
        image = ImageOps.fit(image, model.input_size, interpolation, bleed=(1 - model.crop_share) / 2)
    elif model.resize == "pad":
        image = ImageOps.pad(image, model.input_size, interpolation, color=_BACKGROUND)
    else:
        image = image.resize(model.input_size, interpolation)
    return np.asarray(image)


def perceptual_hash(image: Image.Image) -> str:
    """The 256-bit difference hash, 64 hex digits: is each of 16 x 17 grey cells brighter than its left neighbour?

    Two files of the same picture differ in few bits, whatever their size and encoding. After Neal Krawetz, "Kind of Like That" (2013).
    """
    cells = image.convert("L").resize((HASH_SIZE + 1, HASH_SIZE), Image.Resampling.LANCZOS, reducing_gap=_REDUCING_GAP)
    grey = np.asarray(cells, dtype=np.int16)
    return np.packbits(np.diff(grey, axis=1) > 0).tobytes().hex()


def _decode(content: bytes, at_least: tuple[int, int], crop: Crop | None) -> Picture:
    with Image.open(BytesIO(content), formats=NAMES) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise PictureUnusable(f"the picture has too many pixels: {width:,} x {height:,}, the limit is {MAX_PIXELS:,} in all")
        _check_scans(content, image)
        share = min(crop.right - crop.left, crop.bottom - crop.top) if crop else 1
        image.draft("RGB", (ceil(2 * at_least[0] / share), ceil(2 * at_least[1] / share)))
        image.load()
        loaded = image.size
        ImageOps.exif_transpose(image, in_place=True)
        if image.size != loaded:
            width, height = height, width
        wanted: Image.Image = image
        if crop:
            wanted = image.crop(_box(crop, image.size))
            width, height = _size(_box(crop, (width, height)))
        rgb = _on_white(wanted)
        return Picture(pixels=np.asarray(rgb), width=width, height=height, perceptual_hash=perceptual_hash(rgb))


_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""A JPEG marker that is neither a stuffed byte, a restart nor a fill byte."""

_END, _SCAN = 0xD9, 0xDA


def _scans(content: bytes) -> int:
    """The scans of a JPEG's first image: embedded thumbnails and what follows the image are no part of it."""
    scans, at = 0, 2
    while (marker := _MARKER.search(content, at)) and content[marker.start() + 1] != _END:
        scans += content[marker.start() + 1] == _SCAN
        at = marker.end() + int.from_bytes(content[marker.end() : marker.end() + 2], "big")
    return scans


def _check_scans(content: bytes, image: Image.Image) -> None:
    scans = _scans(content) if image.format in ("JPEG", "MPO") else 1
    if scans * image.width * image.height > MAX_SCANNED_PIXELS:
        raise PictureUnusable(f"the picture has too many scans for its size: {scans:,} of {image.width:,} x {image.height:,} pixels")


def _box(crop: Crop, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom in pixels, of which there is one at least."""
    width, height = size
    left, top = min(round(crop.left * width), width - 1), min(round(crop.top * height), height - 1)
    return left, top, max(round(crop.right * width), left + 1), max(round(crop.bottom * height), top + 1)


def _size(box: tuple[int, int, int, int]) -> tuple[int, int]:
    left, top, right, bottom = box
    return right - left, bottom - top


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    opaque = Image.new("RGB", image.size)
    for top in range(0, image.height, STRIP):
        strip = image.crop((0, top, image.width, min(top + STRIP, image.height))).convert("RGBA")
        white = Image.new("RGBA", strip.size, (*_BACKGROUND, 255))
        opaque.paste(Image.alpha_composite(white, strip).convert("RGB"), (0, top))
    return opaque
