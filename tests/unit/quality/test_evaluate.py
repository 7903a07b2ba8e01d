"""What an evaluation says, and its report."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder
from PIL import Image

from layers.quality import evaluate
from layers.quality.labelled import Labelled, NothingToLearn
from tests.unit.quality.test_adapted_model import base

__all__ = ["base"]


def _labelled(labels: list[int]) -> Labelled:
    bits = np.random.default_rng(2).integers(0, 2**63, (len(labels), 4), dtype=np.uint64)
    return Labelled([f"picture {n}" for n in range(len(labels))], [str(n) for n in range(max(labels) + 1)], np.array(labels), bits)


def test_two_models_are_compared_by_their_common_hits() -> None:
    pictures, drawn = _labelled([0, 0, 1, 1]), np.random.default_rng(0)
    vectors = drawn.normal(size=(4, 8)).astype(np.float32)
    one = evaluate.evaluated("one", vectors, pictures)

    same = evaluate.compared(one, evaluate.evaluated("other", vectors, pictures), pictures)

    assert same["common_hits"] == 1
    assert len(same["differ_most"]) == 4


def test_an_expanded_query_finds_what_its_first_hit_is_near_to() -> None:
    angles = np.radians([0, 30, -35, 60])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    pictures = _labelled([0, 0, 1, 0])

    found = evaluate.expanded("one", vectors, pictures, 1)

    assert evaluate.evaluated("one", vectors, pictures).found[0, :3].tolist() == [1, 2, 3]
    assert found.found[0, :3].tolist() == [1, 3, 2]
    assert found.model == "one, expanded by 1"


def test_pictures_that_are_alone_in_their_classes_cannot_be_measured() -> None:
    with pytest.raises(NothingToLearn, match="no two pictures are of one class"):
        evaluate.evaluated("one", np.eye(3, dtype=np.float32), _labelled([0, 1, 2]))


def _shop(folder: Path) -> Path:
    drawn = np.random.default_rng(1)
    for number in range(12):
        place = folder / ("hat" if number % 2 else "shoe")
        place.mkdir(parents=True, exist_ok=True)
        noise = drawn.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        noise[..., 2 * (number % 2)] //= 8  # hats are yellow, shoes are blue
        Image.fromarray(noise).save(place / f"{number}.png")
    (folder / "hat" / "broken.jpg").write_bytes(b"no picture")
    return folder


def test_a_folder_is_measured_and_the_report_written(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    folder = _shop(tmp_path / "shop")
    manifest = json.loads((base / "manifest.json").read_text())
    (base / "manifest.json").write_text(json.dumps(manifest | {"canonical_vector": []}))
    arguments = [
        "--images",
        str(folder),
        "--models",
        "base,base",
        "--expand",
        "2",
        "--output",
        str(base.parent),
        "--report",
        str(tmp_path / "report"),
    ]
    monkeypatch.setattr(sys, "argv", ["evaluate", *arguments])

    assert evaluate.main() == 0

    facts = json.loads((tmp_path / "report" / "evaluation.json").read_text())
    assert (facts["pictures"], facts["classes"]) == (12, 2)
    assert facts["models"]["base"]["by_class"]["hat"]["pictures"] == 6
    assert facts["models"]["base"]["means"]["P@1"] == 1
    assert facts["models"]["base, expanded by 2"]["means"]["P@1"] == 1
    assert facts["compared"][1]["common_hits"] == 1
    assert "# 12 pictures of 2 classes" in (tmp_path / "report" / "evaluation.md").read_text()
    assert (tmp_path / "report" / "worst-errors.jpg").exists()
    assert "broken.jpg" in capsys.readouterr().err
    assert OpenVinoEmbedder(base).model.id == "base"
