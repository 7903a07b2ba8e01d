"""Bytes to checked pixels: what is accepted as a picture, and how it is made ready for a network.

Every caller is taken for a hostile one: the limits are checked on what the file says of itself, before anything large is decoded.
"""

from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from io import BytesIO
from math import ceil, sqrt
from time import thread_time
from warnings import filterwarnings

import numpy as np
from PIL import ExifTags, Image, ImageFile, ImageOps

from lookalike.domain import Crop, Model, Picture, Pixels
from lookalike.errors import PictureUnusable
from lookalike.pictures import boxes, colours, files
from lookalike.pictures.files import MAX_MISSING, MendedFile
from lookalike.pictures.formats import HEIC_ADVICE, NAMES, PICTURE_FORMATS, is_heic

for _format in PICTURE_FORMATS:
    import_module(f"PIL.{_format.decoder}")  # Pillow itself would wait for the first picture, and then import all that it has

MAX_BYTES = 25_000_000
"""Size of a picture's file."""

MAX_SIDE = 65_535
"""Width or height in pixels."""

MAX_KEPT_PIXELS = 16_000_000
"""A larger picture is averaged down to about so many as soon as it is decoded, whatever is asked for."""

STRIP_PIXELS = 4_000_000
"""Pixels that are averaged down at once."""

MAX_DECODING_S = 1.2
"""Of a CPU; asked whenever the decoder wants more of the file."""

MAX_READINGS = 10
"""How many times over a file may be read."""

MAX_FRAMES = 32
"""Frames of an animation that are looked at for one that shows something."""

MAX_ANIMATED_PIXELS = 32_000_000
"""Pixels of all these frames together."""

MIN_CONTRAST = 16
"""A frame in which no channel's values lie so far apart shows nothing."""

HASH_SIZE = 16
"""Edge of the perceptual hash's grid: 16 x 16 differences are 256 bits."""

Image.MAX_IMAGE_PIXELS = MAX_ANIMATED_PIXELS // 2  # at twice as many Pillow refuses what frames ask for beyond their picture
filterwarnings("ignore", module=r"PIL\.")  # thousands of them, if a file wants it

_REDUCING_GAP = 4.0
"""Large pictures are averaged down to about four times the grid first, in a third of the time; that moves 3 bits of 256 on average."""

_GREY = 128
_GREYS = frozenset({127, 128, 129, 0x8080})
"""How the grey is read in pixels of the file's mode: a JPEG decoder rounds, and sixteen bits are filled with two bytes."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture upright, by EXIF's Orientation."""

_SIDEWAYS = (Image.Transpose.TRANSPOSE, Image.Transpose.TRANSVERSE, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270)
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
        content: a file in one of `lookalike.pictures.formats.PICTURE_FORMATS`.
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
    except Image.DecompressionBombError as error:
        raise PictureUnusable(f"the picture has a frame of too many pixels: {error}") from error
    except Exception as error:  # Pillow's decoders raise whatever a broken file makes them stumble on
        raise PictureUnusable(f"the picture is damaged or truncated: {error}") from error


def scale(pixels: Pixels, model: Model) -> Pixels:
    """The picture at the model's input size, uint8, shape (height, width, 3), by what the manifest names and with its interpolation:

    ``stretch``, as Keras's ``load_img(target_size=…)``, ``centre_crop`` of the largest part of the model's shape, or ``pad`` with white.
    """
    if (pixels.shape[1], pixels.shape[0]) == model.input_size and model.crop_share == 1:
        return pixels
    image, interpolation = Image.fromarray(pixels), _INTERPOLATION[model.interpolation]
    if model.resize == "centre_crop":
        image = image.resize(model.input_size, interpolation, box=boxes.centre(image.size, model))
    elif model.resize == "pad":
        image = ImageOps.pad(image, model.input_size, interpolation, color="white")
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
    file = files.mended(content)
    share = min(crop.right - crop.left, crop.bottom - crop.top) if crop else 1
    wanted = (ceil(2 * at_least[0] / share), ceil(2 * at_least[1] / share))
    try:
        seen = _seen(file, wanted, is_cut=file.is_cut)
    except OSError as error:
        if "truncated" not in str(error):
            raise
        seen = _seen(file, wanted, is_cut=True)
    rgb, (width, height) = colours.srgb(seen.plain, seen.profile, seen.gamma), seen.size
    if seen.turn is not None:
        rgb = rgb.transpose(seen.turn)
        width, height = (height, width) if seen.turn in _SIDEWAYS else (width, height)
    if crop:
        rgb = rgb.crop(boxes.of_crop(crop, rgb.size))
        left, top, right, bottom = boxes.of_crop(crop, (width, height))
        width, height = right - left, bottom - top
    return Picture(pixels=np.asarray(rgb), width=width, height=height, perceptual_hash=perceptual_hash(rgb))


@dataclass(frozen=True, slots=True)
class _Seen:
    """The frame that counts, with what its file says of it; ``plain`` may be smaller than ``size``, and is not turned yet."""

    plain: Image.Image
    size: tuple[int, int]
    profile: bytes | None
    gamma: float | None
    turn: Image.Transpose | None


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


def _seen(file: MendedFile, wanted: tuple[int, int], *, is_cut: bool) -> _Seen:
    with _opened(file.content) as image:
        size = image.size
        _check_pixels(image)
        least = (_excess(image) - 1).bit_length()
        image.draft("RGB", (min(wanted[0], size[0] >> least), min(wanted[1], size[1] >> least)))
        if is_cut:
            _load_what_is_there(image)
        plain = _frame(image)
        gamma = None if "srgb" in image.info else image.info.get("gamma")
        return _Seen(plain, size, file.profile or image.info.get("icc_profile"), gamma, _turn(image))


def _opened(content: bytes) -> ImageFile.ImageFile:
    """As `Image.open` does, whose limit of pixels is one for all formats."""
    if is_heic(content):
        raise PictureUnusable(HEIC_ADVICE)
    for name in NAMES:
        factory, accepts = Image.OPEN[name]
        if accepts and accepts(content[:16]):
            return factory(_Bounded(content), "")
    raise PictureUnusable(f"these bytes are not a picture in a format that is accepted: {', '.join(NAMES)}")


def _check_pixels(image: Image.Image) -> None:
    limit = next(each.max_pixels for each in PICTURE_FORMATS if each.name == image.format)
    width, height = image.size
    tile = getattr(image, "tag_v2", {})
    of_tile = tile.get(ExifTags.Base.TileWidth, 1) * tile.get(ExifTags.Base.TileLength, 1)
    if max(width * height, of_tile) > limit or max(width, height) > MAX_SIDE:
        most = f"the limit of {image.format} is {limit:,} in all or in a tile, and {MAX_SIDE:,} a side"
        raise PictureUnusable(f"the picture has too many pixels: {width:,} x {height:,}, {most}")


def _excess(image: Image.Image) -> int:
    """How many times both sides must be divided so that `MAX_KEPT_PIXELS` are left."""
    return max(1, ceil(sqrt(image.width * image.height / MAX_KEPT_PIXELS)))


def _load_what_is_there(image: ImageFile.ImageFile) -> None:
    """Loads a picture whose end is missing; grey stands for what is not there, as in browsers.

    Raises:
        PictureUnusable: more than `MAX_MISSING` is missing.
    """
    prepare = image.load_prepare

    def prepare_grey() -> None:
        prepare()
        image.im.paste((_GREY,) * image.im.bands, (0, 0, *image.im.size))

    image.load_prepare = prepare_grey  # type: ignore[method-assign]
    with suppress(OSError):
        image.load()
    image.tile = []
    nearly_all = int((1 - MAX_MISSING) * image.height)
    for top in (nearly_all, nearly_all + 1, image.height - 1 - nearly_all):  # interlaced, every other row is missing; BMPs begin below
        row = image.crop((0, top, image.width, top + 1)).getextrema()
        bounds = [bound for of_band in (row if isinstance(row[0], tuple) else (row,)) for bound in of_band]
        if _GREYS.issuperset(bounds):
            raise PictureUnusable("the picture is truncated: more than a tenth of it is missing")


def _frame(image: Image.Image) -> Image.Image:
    """Of an animation the first frame that shows something, among as many as can be looked at in short time."""
    first, size = _small(image), image.size
    if image.format == "JPEG" or _shows_something(first):
        return first
    with suppress(Exception):  # whatever follows, the first frame is good
        for number in range(1, min(MAX_FRAMES, MAX_ANIMATED_PIXELS // (size[0] * size[1]))):
            image.seek(number)
            if image.size != size:  # a frame of a GIF may enlarge it without any bound
                break
            if _shows_something(frame := _small(image)):
                return frame
    return first


def _shows_something(plain: Image.Image) -> bool:
    return any(int(np.ptp(channel.getextrema())) >= MIN_CONTRAST for channel in plain.split())


def _small(image: Image.Image) -> Image.Image:
    """The plain pixels of a loaded picture; a very large one is averaged down strip by strip, which bounds the memory."""
    image.load()
    factor, white = _excess(image), colours.white_of(image)
    if factor == 1:
        return colours.plain(image, white)
    rows = factor * max(1, STRIP_PIXELS // (image.width * factor))
    small = Image.new(colours.plain(image.crop((0, 0, 1, 1)), white).mode, [ceil(side / factor) for side in image.size])
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        small.paste(colours.plain(strip, white).reduce(factor), (0, top // factor))
    return small


def _turn(image: Image.Image) -> Image.Transpose | None:
    try:
        return _TURNS.get(int(image.getexif()[ExifTags.Base.Orientation]))
    except Exception:  # EXIF may be anything
        return None
