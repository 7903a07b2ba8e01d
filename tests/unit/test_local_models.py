"""Which networks the system on this machine has."""

import json
from pathlib import Path

import pytest

from infra.local import system
from layers.models import export
from layers.models.weights import WeightsUnavailable


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder that has a model of one's own, which needs no export."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "manifest.json").write_text(json.dumps({"id": "mine", "canonical_vector": [1.0]}))
    return tmp_path


def test_the_network_that_finds_things_is_beside_the_model(models: Path) -> None:
    assert system.ensure_models("mine", models, print) == "mine"
    assert (models / "saliency" / "u2netp" / "model.xml").exists()


def test_where_its_package_is_missing_the_system_does_without_it(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def locate(*_: object) -> Path:
        raise WeightsUnavailable("the package rembg is not installed")

    said = list[str]()
    monkeypatch.setattr(export, "locate", locate)

    assert system.ensure_models("mine", models, said.append) == "mine"
    assert said[0].endswith("see layers/locks/saliency.txt; searches are of whole pictures then")
    assert not (models / "saliency" / "u2netp").exists()
