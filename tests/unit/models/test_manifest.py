"""The manifest: what an exported network says of itself, and when it is out of date."""

import json
import platform
from pathlib import Path

import pytest
from lookalike.adapters.openvino.manifests import read_manifest
from lookalike.errors import Misconfigured

from layers.models import manifest
from layers.models.networks import EFFICIENTNET_LITE2, INCEPTION_RESNET_V2


def _write(folder: Path, random_weights: int | None = None) -> None:
    (folder / manifest.FILE).write_text(json.dumps(manifest.manifest(EFFICIENTNET_LITE2, random_weights, "ab" * 32)))


def test_the_embedder_reads_what_the_export_writes(tmp_path: Path) -> None:
    _write(tmp_path)

    model = read_manifest(tmp_path)

    assert (model.id, model.weights_sha256, model.dimensions) == ("efficientnet_lite2", "ab" * 32, 1280)
    assert (model.input_size, model.interpolation, model.precision) == ((260, 260), "bilinear", "f32")
    assert model.preprocessing == "uint8 RGB, stretched to 260x260, (x - 127) / 128"


def test_the_score_band_is_published_but_not_that_of_random_weights() -> None:
    assert manifest.manifest(EFFICIENTNET_LITE2, None, "")["score_band"]["unrelated_p50"] == pytest.approx(0.476)
    assert manifest.manifest(EFFICIENTNET_LITE2, 0, "")["score_band"] is None
    assert manifest.manifest(INCEPTION_RESNET_V2, None, "")["score_band"] is None


def test_a_manifest_is_up_to_date_until_a_source_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources, model = tmp_path / "sources", tmp_path / "model"
    sources.mkdir()
    model.mkdir()
    (sources / "networks.py").write_text("A = 1")
    (sources / "README.md").write_text("what a reader needs")
    monkeypatch.setattr(manifest, "__file__", str(sources / "manifest.py"))
    _write(model)
    assert manifest.is_up_to_date(model)

    (sources / "README.md").write_text("something else")
    assert manifest.is_up_to_date(model)
    (sources / "networks.py").write_text("A = 2")
    assert not manifest.is_up_to_date(model)


def test_a_manifest_is_out_of_date_once_a_tool_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tmp_path)
    monkeypatch.setattr(manifest, "version", lambda tool: f"next {tool}")

    assert not manifest.is_up_to_date(tmp_path)


def test_what_was_exported_on_arm_is_up_to_date_on_x86_whose_tensorflow_is_called_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a Mac exports by itself, and the image's stage, which is emulated there, has nothing left to export."""
    installed = {"keras": "3", "openvino": "2026", "nncf": "3"}
    for machine, tensorflow in (("arm64", "tensorflow"), ("x86_64", "tensorflow-cpu")):
        monkeypatch.setattr(platform, "machine", lambda of=machine: of)
        monkeypatch.setattr(manifest, "version", {**installed, tensorflow: "2.21.0"}.__getitem__)
        if machine == "arm64":
            _write(tmp_path)

        assert manifest.is_up_to_date(tmp_path)


@pytest.mark.parametrize("content", [None, "", "{", "[]", "null", "{}", '{"recipe_sha256": null}'])
def test_a_folder_without_a_whole_manifest_is_not_up_to_date(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / manifest.FILE).write_text(content)

    assert not manifest.is_up_to_date(tmp_path)


@pytest.mark.parametrize("content", [None, "", "{", "[]", "null", "{}", '{"id": "m", "input_size": 260}'])
def test_the_embedder_refuses_a_folder_without_a_whole_manifest(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / manifest.FILE).write_text(content)

    with pytest.raises(Misconfigured, match="holds no exported network"):
        read_manifest(tmp_path)
