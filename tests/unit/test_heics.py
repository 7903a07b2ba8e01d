"""HEIC is decoded in a process of its own: what a hostile file may cost there, and what our answer says of it."""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from lookalike.errors import PictureUnusable
from lookalike.pictures import heic

from tests.bad_heics import HOSTILE, tiled
from tests.benchmarks.bad_pictures import MAX_MEMORY_MB, Trial, another_process, tried
from tests.made_pictures import file_of
from tests.unit.test_picture_files import PHOTOGRAPH, decoded

SLOW = ("turned 200 times", "turned and mirrored")
"""These, too, end at the limit of a CPU's seconds; they are in ``make soak``."""

LIBHEIF = ("Invalid input", "Security limit", "Memory allocation", "box", "Error:")
"""Words of its messages, which are none for who sent a picture."""


def _tried_alone(name: str, content: bytes) -> tuple[Trial, bool]:
    """What became of the file, and whether a process was left behind."""
    trial = tried(name, content)
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return trial, False
    return trial, True


@pytest.fixture(scope="module")
def process() -> Iterator[ProcessPoolExecutor]:
    with another_process() as pool:
        yield pool


@pytest.mark.parametrize("name", [name for name in HOSTILE if name not in SLOW])
def test_a_hostile_heic_is_refused_within_the_limits_and_in_our_own_words(process: ProcessPoolExecutor, name: str) -> None:
    make, reason = HOSTILE[name]
    trial, has_left = process.submit(_tried_alone, f"HEIC: {name}", make()).result()

    assert trial.refusal is not None
    assert reason in trial.refusal
    assert not any(words in trial.refusal for words in LIBHEIF)
    assert trial.is_good
    assert trial.peak_mb < MAX_MEMORY_MB / 2
    assert not has_left


def test_a_heic_of_tiles_is_the_whole_picture() -> None:
    pixels = decoded(tiled()).pixels

    assert pixels.shape == (128, 128, 3)
    assert (np.abs(pixels.astype(int) - (255, 0, 0)) < 8).all()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_heic_that_is_cut_off_is_refused_with_the_reason(share: float) -> None:
    content = file_of(PHOTOGRAPH, "HEIF", quality=95)

    with pytest.raises(PictureUnusable, match="is cut off: a part of the file is missing"):
        decoded(content[: int(len(content) * share)])


def test_a_heic_that_takes_too_long_ends_alone_and_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heic, "_GIVES_UP_AFTER_S", 0.01)

    with pytest.raises(PictureUnusable, match="takes too long to decode"):
        decoded(file_of(PHOTOGRAPH, "HEIF"))


def test_the_process_that_decodes_heic_has_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    (tmp_path / "pillow_heif.py").write_text("import os, sys; sys.exit(','.join(sorted(os.environ)))")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(PictureUnusable, match="PYTHONPATH") as refused:
        heic.converted(b"", 1, (1, 1))
    assert "AWS" not in str(refused.value)


def test_a_heic_of_too_many_pixels_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(PictureUnusable, match="too many pixels: 640 x 480, the limit for such a HEIC is 9,999"):
        heic.converted(file_of(PHOTOGRAPH, "HEIF"), 9_999, (1, 1))


def test_a_heic_of_more_than_eight_bits_has_the_colours_of_its_pixels() -> None:
    values = np.asarray(PHOTOGRAPH).astype("<u2") * 257
    buffer = BytesIO()
    pillow_heif.from_bytes("RGB;16", PHOTOGRAPH.size, values.tobytes()).save(buffer, quality=95)

    assert np.abs(decoded(buffer.getvalue()).pixels.astype(int) - np.asarray(PHOTOGRAPH.reduce(3))).mean() < 3
