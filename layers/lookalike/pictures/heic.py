"""HEIC becomes a PNG in a process of its own: a small file can ask its decoder for minutes, gigabytes, or worse.

``python -m lookalike.pictures.heic`` is that process. It reads the file from standard input; our environment, with its
secrets, is kept from it.
"""

import os
import resource
import subprocess
import sys
from contextlib import suppress
from io import BytesIO

from lookalike.errors import PictureUnusable

MAX_CPU_S = 5
"""Seconds of a CPU; the largest pictures that are taken need one or two."""

MAX_MEMORY_BYTES = 1_500_000_000
"""Address space of the process: Python and the libraries take 300 MB, a picture of 25 megapixels with transparency 500 MB."""

_GIVES_UP_AFTER_S = 60


def as_png(content: bytes, max_pixels: int) -> bytes:
    """The primary picture upright, with its ICC profile, eight bits a channel.

    Raises `PictureUnusable`: the file is damaged or cut off, or costs more than these limits.
    """
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", "")}
    try:
        command = [sys.executable, "-m", __name__, str(max_pixels)]
        run = subprocess.run(command, input=content, capture_output=True, env=environment, timeout=_GIVES_UP_AFTER_S, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise PictureUnusable("the picture takes too long to decode") from None
    if run.returncode == 0:
        return run.stdout
    said = run.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    if run.returncode < 0 or "MemoryError" in said:
        said = f"it takes more than {MAX_CPU_S} seconds or {MAX_MEMORY_BYTES:,} bytes of memory to decode"
    raise PictureUnusable(f"the picture is damaged, truncated or too large: {said}")


def main() -> None:
    """Converts standard input to a PNG on standard output, within the limits."""
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_S, MAX_CPU_S))
    with suppress(ValueError):  # macOS has no such limit
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    import pillow_heif  # not installed everywhere
    from PIL import Image

    pillow_heif.options.THUMBNAILS = pillow_heif.options.DEPTH_IMAGES = pillow_heif.options.AUX_IMAGES = False
    pillow_heif.register_heif_opener()
    image = Image.open(BytesIO(sys.stdin.buffer.read()), formats=["HEIF"])
    if image.width * image.height > int(sys.argv[1]):
        sys.exit(f"it has too many pixels: {image.width:,} x {image.height:,}, the limit of HEIC is {int(sys.argv[1]):,} in all")
    profile = image.info.get("icc_profile")
    plain = image.convert("RGBA") if image.mode == "RGBa" else image
    plain.save(sys.stdout.buffer, "PNG", compress_level=0, icc_profile=profile)


if __name__ == "__main__":
    main()
