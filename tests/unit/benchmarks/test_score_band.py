"""The band of scores is taken from all pairs but near duplicates."""

from pathlib import Path

import numpy as np
import pytest
from lookalike.search.ranking import MAX_HASH_DISTANCE

from infra.demo.searching import Judged
from tests.benchmarks.score_band import embedded, score_band
from tests.fakes import FakeEmbedder, picture

SAME, ORTHOGONAL = 1.0, 1 / (1 + np.sqrt(2))


def _judged(category: str, nibble: str = "0") -> Judged:
    return Judged(category, nibble * 64)


def test_pairs_of_one_class_and_of_different_classes_are_told_apart() -> None:
    vectors = np.eye(2, dtype=np.float32)[[0, 0, 1]]

    band = score_band(vectors, [_judged("hat"), _judged("hat", "f"), _judged("shoe", "3")], "three pictures")

    assert (band.same_class_p50, band.same_class_p95) == (SAME, SAME)
    assert band.unrelated_p50 == band.unrelated_p95 == pytest.approx(ORTHOGONAL, abs=5e-4)
    assert band.measured_on == "three pictures"


def test_near_duplicates_are_left_out() -> None:
    vectors = np.eye(2, dtype=np.float32)[[0, 0, 1, 1]]
    near = Judged("hat", f"{(1 << MAX_HASH_DISTANCE) - 1:064x}")

    band = score_band(vectors, [_judged("hat"), near, _judged("hat", "f"), _judged("shoe", "5")], "four pictures")

    assert band.same_class_p50 == pytest.approx(ORTHOGONAL, abs=5e-4)


def test_a_folder_without_two_classes_is_refused() -> None:
    vectors = np.eye(2, dtype=np.float32)
    with pytest.raises(ValueError, match="two of different classes"):
        score_band(vectors, [_judged("hat"), _judged("hat", "f")], "two pictures")


def test_every_picture_of_the_sub_folders_is_taken_with_its_folder_s_name(tmp_path: Path) -> None:
    for number, name in enumerate(["hat/a.png", "hat/b.PNG", "shoe/c.png", "top.png", "hat/notes.txt"]):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(picture(number))

    judged, vectors = embedded(tmp_path, FakeEmbedder())

    assert [each.category for each in judged] == ["hat", "hat", "shoe"]
    assert vectors.shape == (3, 64)
