"""Which pictures ask, what is expected of their hits, and what a report makes of them; without a server."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lookalike.search.ranking import MAX_HASH_DISTANCE
from PIL import Image

from layers.quality import report, scoring
from layers.quality.expansion import WEIGHTINGS, expanded
from layers.quality.labelled import Labelled, NothingToLearn, embedded, files_of
from layers.quality.leave_one_out import trial
from layers.quality.measures import bits_of
from layers.quality.scoring import Evaluated, flat_of
from tests.fakes import FakeEmbedder


def _labelled(labels: list[int]) -> Labelled:
    bits = np.random.default_rng(2).integers(0, 2**63, (len(labels), 4), dtype=np.uint64)
    return Labelled([f"picture {n}" for n in range(len(labels))], [str(n) for n in range(max(labels) + 1)], np.array(labels), bits)


def test_pictures_that_are_alone_in_their_class_are_no_queries() -> None:
    asked = trial(_labelled([0, 1, 0, 2, 0]))

    assert asked.queries.tolist() == [0, 2, 4]
    assert asked.possible.tolist() == [2, 2, 2]


def test_what_a_querys_product_and_its_copies_show_is_not_there_to_be_found() -> None:
    pictures = _labelled([0, 0, 0, 0, 0])
    pictures.bits[1] = pictures.bits[0] ^ np.uint64(1)

    by_product = trial(pictures, np.array([0, 1, 1, 2, 2]))

    assert by_product.possible.tolist() == [1, 1, 2, 2, 2]  # the copy in product 1 leaves its other picture out too


def test_ten_right_hits_are_expected_at_most() -> None:
    assert set(trial(_labelled([0] * 14)).possible.tolist()) == {10}


def test_a_sample_is_drawn_from_all_that_can_ask_the_same_every_time() -> None:
    pictures = _labelled([0, 1] * 50 + [2])

    asked = trial(pictures, sample=30)

    assert len(asked.queries) == 30
    assert 100 not in asked.queries
    assert asked.queries.tolist() == sorted(set(asked.queries.tolist())) == trial(pictures, sample=30).queries.tolist()
    assert asked.queries.max() > 60
    assert len(trial(pictures, sample=1000).queries) == 100


@pytest.mark.parametrize("distance", [0, MAX_HASH_DISTANCE])
def test_pictures_of_which_there_are_only_copies_cannot_be_measured(distance: int) -> None:
    bits = bits_of(["0" * 64, f"{(1 << distance) - 1:064x}"])

    with pytest.raises(NothingToLearn, match="no two pictures are of one class"):
        trial(Labelled(["a", "b"], ["0"], np.array([0, 0]), bits))


def test_scores_are_those_that_are_counted_by_hand() -> None:
    asked = trial(_labelled([0, 1, 0, 0, 1]), sample=0)
    found = np.array([[1, 2, 3], [4, -1, -1], [0, 3, 4], [1, 4, -1], [0, 2, 3]])

    scores = asked.scores(found)

    assert scores.p1.tolist() == [0, 1, 1, 0, 0]
    assert scores.ap10 == pytest.approx([(1 / 2 + 2 / 3) / 2, 1, 1, 0, 0])
    assert scores.recall10.tolist() == [1, 1, 1, 0, 0]


def test_two_models_are_compared_by_their_common_hits() -> None:
    asked = trial(_labelled([0, 0, 0, 0]))
    found = np.array([[1, 2, -1], [0, 2, -1], [0, 1, -1], [0, 1, -1]])
    other = found.copy()
    other[2] = [3, 1, -1]
    scores = asked.scores(found)

    said = scoring.compared(Evaluated("one", found, scores, {}), Evaluated("other", other, scores, {}), asked)

    assert said["models"] == ["one", "other"]
    assert said["common_hits"] == pytest.approx((3 + 1 / 2) / 4, abs=0.001)
    assert said["differ_most"][0] == "picture 2"


@pytest.mark.parametrize(
    ("type_", "flat"),
    [("bbq_hnsw", "bbq_flat"), ("int8_hnsw", "int8_flat"), ("bbq_disk", "bbq_flat"), ("hnsw", None), ("flat", None), ("int4_flat", None)],
)
def test_the_type_that_compares_every_vector_quantises_alike(type_: Any, flat: str | None) -> None:
    assert flat_of(type_) == flat


def _on_a_circle(*degrees: float) -> np.ndarray:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_a_query_moves_to_the_plain_mean_or_less_far_by_hits_that_are_less_near() -> None:
    query, hits = _on_a_circle(0), _on_a_circle(60)[None]

    moved = {name: float(np.degrees(np.arctan2(*expanded(query, hits, power)[0, ::-1]))) for name, power in WEIGHTINGS.items()}

    assert moved == pytest.approx(
        {
            "average": 30,
            "cosine": np.degrees(np.arctan2(0.5 * 3**0.5 / 2, 1.25)),
            "cosine^3": np.degrees(np.arctan2(0.125 * 3**0.5 / 2, 1.0625)),
        },
        abs=0.01,
    )


@pytest.mark.parametrize("power", WEIGHTINGS.values())
def test_hits_that_lack_or_lie_opposite_move_nothing(power: float) -> None:
    query, hits = _on_a_circle(20), np.stack([np.zeros(2, np.float32), _on_a_circle(150)[0]])[None]

    assert expanded(query, hits, power) == pytest.approx(query)


def test_of_equally_bad_queries_those_of_all_classes_come_in_turn() -> None:
    average_precision = np.array([0, 0, 0, 0.5, 0, 0.1])
    labels = np.array([0, 0, 0, 0, 1, 2])

    assert report._worst(average_precision, labels).tolist() == [0, 4, 1, 2, 5, 3]


def test_of_many_classes_the_worst_have_a_row_and_the_others_are_counted() -> None:
    by_class = {f"class {n}": {"queries": 2, "P@1": n / 100, "P@5": n / 100} for n in range(60)}

    rows = list(report._classes({"one": {"by_class": by_class}, "other": {"by_class": by_class}}))

    assert rows[0] == ["class 0", "2", "0.00 / 0.00", "0.00 / 0.00"]
    assert len(rows) == report.CLASSES + 1
    assert rows[-1] == ["20 better ones, in evaluation.json", "40", "", ""]


def test_what_is_no_picture_file_ends_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for place in ("hat", "hat/folder.jpg", ".thumbnails"):
        (tmp_path / place).mkdir()
    for place in ("hat/a.png", ".thumbnails/a.png"):
        Image.new("RGB", (30, 30), "red").save(tmp_path / place)
    (tmp_path / "hat" / "broken.jpg").symlink_to(tmp_path / "nowhere")

    pictures, _ = embedded(tmp_path, files_of(tmp_path), [FakeEmbedder()])

    assert (pictures.classes, [Path(name).name for name in pictures.names]) == (["hat"], ["a.png"])
    assert capsys.readouterr().err.count("left out") == 2
