"""Exporting: what is refused before TensorFlow is started, and what is not done twice."""

import json
from pathlib import Path

import pytest
import requests

from layers.models import manifest
from layers.models.export import ExportFailed, ensure
from layers.models.networks import AUTO, EFFICIENTNET_LITE2, INCEPTION_RESNET_V2, Network


@pytest.fixture(autouse=True)
def _nothing_is_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No address can be reached, and no child process is started."""

    def unreachable(*_: object, **__: object) -> None:
        raise requests.ConnectionError

    monkeypatch.setattr(requests, "get", unreachable)
    monkeypatch.setattr("subprocess.Popen", None)
    monkeypatch.setenv("LOOKALIKE_CACHE", str(tmp_path / "cache"))


def _exported(folder: Path, network: Network, random_weights: int | None = None) -> None:
    description = manifest.manifest(network, random_weights, "0" * 64)
    model = folder / description["id"]
    model.mkdir(parents=True)
    (model / manifest.FILE).write_text(json.dumps(description))


def test_weights_that_cannot_be_downloaded_stop_the_export_and_the_message_names_alternatives(tmp_path: Path) -> None:
    with pytest.raises(ExportFailed) as failed:
        ensure(INCEPTION_RESNET_V2.id, tmp_path, lambda _: None)

    assert "storage.googleapis.com" in str(failed.value)
    assert "the address cannot be reached" in str(failed.value)
    assert "use efficientnet_lite2 or --random-weights SEED" in str(failed.value)
    assert not list(tmp_path.glob("*/manifest.json"))
    assert not (tmp_path / ".unfinished").exists()


def test_a_model_that_is_up_to_date_is_not_exported_again(tmp_path: Path) -> None:
    _exported(tmp_path, INCEPTION_RESNET_V2, 3)
    said: list[str] = []

    assert ensure(INCEPTION_RESNET_V2.id, tmp_path, said.append, random_weights=3) == "inception_resnet_v2-random-3"
    assert len(said) == 1
    assert "is up to date" in said[0]


def test_auto_takes_the_alternative_and_says_why(tmp_path: Path) -> None:
    _exported(tmp_path, EFFICIENTNET_LITE2)
    said: list[str] = []

    assert ensure(AUTO, tmp_path, said.append) == EFFICIENTNET_LITE2.id
    assert "the address cannot be reached; taking efficientnet_lite2 instead of inception_resnet_v2" in said[0]


def test_auto_keeps_the_first_choice_where_it_was_exported_before(tmp_path: Path) -> None:
    _exported(tmp_path, INCEPTION_RESNET_V2)

    assert ensure(AUTO, tmp_path, lambda _: None) == INCEPTION_RESNET_V2.id


@pytest.mark.parametrize(
    ("model", "seed", "message"), [("resnet", None, "no network 'resnet'"), (AUTO, 0, "named network"), ("x", -1, "seed")]
)
def test_what_cannot_be_exported_is_refused(model: str, seed: int | None, message: str, tmp_path: Path) -> None:
    with pytest.raises(ExportFailed, match=message):
        ensure(model, tmp_path, lambda _: None, seed)
