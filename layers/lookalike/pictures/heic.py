"""HEIC becomes a PNG in a process of its own: a small file can ask its decoder for minutes, gigabytes, or worse.

``python -m lookalike.pictures.heic`` is that process. It reads the file from standard input; our environment, with its
secrets, is kept from it.
"""

import json
import os
import re
import resource
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass

from lookalike.errors import PictureUnusable

MAX_CPU_S = 5
"""Seconds of a CPU; the largest pictures that are taken need two or three."""

MAX_MEMORY_BYTES = 1_500_000_000
"""Address space of the process: Python and the libraries take 300 MB, the largest pictures that are taken 500 MB."""

_GIVES_UP_AFTER_S = 60

_COSTS = f"it takes more than {MAX_CPU_S} seconds or {MAX_MEMORY_BYTES:,} bytes of memory to decode, or breaks its decoder"
_DAMAGED = "it is damaged, or its primary picture is not there"
_REASONS = (
    ("MemoryError|Out of memory", _COSTS),
    ("Security limit", "it declares more pixels, pictures or parts than one picture needs"),
    ("[Ee]nd of file|outside of file|only read|read full|too small", "it is cut off: a part of the file is missing"),
    ("not been built in|Unsupported", "its pixels are coded in a way that is not read: HEVC is"),
    ("", _DAMAGED),
)
"""What our answer says of an error of libheif's, whose own words are for its developers."""


@dataclass(frozen=True, slots=True)
class Converted:
    """The primary picture, upright, as a PNG of eight bits a channel with its ICC profile; it may be smaller than the picture's ``size``.

    ``codes`` are its colour primaries and transfer characteristics (ITU-T H.273), where it has no profile.
    """

    png: bytes
    size: tuple[int, int]
    codes: tuple[int, int] | None


def converted(content: bytes, max_pixels: int, at_least: tuple[int, int]) -> Converted:
    """The picture, averaged down while it stays at least so wide and high; half of ``max_pixels`` are the limit for one of more than RGB.

    Raises `PictureUnusable`: the file is damaged or cut off, or costs more than these limits.
    """
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", "")}
    command = [sys.executable, "-m", __name__, json.dumps([max_pixels, *at_least])]
    try:
        run = subprocess.run(command, input=content, capture_output=True, env=environment, timeout=_GIVES_UP_AFTER_S, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise PictureUnusable("the picture takes too long to decode") from None
    said = run.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    if run.returncode == 0:
        size, codes = json.loads(said)
        return Converted(run.stdout, tuple(size), codes and tuple(codes))
    raise PictureUnusable(f"the picture cannot be read as HEIC: {said if run.returncode > 0 else _COSTS}")


def main() -> None:
    """Converts standard input to a PNG on standard output; standard error's last line has the rest of `Converted`, or why it cannot."""
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_S, MAX_CPU_S))
    with suppress(ValueError):  # macOS has no such limit
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    try:
        said = _convert(sys.stdin.buffer.read(), *json.loads(sys.argv[1]))
    except Exception as error:
        sys.exit(next(sentence for pattern, sentence in _REASONS if re.search(pattern, repr(error))))
    print(json.dumps(said), file=sys.stderr)


def _convert(content: bytes, max_pixels: int, *at_least: int) -> tuple[tuple[int, int], tuple[int, int] | None]:
    import pillow_heif  # not installed everywhere

    pillow_heif.options.THUMBNAILS = pillow_heif.options.DEPTH_IMAGES = pillow_heif.options.AUX_IMAGES = False
    file = pillow_heif.open_heif(content)
    if not file.info["primary"]:  # it would be another picture of the file, such as a tile
        sys.exit(_DAMAGED)
    (width, height), is_plain = file.size, file.mode in ("L", "RGB") and file.info["bit_depth"] == 8
    limit = max_pixels if is_plain else max_pixels // 2
    if width * height > limit:
        sys.exit(f"it has too many pixels: {width:,} x {height:,}, the limit for such a HEIC is {limit:,} in all")
    image = file.to_pillow()
    plain = image.convert("RGBA") if image.mode == "RGBa" else image
    factor = max(1, min(image.width // at_least[0], image.height // at_least[1]))
    codes = file.info.get("nclx_profile")
    plain.reduce(factor).save(sys.stdout.buffer, "PNG", compress_level=1, icc_profile=image.info.get("icc_profile"))
    return image.size, codes and (int(codes["color_primaries"]), int(codes["transfer_characteristics"]))


if __name__ == "__main__":
    main()
