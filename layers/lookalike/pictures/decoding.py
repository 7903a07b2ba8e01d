"""Bytes to checked pixels: what is accepted as a picture, and how it is made ready for a network.

Every caller is taken for a hostile one: the limits are checked on what the file says of itself, before anything large is decoded.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from importlib import import_module
from io import BytesIO
from math import ceil
from time import thread_time
from typing import TypeAlias
from warnings import filterwarnings

import numpy as np
from PIL import ExifTags, Image, ImageFile, ImageOps

from lookalike.domain import Crop, Model, Picture, Pixels
from lookalike.errors import PictureUnusable
from lookalike.pictures import colours, encodings, files, frames, heic
from lookalike.pictures.files import MAX_MISSING, MendedFile
from lookalike.pictures.formats import HEIC_ADVICE, NAMES, PICTURE_FORMATS, is_heic
from lookalike.pictures.tiffs import TiffFile

for _format in PICTURE_FORMATS:
    import_module(_format.decoder)  # Pillow itself would wait for the first picture, and then import all that it has

MAX_BYTES = 25_000_000
"""Size of a picture's file."""

MAX_SIDE = 65_535
"""Width or height in pixels."""

MAX_DECODING_S = 1.2
"""Of a CPU; asked whenever the decoder wants more of the file."""

MAX_READINGS = 10
"""How many times over a file may be read."""

HASH_SIZE = 16
"""Edge of the perceptual hash's grid: 16 x 16 differences are 256 bits."""

Image.MAX_IMAGE_PIXELS = frames.MAX_ANIMATED_PIXELS // 2  # at twice as many Pillow refuses what frames ask for beyond their picture
filterwarnings("ignore", module=r"PIL\.")  # thousands of them, if a file wants it

_REDUCING_GAP = 4.0
"""Large pictures are averaged down to about four times the grid first, in a third of the time; that moves 3 bits of 256 on average."""

_T = Image.Transpose
_SIDEWAYS = (_T.TRANSPOSE, _T.ROTATE_270, _T.TRANSVERSE, _T.ROTATE_90)
_TURNS = dict(enumerate((_T.FLIP_LEFT_RIGHT, _T.ROTATE_180, _T.FLIP_TOP_BOTTOM, *_SIDEWAYS), 2))
"""What makes a picture upright, by EXIF's Orientation."""


def content_sha256(content: bytes) -> str:
    """The SHA-256 of a picture's file, 64 hex digits."""
    return sha256(content).hexdigest()


def decode(content: bytes, *, at_least: tuple[int, int], crop: Crop | None = None) -> Picture:
    """Decodes a picture, turns it as its EXIF says, and puts transparent ones on white.

    Args:
        content: a file in one of `lookalike.pictures.formats.PICTURE_FORMATS`.
        at_least: (width, height) that the pixels must keep; a large JPEG is decoded at a half, a quarter or an eighth of its size
            while it stays twice as large as this, which changes nothing that a network sees and takes a sixth of the time.
        crop: the part that is wanted, of the turned picture; the answer is about this part alone.

    Raises `PictureUnusable`, naming the limit that was passed, or what is wrong with the file.
    """
    if not content:
        raise PictureUnusable("the picture is empty: zero bytes")
    if len(content) > MAX_BYTES:
        raise PictureUnusable(f"the picture is too large: more than {MAX_BYTES:,} bytes")
    try:
        return _decode(content, at_least, crop)
    except PictureUnusable:
        raise
    except Image.DecompressionBombError as error:
        raise PictureUnusable(f"the picture has a frame of too many pixels: {error}") from error
    except Exception as error:  # Pillow's decoders raise whatever a broken file makes them stumble on
        raise PictureUnusable(f"the picture is damaged or truncated, or of a kind that is not read: {str(error).strip()}") from error


def scale(pixels: Pixels, model: Model) -> Pixels:
    """The picture at the model's input size, uint8, shape (height, width, 3), by what the manifest names and with its interpolation:

    ``stretch``, as Keras's ``load_img(target_size=…)``, ``centre_crop`` of the largest part of the model's shape, or ``pad`` with white.
    """
    if (pixels.shape[1], pixels.shape[0]) == model.input_size and model.crop_share == 1:
        return pixels
    image, interpolation = Image.fromarray(pixels), Image.Resampling[model.interpolation.upper()]
    if model.resize == "centre_crop":
        image = image.resize(model.input_size, interpolation, box=_centre(image.size, model))
    elif model.resize == "pad":
        image = ImageOps.pad(image, model.input_size, interpolation, color="white")
    else:
        image = image.resize(model.input_size, interpolation)
    return np.asarray(image)


def jpeg(pixels: Pixels) -> bytes:
    """The picture as a JPEG file, for a model elsewhere; the same bytes for the same pixels."""
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=95)
    return file.getvalue()


def perceptual_hash(image: Image.Image) -> str:
    """The 256-bit difference hash, 64 hex digits: is each of 16 x 17 grey cells brighter than its left neighbour?

    Two files of the same picture differ in few bits, whatever their size and encoding. After Neal Krawetz, "Kind of Like That" (2013).
    """
    cells = image.convert("L").resize((HASH_SIZE + 1, HASH_SIZE), Image.Resampling.LANCZOS, reducing_gap=_REDUCING_GAP)
    grey = np.asarray(cells, dtype=np.int16)
    return np.packbits(np.diff(grey, axis=1) > 0).tobytes().hex()


def _decode(content: bytes, at_least: tuple[int, int], crop: Crop | None) -> Picture:
    share = min(crop.right - crop.left, crop.bottom - crop.top) if crop else 1
    wanted = (ceil(2 * at_least[0] / share), ceil(2 * at_least[1] / share))
    file, size = _of_heic(content, wanted) if is_heic(content) else (files.mended(content), None)
    plain, seen_size, profile, turn = _seen(file, wanted)
    width, height = size or seen_size
    rgb = colours.srgb(plain, profile)
    if turn is not None:
        rgb = rgb.transpose(turn)
        width, height = (height, width) if turn in _SIDEWAYS else (width, height)
    if crop:
        rgb = rgb.crop(_box_of_crop(crop, rgb.size))
        left, top, right, bottom = _box_of_crop(crop, (width, height))
        width, height = right - left, bottom - top
    return Picture(pixels=np.asarray(rgb), width=width, height=height, perceptual_hash=perceptual_hash(rgb))


def _of_heic(content: bytes, wanted: tuple[int, int]) -> tuple[MendedFile, tuple[int, int]]:
    """The PNG that it becomes, and the size that it had."""
    limits = [each.max_pixels for each in PICTURE_FORMATS if each.name == "HEIF"]
    if not limits:
        raise PictureUnusable(HEIC_ADVICE)
    converted = heic.converted(content, limits[0], wanted)
    png = files.mended(converted.png)
    return replace(png, profile=png.profile or (converted.codes and encodings.of_codes(*converted.codes))), converted.size


_Seen: TypeAlias = tuple[Image.Image, tuple[int, int], encodings.Profile | None, Image.Transpose | None]
"""Plain pixels of the frame that counts, their whole size (they may be fewer), and the profile and the turn that are to be applied."""


class _Bounded(BytesIO):
    """A picture's file. Its decoder may read it some times over, as hostile ones make it do, and has so many seconds."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._left = MAX_READINGS * len(content) + MAX_BYTES
        self._stop_s = thread_time() + MAX_DECODING_S

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self._left -= len(data)
        if self._left < 0 or thread_time() > self._stop_s:
            raise PictureUnusable(f"the picture is damaged, or takes more than {MAX_DECODING_S} seconds to decode")
        return data


_PARTLY_READ = re.compile("truncated|broken data stream|unrecognized data stream|decoder error")
"""What Pillow says of pictures that it could read a part of, or even all of but for their check sum."""


def _seen(file: MendedFile, wanted: tuple[int, int]) -> _Seen:
    """The picture, if no more of it is missing than `MAX_MISSING`."""
    began_s = thread_time()
    try:
        if not file.is_cut:
            with _drafted(file.content, wanted) as (image, size):
                if not frames.may_be_cut(image):
                    return _described(file, image, size)
    except OSError as error:
        if not _PARTLY_READ.search(str(error)) or ("decoder error" in str(error) and thread_time() - began_s > MAX_DECODING_S / 4):
            raise
    content, other_content = files.with_ends(file.content)
    with _drafted(other_content, wanted) as (image, _):
        other = frames.load_on(image, 0)
    with _drafted(content, wanted) as (image, size):
        if frames.missing(image, frames.load_on(image, frames.GREY), other) > MAX_MISSING:
            raise PictureUnusable("the picture is damaged or truncated: more than a tenth of it is missing")
        return _described(file, image, size)


def _described(file: MendedFile, image: ImageFile.ImageFile, size: tuple[int, int]) -> _Seen:
    return frames.first(image), size, file.profile or image.info.get("icc_profile"), _turn(image)


@contextmanager
def _drafted(content: bytes, wanted: tuple[int, int]) -> Iterator[tuple[ImageFile.ImageFile, tuple[int, int]]]:
    """The opened picture, which a JPEG's decoder will make smaller, and its whole size."""
    with _opened(content) as image:
        size = image.size
        _check_pixels(image)
        least = (frames.excess(image) - 1).bit_length()
        image.draft("RGB", (min(wanted[0], size[0] >> least), min(wanted[1], size[1] >> least)))
        yield image, size


def _opened(content: bytes) -> ImageFile.ImageFile:
    """As `Image.open` does, whose limit of pixels is one for all formats."""
    for name in NAMES:
        factory, accepts = Image.OPEN.get(name, (ImageFile.ImageFile, None))
        if accepts and accepts(content[:16]):
            return (TiffFile if name == "TIFF" else factory)(_Bounded(content), "")
    said = "these bytes are"
    if content[:99].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        said = "this is a page or a drawing (HTML, XML or SVG),"
    elif content[:4] in (b"\0\0\1\0", b"\0\0\2\0"):
        said = "this is an icon (ICO or CUR),"
    raise PictureUnusable(f"{said} not a picture in a format that is accepted: {', '.join(NAMES)}")


def _check_pixels(image: Image.Image) -> None:
    limit = next(each.max_pixels for each in PICTURE_FORMATS if each.name == image.format)
    width, height = image.size
    tile = getattr(image, "tag_v2", {})
    of_tile = tile.get(ExifTags.Base.TileWidth, 1) * tile.get(ExifTags.Base.TileLength, 1)
    if max(width * height, of_tile) > limit or max(width, height) > MAX_SIDE:
        most = f"the limit of {image.format} is {limit:,} in all or in a tile, and {MAX_SIDE:,} a side"
        raise PictureUnusable(f"the picture has too many pixels: {width:,} x {height:,}, {most}")


def _turn(image: Image.Image) -> Image.Transpose | None:
    if image.format == "WEBP":  # whose EXIF no browser heeds
        return None
    image.info.pop("xmp", None)  # Pillow would heed its turn
    try:
        return _TURNS.get(int(image.getexif()[ExifTags.Base.Orientation]))
    except Exception:  # EXIF may be anything
        return None


def _box_of_crop(crop: Crop, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The part inside a crop box, as left, top, right and bottom in pixels: one at least."""
    width, height = size
    left, top = min(round(crop.left * width), width - 1), min(round(crop.top * height), height - 1)
    return left, top, max(round(crop.right * width), left + 1), max(round(crop.bottom * height), top + 1)


def _centre(size: tuple[int, int], model: Model) -> tuple[float, float, float, float]:
    """The part that a centre crop keeps: whole pixels of the scaled picture, rounded as torchvision and Hugging Face round them."""
    wanted = [round(edge / model.crop_share) for edge in model.input_size]
    tight = 0 if wanted[0] * size[1] >= wanted[1] * size[0] else 1
    scaled = [wanted[tight] * edge // size[tight] for edge in size]
    (left, right), (top, bottom) = (
        ((whole - kept) // 2 * edge / whole, ((whole - kept) // 2 + kept) * edge / whole)
        for whole, kept, edge in zip(scaled, model.input_size, size, strict=True)
    )
    return left, top, right, bottom
