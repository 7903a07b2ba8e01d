"""Pictures: what is accepted, what is refused, and that the way to the pixels is always the same."""

from io import BytesIO

import numpy as np
import pytest
from lookalike.domain import Crop
from lookalike.errors import PictureUnusable
from lookalike.pictures import decoding
from PIL import Image

SIZE = (64, 64)


def _file(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_each_accepted_format_is_decoded(kind: str) -> None:
    picture = decoding.decode(_file(Image.new("RGB", (90, 60), (200, 30, 30)), kind), at_least=SIZE)

    assert (picture.width, picture.height, picture.pixels.shape) == (90, 60, (60, 90, 3))
    assert np.abs(picture.pixels.astype(int) - [200, 30, 30]).max() <= 6


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "1", "I;16", "LA"])
def test_each_kind_of_pixel_becomes_rgb(mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    assert decoding.decode(_file(Image.new(mode, (20, 10)), kind), at_least=SIZE).pixels.shape == (10, 20, 3)


def test_a_picture_is_turned_as_its_exif_says() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = decoding.decode(_file(Image.new("RGB", (90, 60)), "JPEG", exif=exif), at_least=SIZE)

    assert (picture.width, picture.height, picture.pixels.shape) == (60, 90, (90, 60, 3))


def test_what_is_transparent_becomes_white() -> None:
    picture = decoding.decode(_file(Image.new("RGBA", (10, 10), (0, 0, 0, 0)), "PNG"), at_least=SIZE)

    assert (picture.pixels == 255).all()


def _quarters() -> Image.Image:
    """Red and green above, blue and white below."""
    image = Image.new("RGB", (80, 40), (255, 255, 255))
    for colour, place in (((255, 0, 0), (0, 0)), ((0, 255, 0), (40, 0)), ((0, 0, 255), (0, 20))):
        image.paste(colour, (*place, place[0] + 40, place[1] + 20))
    return image


@pytest.mark.parametrize(
    ("crop", "colour"),
    [
        (Crop(0, 0, 0.5, 0.5), (255, 0, 0)),
        (Crop(0.5, 0, 1, 0.5), (0, 255, 0)),
        (Crop(0, 0.5, 0.5, 1), (0, 0, 255)),
        (Crop(0.5, 0.5, 1, 1), (255, 255, 255)),
    ],
)
def test_only_the_part_in_the_crop_box_is_seen(crop: Crop, colour: tuple[int, int, int]) -> None:
    picture = decoding.decode(_file(_quarters(), "PNG"), at_least=SIZE, crop=crop)

    assert (picture.width, picture.height, picture.pixels.shape) == (40, 20, (20, 40, 3))
    assert (picture.pixels == colour).all()


def test_a_crop_box_is_drawn_on_the_picture_as_its_exif_turns_it() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # seen, it is turned by 90 degrees clockwise: blue is at the left above, red at the right above
    picture = decoding.decode(_file(_quarters(), "PNG", exif=exif), at_least=SIZE, crop=Crop(0, 0, 0.5, 0.5))

    assert (picture.width, picture.height) == (20, 40)
    assert (picture.pixels == (0, 0, 255)).all()


def test_a_part_of_a_picture_is_the_same_picture_as_a_file_of_that_part() -> None:
    whole = Image.effect_noise((200, 200), 60).convert("RGB")
    part = decoding.decode(_file(whole.crop((50, 50, 150, 150)), "PNG"), at_least=SIZE)
    cropped = decoding.decode(_file(whole, "PNG"), at_least=SIZE, crop=Crop(0.25, 0.25, 0.75, 0.75))

    assert np.array_equal(part.pixels, cropped.pixels)
    assert part.perceptual_hash == cropped.perceptual_hash


def test_a_part_of_a_large_jpeg_is_decoded_as_finely_as_a_network_needs_it() -> None:
    picture = decoding.decode(_file(Image.new("RGB", (2000, 1000)), "JPEG"), at_least=SIZE, crop=Crop(0.5, 0.5, 0.75, 0.75))

    assert (picture.width, picture.height) == (500, 250)
    assert min(picture.pixels.shape[:2]) >= 2 * SIZE[0]


@pytest.mark.parametrize("crop", [Crop(0, 0, 1e-9, 1e-9), Crop(1 - 1e-9, 1 - 1e-9, 1, 1), Crop(0.5, 0, 0.500001, 1)])
def test_a_crop_box_of_less_than_a_pixel_has_one(crop: Crop) -> None:
    assert min(decoding.decode(_file(_quarters(), "JPEG"), at_least=SIZE, crop=crop).pixels.shape[:2]) >= 1


def test_a_large_jpeg_is_decoded_smaller_and_keeps_its_size_on_record() -> None:
    picture = decoding.decode(_file(Image.new("RGB", (2000, 1000)), "JPEG"), at_least=SIZE)

    assert (picture.width, picture.height) == (2000, 1000)
    assert picture.pixels.shape == (250, 500, 3)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "zero bytes"),
        (b"<svg/>", "not a picture"),
        (_file(Image.effect_noise((300, 300), 90), "JPEG")[:4000], "truncated"),
        (b"\xff" * (decoding.MAX_BYTES + 1), "too large"),
        (_file(Image.new("1", (30_000, 30_000)), "PNG"), "30,000 x 30,000"),
    ],
    ids=["empty", "svg", "truncated", "large", "bomb"],
)
def test_a_file_that_is_no_usable_picture_is_refused_with_the_reason(content: bytes, reason: str) -> None:
    with pytest.raises(PictureUnusable, match=reason):
        decoding.decode(content, at_least=SIZE)


def test_the_perceptual_hash_is_256_bits_and_survives_scaling_and_encoding() -> None:
    blotches = np.random.default_rng(0).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    image = Image.fromarray(blotches).resize((400, 300), Image.Resampling.BICUBIC)
    hashes = [
        int(decoding.decode(content, at_least=SIZE).perceptual_hash, 16)
        for content in (_file(image, "PNG"), _file(image.resize((200, 150)), "JPEG", quality=70))
    ]

    assert (hashes[0] ^ hashes[1]).bit_count() <= 15


def test_a_jpeg_with_thousands_of_scans_is_refused_before_it_is_decoded() -> None:
    buffer = BytesIO()
    Image.new("RGB", (4000, 4000), "red").save(buffer, "JPEG", progressive=True)
    whole = buffer.getvalue()
    last_scan = whole[whole.rindex(b"\xff\xda") : -2]

    assert decoding.decode(whole, at_least=SIZE).width == 4000
    with pytest.raises(PictureUnusable, match="too many scans"):
        decoding.decode(whole[:-2] + 600 * last_scan + whole[-2:], at_least=SIZE)


def test_a_large_transparent_picture_is_averaged_down_on_white_without_a_seam() -> None:
    size = (5000, 5200)
    noise = np.random.default_rng(0).integers(0, 256, (52, 50, 4), dtype=np.uint8)
    image = Image.fromarray(noise).resize(size, Image.Resampling.NEAREST)
    picture = decoding.decode(_file(image, "PNG", compress_level=1), at_least=SIZE)

    expected = np.asarray(Image.alpha_composite(Image.new("RGBA", size, "white"), image).convert("RGB").reduce(2), dtype=int)
    assert (picture.width, picture.height, picture.pixels.shape) == (*size, expected.shape)
    assert np.abs(picture.pixels - expected).max() <= 1


def test_bytes_behind_a_jpeg_are_no_scans_of_it() -> None:
    buffer = BytesIO()
    Image.new("RGB", (4000, 3000), "red").save(buffer, "JPEG")
    trailer = np.random.default_rng(0).integers(0, 256, 4_500_000, dtype=np.uint8).tobytes()

    assert decoding.decode(buffer.getvalue() + trailer, at_least=SIZE).width == 4000
