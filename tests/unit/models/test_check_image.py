"""What the image's build checks of networks of one's own."""

import sys
from pathlib import Path

import pytest

from layers.models import own, own_export, remote
from layers.models.check_image import faults_of_networks
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
