"""The command from end to end on drawn pictures: it writes what helps, and nothing where nothing does."""

import json
import sys
from pathlib import Path

import pytest
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder

from layers.quality import adapt, variants
from layers.quality.variants import VARIANTS
from tests.unit.quality.drawn_shop import write
from tests.unit.quality.test_adapted_model import base

__all__ = ["base"]

CLASSES, PICTURES = 6, 20


@pytest.fixture(autouse=True)
def _without_saliency(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its network takes most of the time, and `test_adapted_model` tries it."""
    monkeypatch.setattr(variants, "available", lambda: VARIANTS[:2])


def _adapt(base: Path, shop: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    nowhere = str(base.parent / "no-models")
    monkeypatch.setattr(sys, "argv", ["adapt", base.name, "--images", str(shop), "--own", str(base.parent), "--output", nowhere])
    return adapt.main()


def test_what_the_classes_of_a_folder_teach_is_written_beside_the_network(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = write(tmp_path / "shop", CLASSES, PICTURES)

    assert _adapt(base, shop, monkeypatch) == 0

    [made] = tmp_path.glob("base-adapted-*")
    said = json.loads((made / "manifest.json").read_text())["adapted"]
    assert "ridge head" in said["recipe"]
    assert (said["from"], said["learned_from"]) == ("base", CLASSES * PICTURES)
    assert said["held_out"]["known classes"]["interval"][0] > 0
    assert OpenVinoEmbedder(made).model.id == made.name
    assert "120 pictures of 6 classes" in capsys.readouterr().out

    monkeypatch.setattr(sys, "argv", ["adapt", made.name, "--images", str(shop), "--output", str(tmp_path)])
    assert adapt.main() == 2
    assert f"{made.name} is adapted already" in capsys.readouterr().err


def test_classes_drawn_by_lot_teach_nothing_and_nothing_is_written(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = write(tmp_path / "shop", CLASSES, PICTURES, shuffled=True)
    before = sorted(tmp_path.iterdir())

    assert _adapt(base, shop, monkeypatch) == 2

    assert sorted(tmp_path.iterdir()) == before
    assert "no model was made" in capsys.readouterr().err
