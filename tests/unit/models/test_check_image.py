"""What the image's build checks of networks of one's own."""

import json
import sys
from pathlib import Path

import pytest

from layers.models import own, own_export, remote
from layers.models.check_image import faults_of_networks
from layers.models.manifest import FILE
from tests.unit.models.small_networks import clip_folder


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A pair of encoders, and a model that is asked elsewhere."""
    own_export.export(own.described(clip_folder(tmp_path / "tiny-clip")), tmp_path / "models", print)
    remote.export("bedrock/amazon.titan-embed-image-v1", tmp_path / "models", print)
    return tmp_path / "models"


def test_networks_of_one_s_own_are_good(models: Path) -> None:
    assert list(faults_of_networks(models)) == []


def test_a_model_that_knows_words_in_an_image_without_what_they_need_is_a_fault(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)

    [fault] = faults_of_networks(models)

    assert "needs the Python package tokenizers: build with the parameter Text set to 1" in fault


@pytest.mark.parametrize(("difference", "faults"), [(0.0, 0), (0.01, 1), (float("nan"), 1)])
def test_a_network_of_the_table_must_make_the_vector_that_it_made_where_it_was_exported(
    models: Path, difference: float, faults: int
) -> None:
    manifest = models / "tiny-clip" / FILE
    written = json.loads(manifest.read_text())
    vector = [number + difference for number in written.pop("canonical_vector")]
    manifest.write_text(json.dumps({**written, "canonical_numbers": vector}))

    assert len(list(faults_of_networks(models))) == faults


def test_networks_of_one_s_own_and_in_int8_are_not_compared(models: Path) -> None:
    manifest = models / "tiny-clip" / FILE
    written = json.loads(manifest.read_text())
    for stored in ({"canonical_vector": [2.0], "canonical_numbers": [2.0]}, {"canonical_numbers": None}):
        manifest.write_text(json.dumps({**{key: value for key, value in written.items() if key != "canonical_vector"}, **stored}))

        assert list(faults_of_networks(models)) == []
