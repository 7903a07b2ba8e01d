"""Precision, recall and their intervals, on rankings that can be counted by hand."""

import numpy as np
import pytest
from lookalike.search.ranking import MAX_HASH_DISTANCE

from layers.quality.measures import bits_of, interval, nearest, score_band, scores


def _on_a_circle(*degrees: float) -> np.ndarray:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_the_nearest_others_come_first_and_lacking_ones_are_marked() -> None:
    found = nearest(_on_a_circle(0, 10, 50), depth=3)

    assert found.tolist() == [[1, 2, -1], [0, 2, -1], [1, 0, -1]]


def test_near_duplicates_are_left_out() -> None:
    copy = f"{(1 << MAX_HASH_DISTANCE) - 1:064x}"

    found = nearest(_on_a_circle(0, 1, 50), bits_of(["0" * 64, copy, "f" * 64]), depth=1)

    assert found.tolist() == [[2], [2], [1]]


def test_scores_are_those_that_are_counted_by_hand() -> None:
    labels = np.array([0, 0, 0, 1, 2])
    found = np.array([[3, 1, 2, 4], [0, 2, 3, 4], [3, 4, 0, 1], [0, 1, 2, 4], [0, 1, 2, 3]])

    result = scores(found, labels)

    assert result.p1.tolist() == [0, 1, 0]  # the classes 1 and 2 have no other picture: they ask nothing
    assert result.p5 == pytest.approx([2 / 5, 2 / 5, 2 / 5])
    assert result.ap10 == pytest.approx([(1 / 2 + 2 / 3) / 2, 1, (1 / 3 + 2 / 4) / 2])
    assert result.recall10.tolist() == [1, 1, 1]


def test_the_interval_holds_the_mean_and_is_wider_with_more_confidence() -> None:
    values = np.random.default_rng(1).normal(0.3, 1, 200)

    low, high = interval(values)
    wider_low, wider_high = interval(values, 0.99)

    assert wider_low < low < values.mean() < high < wider_high


def test_the_score_band_is_of_pairs_that_are_no_copies() -> None:
    vectors = np.eye(2, dtype=np.float32)[[0, 0, 0, 1]]
    bits = bits_of(["0" * 64, "f" * 64, "f" * 63 + "e", "3" * 64])

    band = score_band(vectors, np.array([0, 0, 1, 1]), bits)

    assert band == {"unrelated_p50": 0.414, "unrelated_p95": 0.941, "same_class_p50": 0.707, "same_class_p95": 0.971}
    assert score_band(vectors, np.array([0, 0, 0, 0]), bits) is None
