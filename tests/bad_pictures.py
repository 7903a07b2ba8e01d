"""Files made to take a decoder's time and memory, and random changes of good ones."""

import zlib
from collections.abc import Callable, Mapping
from functools import partial
from random import Random

import numpy as np
from PIL import Image

from tests.bad_heics import HOSTILE
from tests.made_pictures import chunk, cmyk_profile, file_of, photograph, rgb_profile, with_chunks, with_segment
from tests.made_tiffs import RGB, WHITE, Layout, tiff

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def _png(width: int, height: int, depth: int, colour_type: int, row: bytes, interlace: int = 0) -> bytes:
    """Each row the same; far more rows than bytes."""
    packing = zlib.compressobj(1)
    data = b"".join(packing.compress(row) for _ in range(height)) + packing.flush()
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes((depth, colour_type, 0, 0, interlace))
    palette = chunk(b"PLTE", bytes(range(256)) * 3) if colour_type == 3 else b""
    return _SIGNATURE + chunk(b"IHDR", header) + palette + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def _noise(size: int, seed: int = 0) -> bytes:
    return np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8).tobytes()


def _scans(side: int, times: int) -> bytes:
    """A progressive JPEG with its last scan many times over."""
    whole = file_of(Image.new("RGB", (side, side), "red"), "JPEG", progressive=True)
    return whole[:-2] + times * whole[whole.rindex(b"\xff\xda") : -2] + whole[-2:]


def _declared(content: bytes, at: int, side: int, order: str = "big") -> bytes:
    """A file that says it is this large: width and height are neighbours of two bytes each."""
    return content[:at] + 2 * side.to_bytes(2, order) + content[at + 4 :]  # type: ignore[arg-type]


def _jpeg_declared(side: int, **options: object) -> bytes:
    content = file_of(photograph(), "JPEG", **options)
    return _declared(content, max(content.find(b"\xff\xc0"), content.find(b"\xff\xc2")) + 5, side)


def _gif(side: int, blank: int) -> bytes:
    """That many frames that show nothing."""
    frames = [Image.new("P", (side, side), number % 2) for number in range(2)]
    content = file_of(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100)
    frame = content[content.rindex(b"\x21\xf9") : -1]
    return content[:-1] + (blank - 2) * frame + b";"


def _gif_frame(number: int, disposal: int) -> bytes:
    """A small GIF one of whose frames is 65,535 pixels wide and high."""
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("white", "black")]
    content = bytearray(file_of(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100))
    control = content.index(b"\x21\xf9") if number == 0 else content.rindex(b"\x21\xf9")
    content[control + 3] = disposal << 2
    content[control + 13 : control + 17] = b"\xff" * 4  # behind the eight bytes of control, a comma, left and top
    return bytes(content)


def _animated(kind: str, side: int, blank: int) -> bytes:
    frames = [Image.new("RGB", (side, side), (number, 255, 255)) for number in range(blank)]
    return file_of(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)


def _run_length_bmp(side: int, runs: int) -> bytes:
    content = bytearray(file_of(Image.new("P", (8, 8)), "BMP"))
    content[18:26] = side.to_bytes(4, "little") * 2
    content[30:34] = (1).to_bytes(4, "little")
    return bytes(content[: int.from_bytes(content[10:14], "little")]) + b"\1\1" * runs


def _tiff(image: Image.Image, **options: object) -> bytes:
    return file_of(image, "TIFF", **options)


def _tags_of_everything() -> bytes:
    """A TIFF with thousands of tags that each hold the whole file."""
    size, tags = 20_000_000, 5000
    head = b"II*\0\x08\0\0\0" + tags.to_bytes(2, "little")
    entries = b"".join(
        (20_000 + tag).to_bytes(2, "little") + b"\1\0" + (size - 8).to_bytes(4, "little") + b"\x08\0\0\0" for tag in range(tags)
    )
    return (head + entries).ljust(size, b"\0")


def _tiff_tiles(tile: int) -> bytes:
    """A small TIFF whose one tile is huge."""
    packed, fields = zlib.compress(bytes(tile * tile)), []
    for tag, value in (
        (256, 64),
        (257, 64),
        (258, 8),
        (259, 8),
        (262, 1),
        (277, 1),
        (322, tile),
        (323, tile),
        (324, 8),
        (325, len(packed)),
    ):
        fields.append(tag.to_bytes(2, "little") + b"\4\0\1\0\0\0" + value.to_bytes(4, "little"))
    at = 8 + len(packed)
    return b"II*\0" + at.to_bytes(4, "little") + packed + len(fields).to_bytes(2, "little") + b"".join(fields) + bytes(4)


def _tiff_scans(side: int, times: int) -> bytes:
    """A progressive JPEG of many scans inside a TIFF."""
    packed, fields = _scans(side, times), []
    for tag, value in ((256, side), (257, side), (258, 8), (259, 7), (262, 6), (273, 8), (277, 3), (278, side), (279, len(packed))):
        fields.append(tag.to_bytes(2, "little") + b"\4\0\1\0\0\0" + value.to_bytes(4, "little"))
    at = 8 + len(packed)
    return b"II*\0" + at.to_bytes(4, "little") + packed + len(fields).to_bytes(2, "little") + b"".join(fields) + bytes(4)


def _large(mode: str, side: int) -> Image.Image:
    return photograph(side // 8, side // 8).resize((side, side), Image.Resampling.NEAREST).convert(mode)


def _noisy(side: int, channels: int) -> Image.Image:
    return Image.fromarray(np.frombuffer(_noise(side * side * channels), np.uint8).reshape(side, side, channels))


BOMBS: Mapping[str, Callable[[], bytes]] = {
    "600 scans": partial(_scans, 4000, 600),
    "2,500 scans": partial(_scans, 8000, 2500),
    "progressive, 4:4:4": lambda: file_of(_large("RGB", 8000), "JPEG", progressive=True, subsampling=0, quality=80),
    "declared 65,535": partial(_jpeg_declared, 65_535),
    "declared 15,800": partial(_jpeg_declared, 15_800),
    "progressive, declared 8,100": partial(_jpeg_declared, 8100, progressive=True),
    "progressive, declared 65,535": partial(_jpeg_declared, 65_535, progressive=True),
    "15,800 pixels a side": lambda: file_of(Image.new("RGB", (15_800, 15_800)), "JPEG", quality=10),
    "JPEG of noise": lambda: file_of(_noisy(3150, 3), "JPEG", quality=95, subsampling=0),
    "progressive JPEG of noise": lambda: file_of(_noisy(3150, 3), "JPEG", quality=85, progressive=True, optimize=False),
    "JPEG in inks": lambda: file_of(_large("CMYK", 6000), "JPEG", icc_profile=cmyk_profile([(50, 0, 0)] * 16)),
    "millions of segments": lambda: with_segment(b"\xff\xd8" + b"\xff\xeb\0\2" * 6_000_000, 0xFE, b""),
    "millions of markers": lambda: file_of(photograph(), "JPEG")[:-2] + b"\xff\x01" * 12_000_000,
    "PNG of 16-bit RGBA": lambda: _png(8000, 8000, 16, 6, b"\4" + b"\1" * 64_000),
    "PNG of noise": lambda: _png(8000, 8000, 8, 6, b"\4" + _noise(32_000)),
    "PNG of averages": lambda: _png(8000, 8000, 8, 2, b"\3" + _noise(24_000)),
    "interlaced PNG": lambda: _png(8000, 8000, 8, 2, b"\4" + _noise(24_000), 1),
    "PNG of one bit": lambda: _png(30_000, 30_000, 1, 0, bytes(3751)),
    "PNG of a row": lambda: _png(64_000_000, 1, 8, 2, bytes(192_000_001)),
    "PNG of a column": lambda: _png(900, 65_000, 8, 3, bytes(901)),
    "empty chunks": lambda: with_chunks(file_of(photograph(), "PNG"), chunk(b"IDAT", b"") * 2_000_000),
    "texts": lambda: with_chunks(file_of(photograph(), "PNG"), chunk(b"tEXt", b"a\0b") * 99_000),
    "a huge profile": lambda: with_chunks(file_of(photograph(), "PNG"), chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(900_000_000), 1))),
    "a profile of many colours": lambda: file_of(_large("RGB", 4000), "PNG", icc_profile=rgb_profile("Adobe RGB", 2.2)),
    "GIF declared 8,000": lambda: _declared(file_of(Image.new("P", (8, 8)), "GIF"), 6, 8000, "little"),
    "GIF of 8,000": lambda: file_of(Image.new("P", (8000, 8000)), "GIF"),
    "GIF declared 65,535": lambda: _declared(file_of(Image.new("P", (8, 8)), "GIF"), 6, 65_535, "little"),
    "GIF of blank frames": partial(_gif, 1000, 5000),
    "GIF of large blank frames": partial(_gif, 4000, 100),
    "GIF whose first frame is huge": partial(_gif_frame, 0, 2),
    "GIF whose second frame is huge": partial(_gif_frame, 1, 0),
    "GIF whose second frame is huge and goes": partial(_gif_frame, 1, 2),
    "GIF of a comment": lambda: file_of(Image.new("P", (8, 8)), "GIF")[:-1] + b"\x21\xfe" + b"\1a" * 12_000_000 + b"\0;",
    "WebP of 5,000": lambda: file_of(_large("RGBA", 5000), "WEBP", method=0),
    "lossless WebP of noise": lambda: file_of(_noisy(2450, 4), "WEBP", lossless=True, quality=0, method=0),
    "WebP of noise": lambda: file_of(_noisy(2500, 3), "WEBP", quality=75, method=0),
    "WebP of blank frames": partial(_animated, "WEBP", 2000, 40),
    "AVIF of 4,000": lambda: file_of(_large("RGBA", 4000), "AVIF", speed=10),
    "AVIF of noise": lambda: file_of(_noisy(3000, 3), "AVIF", speed=10, quality=95, subsampling="4:4:4"),
    "AVIF of blank frames": partial(_animated, "AVIF", 1000, 40),
    "HEIC of 7,000": lambda: file_of(_large("RGBA", 7000), "HEIF", quality=10),
    "HEIC of noise": lambda: file_of(_noisy(3500, 3), "HEIF", quality=50),
    "HEIC of blank frames": partial(_animated, "HEIF", 1000, 40),
    **{f"HEIC: {name}": make for name, (make, _) in HOSTILE.items()},
    "APNG of blank frames": partial(_animated, "PNG", 2000, 40),
    "BMP of runs": partial(_run_length_bmp, 8000, 12_000_000),
    "BMP declared 8,000": partial(_run_length_bmp, 8000, 10),
    "TIFF by LZW": lambda: _tiff(_large("RGBA", 3200), compression="tiff_lzw"),
    "TIFF by deflate": lambda: _tiff(_large("CMYK", 5000), compression="tiff_adobe_deflate"),
    "TIFF of zeros by LZMA": lambda: _tiff(Image.new("RGBA", (5000, 5000)), compression="lzma"),
    "TIFF of zeros by zstd": lambda: _tiff(Image.new("RGBA", (5000, 5000)), compression="zstd"),
    "TIFF of a fax": lambda: _tiff(Image.new("1", (5000, 5000)), compression="group4"),
    "TIFF of floats": lambda: _tiff(Image.new("F", (4999, 4999), 0.5), compression="tiff_adobe_deflate"),
    "TIFF of a tile": partial(_tiff_tiles, 16_000),
    "TIFF of many scans": partial(_tiff_scans, 4000, 90),
    "TIFF of tags": _tags_of_everything,
}
"""Each is built when it is asked for, since some take a second and many megabytes."""


def seeds() -> dict[str, bytes]:
    """A small good file of each kind that can be changed."""
    image = photograph(96, 72)
    frames = {"save_all": True, "append_images": [photograph(96, 72, seed=1)], "duration": 100}
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = rgb_profile("Display P3")
    return {
        "JPEG": file_of(image, "JPEG", exif=exif, icc_profile=profile),
        "progressive JPEG": file_of(image, "JPEG", progressive=True),
        "grey JPEG": file_of(image.convert("L"), "JPEG", restart_marker_blocks=2),
        "CMYK JPEG": file_of(image.convert("CMYK"), "JPEG", icc_profile=cmyk_profile([(50, 0, 0)] * 16)),
        "PNG": file_of(image, "PNG", exif=exif, icc_profile=profile),
        "palette PNG": file_of(image.quantize(64), "PNG", transparency=3),
        "16-bit PNG": file_of(image.convert("L").convert("I;16"), "PNG"),
        "RGBA PNG": file_of(image.convert("RGBA"), "PNG"),
        "APNG": file_of(image, "PNG", **frames),
        "GIF": file_of(image.quantize(64), "GIF"),
        "animated GIF": file_of(Image.new("RGB", image.size), "GIF", **frames),
        "WebP": file_of(image, "WEBP", exif=exif, icc_profile=profile),
        "lossless WebP": file_of(image.convert("RGBA"), "WEBP", lossless=True),
        "animated WebP": file_of(Image.new("RGB", image.size), "WEBP", **frames),
        **{kind: file_of(image, kind, exif=exif, icc_profile=profile) for kind in ("AVIF", "HEIF")},
        **{f"animated {kind}": file_of(Image.new("RGB", image.size), kind, **frames) for kind in ("AVIF", "HEIF")},
        "BMP": file_of(image, "BMP"),
        "palette BMP": file_of(image.quantize(16), "BMP"),
        "TIFF": file_of(image, "TIFF", icc_profile=profile),
        "LZW TIFF": file_of(image, "TIFF", compression="tiff_lzw"),
        "JPEG TIFF": file_of(image, "TIFF", compression="jpeg"),
        "CMYK TIFF": file_of(image.convert("CMYK"), "TIFF", compression="tiff_adobe_deflate"),
        "TIFF in planes": tiff(np.asarray(image).astype(int) * 257, RGB, Layout(is_packed=True, is_planar=True, bits=16)),
        "negative TIFF": tiff(np.asarray(image.convert("L")).astype(int) * 257, WHITE, Layout(">", bits=16)),
        "PNG of a bright display": with_chunks(file_of(image, "PNG"), chunk(b"cICP", b"\x09\x10\0\1")),
    }


def mutated(content: bytes, random: Random) -> bytes:
    """The file with a few bytes changed, a part cut, doubled, moved or set to ones: what networks, disks and attackers do."""
    changed = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 4, 16))):
        if len(changed) < 100:
            break
        at, length = random.randrange(len(changed)), random.choice((1, 1, 2, 4, 64))
        _mutate(changed, at, length, random)
    return bytes(changed)


def _mutate(changed: bytearray, at: int, length: int, random: Random) -> None:
    """Changes the bytes from ``at`` on in one of six ways."""
    part = slice(at, at + length)
    match random.randrange(6):
        case 0:
            changed[part] = random.randbytes(length)
        case 1:
            changed[part] = random.choice((b"\xff", b"\0", b"\x7f")) * length
        case 2:
            del changed[part]
        case 3:
            changed[at:at] = changed[part]
        case 4:
            head = random.randrange(min(len(changed), 400))  # most of what matters is said there
            changed[head] = random.randrange(256)
        case 5:
            del changed[max(at, 40) :]
