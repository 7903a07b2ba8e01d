"""The picture formats that are accepted, one row each. Whatever names formats, media types or file suffixes takes them from here."""

from dataclasses import dataclass
from pathlib import PurePath

OTHER_MEDIA_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class PictureFormat:
    """A file format of pictures; of an animation the first frame counts."""

    name: str
    """What Pillow and people call it."""
    decoder: str
    """Pillow's module that decodes it, a name in ``PIL``."""
    media_type: str
    """Its registered media type, in small letters."""
    suffixes: tuple[str, ...]
    """How names of such files end, in small letters, with the dot."""


PICTURE_FORMATS = (
    PictureFormat("JPEG", "JpegImagePlugin", "image/jpeg", (".jpg", ".jpeg")),
    PictureFormat("PNG", "PngImagePlugin", "image/png", (".png",)),
    PictureFormat("WEBP", "WebPImagePlugin", "image/webp", (".webp",)),
    PictureFormat("GIF", "GifImagePlugin", "image/gif", (".gif",)),
    PictureFormat("BMP", "BmpImagePlugin", "image/bmp", (".bmp",)),
)

NAMES = tuple(each.name for each in PICTURE_FORMATS)

MEDIA_TYPES = tuple(each.media_type for each in PICTURE_FORMATS)

SUFFIXES = tuple(suffix for each in PICTURE_FORMATS for suffix in each.suffixes)


def media_type_of(file_name: str) -> str:
    """The media type that a file's name stands for, ``application/octet-stream`` if it is no picture's name."""
    suffix = PurePath(file_name).suffix.lower()
    return next((each.media_type for each in PICTURE_FORMATS if suffix in each.suffixes), OTHER_MEDIA_TYPE)
