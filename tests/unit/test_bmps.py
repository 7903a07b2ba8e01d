"""BMPs of any masks and runs are seen as Chromium shows them (`tests/integration/test_bmps_in_chromium.py` asks it)."""

import numpy as np
import pytest
from lookalike.errors import PictureUnusable
from lookalike.pictures import bmps

from tests.made_bmps import ALPHA, COLOURS, HEIGHT, OF_MASKS, OF_RUNS, PIXELS, RUNS8, WIDTH, bmp, in_runs
from tests.unit.test_picture_files import decoded


@pytest.mark.parametrize("name", OF_MASKS)
def test_each_channel_is_what_its_mask_says(name: str) -> None:
    content, masks = OF_MASKS[name]
    channels = []
    for values, mask in zip((*np.moveaxis(PIXELS, 2, 0), ALPHA), masks, strict=False):
        most = (1 << mask.bit_count()) - 1
        channels.append((values * most + 127) // 255 * 255 / most if most else 0 * values)
    alpha = channels[3] / 255 if len(masks) > 3 else np.ones((HEIGHT, WIDTH))
    expected = 255 - alpha[..., None] * (255 - np.stack(channels[:3], axis=2))

    assert np.abs(decoded(content).pixels - expected).max() <= 2


@pytest.mark.parametrize("name", OF_RUNS)
def test_what_runs_skip_is_black(name: str) -> None:
    content, indices = OF_RUNS[name]
    colours = np.frombuffer(COLOURS, np.uint8).reshape(-1, 4)[:, 2::-1]

    assert np.array_equal(decoded(content).pixels, np.where(indices[..., None] < 0, 0, colours[indices]))


@pytest.mark.parametrize("name", ["444, header of 40", "565 backwards, header of 108", "8888 low, header of 124"])
def test_a_bmp_with_masks_may_lack_its_last_rows(name: str) -> None:
    content, _ = OF_MASKS[name]

    assert np.array_equal(decoded(content[:-100]).pixels[3:], decoded(content).pixels[3:])
    with pytest.raises(PictureUnusable, match="more than a tenth of it is missing"):
        decoded(content[: len(content) // 2])


def test_runs_may_lack_their_last_rows() -> None:
    content, _ = OF_RUNS["runs"]

    assert np.array_equal(decoded(content[:-100]).pixels[3:], decoded(content).pixels[3:])
    with pytest.raises(PictureUnusable, match="more than a tenth of it is missing"):
        decoded(content[: len(content) // 2])


def test_where_all_256_colours_are_used_what_runs_skip_has_the_first() -> None:
    rows = np.arange(WIDTH * HEIGHT).reshape(HEIGHT, WIDTH) % 256
    palette = bytes(value for number in range(256) for value in (255 - number // 2, 200, 100, 0))

    pixels = decoded(bmp(8, RUNS8, in_runs(rows[4:], WIDTH) + b"\0\1", palette=palette)).pixels

    assert (pixels[:4] == (100, 200, 255)).all()


def test_a_mask_in_two_pieces_is_refused_as_browsers_refuse_it() -> None:
    with pytest.raises(PictureUnusable, match="Unsupported BMP bitfields layout"):
        decoded(bmp(32, 3, bytes(4 * WIDTH * HEIGHT), masks=(0xF10000, 0xFF00, 0xFF)))


def test_a_bmp_of_too_many_runs_is_refused() -> None:
    with pytest.raises(PictureUnusable, match="more than 700,000 runs"):
        decoded(bmp(8, RUNS8, b"\1\1" * (bmps.MAX_RUNS + 1), palette=COLOURS))


@pytest.mark.parametrize("end", range(0, 200, 7))
def test_a_bmp_that_ends_anywhere_in_its_header_is_refused(end: int) -> None:
    for content in (OF_RUNS["runs"][0], OF_MASKS["444, header of 124"][0]):
        with pytest.raises(PictureUnusable):
            decoded(content[:end])


@pytest.mark.parametrize("kind", [b"\0\0\1\0", b"\0\0\2\0"])
def test_an_icon_is_called_so(kind: bytes) -> None:
    with pytest.raises(PictureUnusable, match=r"this is an icon \(ICO or CUR\), not a picture in a format"):
        decoded(kind + bytes(100))
