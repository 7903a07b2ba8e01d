"""The picture formats that are accepted, one row each. Whatever names formats, media types or file suffixes takes them from here."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import PurePath

OTHER_MEDIA_TYPE = "application/octet-stream"

MAX_PIXELS = 64_000_000
"""Width times height; decoded, that is 256 MB of RGB in Pillow."""


@dataclass(frozen=True, slots=True)
class PictureFormat:
    """A file format of pictures; of an animation the first frame that shows something counts."""

    name: str
    """What Pillow and people call it."""
    decoder: str
    """The module that decodes it, of Pillow's or ours."""
    media_types: tuple[str, ...]
    """In small letters: first the registered media type, then what browsers and servers call it besides."""
    suffixes: tuple[str, ...]
    """How names of such files end, in small letters, with the dot."""
    max_pixels: int = MAX_PIXELS
    """Width times height: more would take too much memory or time."""


_HEIC_MEDIA_TYPES = ("image/heic", "image/heif", "image/heic-sequence", "image/heif-sequence")

ALL_FORMATS = (
    # decoded at an eighth of its size, so that the pixels of a camera's 200 megapixels never exist all at once
    PictureFormat("JPEG", "PIL.JpegImagePlugin", ("image/jpeg", "image/jpg", "image/pjpeg"), (".jpg", ".jpeg"), 250_000_000),
    PictureFormat("PNG", "PIL.PngImagePlugin", ("image/png", "image/x-png"), (".png",)),
    # the decoder holds two frames of four bytes a pixel, and Pillow two more copies; twelve bits of AVIF take twice as much
    PictureFormat("WEBP", "PIL.WebPImagePlugin", ("image/webp",), (".webp",), 25_000_000),
    PictureFormat("AVIF", "PIL.AvifImagePlugin", ("image/avif",), (".avif",), 16_000_000),
    PictureFormat("GIF", "PIL.GifImagePlugin", ("image/gif",), (".gif",)),
    PictureFormat("BMP", "PIL.BmpImagePlugin", ("image/bmp", "image/x-ms-bmp"), (".bmp",)),
    PictureFormat("TIFF", "PIL.TiffImagePlugin", ("image/tiff",), (".tif", ".tiff"), 25_000_000),
    PictureFormat("HEIF", "lookalike.pictures.heic", _HEIC_MEDIA_TYPES, (".heic", ".heif", ".hif"), 50_000_000),
)
"""Also HEIF, whose decoder an image has only if it was asked for."""

PICTURE_FORMATS = tuple(each for each in ALL_FORMATS if each.name != "HEIF" or find_spec("pillow_heif"))
"""Those that are accepted here."""

ALL_MEDIA_TYPES = tuple(media_type for each in ALL_FORMATS for media_type in each.media_types)
NAMES = tuple(each.name for each in PICTURE_FORMATS)
MEDIA_TYPES = tuple(media_type for each in PICTURE_FORMATS for media_type in each.media_types)
REGISTERED_MEDIA_TYPES = tuple(each.media_types[0] for each in PICTURE_FORMATS)
SUFFIXES = tuple(suffix for each in PICTURE_FORMATS for suffix in each.suffixes)

HEIC_ADVICE = (
    "HEIC is not accepted, send a JPEG: an iPhone takes JPEGs with Settings > Camera > Formats > Most Compatible, an Android phone with "
    "its camera's HEIF setting off; a picture that is taken already becomes one when it is exported or mailed as JPEG"
)
"""Without a decoder: the one that is maintained for Python, pillow-heif, has x265, which is GPL; pi-heif, without it, was given up."""

_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


def media_type_of(file_name: str) -> str:
    """The media type that a file's name stands for, ``application/octet-stream`` if it is no picture's name."""
    suffix = PurePath(file_name).suffix.lower()
    return next((each.media_types[0] for each in PICTURE_FORMATS if suffix in each.suffixes), OTHER_MEDIA_TYPE)


def is_heic(content: bytes) -> bool:
    """Whether a file says by its brands that it is a HEIC picture (ISO/IEC 23008-12), and no AVIF."""
    end = int.from_bytes(content[:4], "big") if content[4:8] == b"ftyp" else 0
    brands = {content[at : at + 4] for at in (8, *range(16, min(end, 1024), 4)) if at < end}
    return bool(brands & _HEIC_BRANDS) and not brands & {b"avif", b"avis"}
