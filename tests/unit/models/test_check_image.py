"""What the image's build checks of networks of one's own."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from layers.models import own, own_export, remote
from layers.models.check_image import faults_of_networks
from layers.models.manifest import FILE
from layers.quality import adapted_model
from layers.quality.choice import Choice, Recipe
from layers.quality.openvino_runtime import openvino, ops
from layers.quality.transforms import Transform, whitening
from tests.unit.models.small_networks import DIMENSIONS, clip_folder


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


@pytest.mark.parametrize(("share", "faults"), [(0.0, 0), (0.02, 0), (0.2, 1), (float("nan"), 1)])
def test_a_network_of_one_s_own_must_make_about_the_vector_that_it_made_where_it_was_exported(
    models: Path, share: float, faults: int
) -> None:
    manifest = models / "tiny-clip" / FILE
    written = json.loads(manifest.read_text())
    vector = [number + share * DIMENSIONS**-0.5 for number in written["canonical_vector"]]
    manifest.write_text(json.dumps({**written, "canonical_vector": vector, "canonical_numbers": [2.0]}))

    found = list(faults_of_networks(models))

    assert len(found) == faults
    assert all("tiny-clip differs by" in fault and "export it again" in fault for fault in found)


def test_an_adapted_network_is_compared_with_what_it_gave_when_it_was_written(models: Path) -> None:
    base = models / "tiny-clip"
    vectors = np.random.default_rng(1).normal(size=(24, DIMENSIONS)).astype(np.float32)
    transform = Transform(whitening(vectors, np.repeat(np.arange(4), 6)))
    adapted = adapted_model.write(base, Choice(Recipe(whitens=True), None, None), transform, vectors)
    assert list(faults_of_networks(models)) == []

    for file in ("model.xml", "model.bin"):
        shutil.copyfile(base / file, adapted / file)

    [fault] = faults_of_networks(models)
    assert f"{adapted.name} differs by" in fault


@pytest.mark.parametrize("kept", [{"canonical_vector": [2.0]}, {"canonical_numbers": [2.0]}], ids=["own", "of the table"])
def test_networks_in_int8_are_not_compared(models: Path, kept: dict[str, list[float]]) -> None:
    manifest, network = models / "tiny-clip" / FILE, models / "tiny-clip" / "model.xml"
    written = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**{key: value for key, value in written.items() if key != "canonical_vector"}, **kept}))
    assert len(list(faults_of_networks(models))) == 1

    core = openvino.Core()
    core.set_property({"ENABLE_MMAP": False})  # the file is read whole, since it is written anew
    graph = core.read_model(network)
    _quantise(graph)
    openvino.save_model(graph, network)

    assert list(faults_of_networks(models)) == []


def _quantise(graph: Any) -> None:
    """Rounds the vector to one of 255 numbers, before it is made unit length, as a quantised network does."""
    before = graph.output(0).get_node().input_value(0).get_node().input_value(0)
    consumers = before.get_target_inputs()
    rounded = ops.fake_quantize(before, np.float32(-1), np.float32(1), np.float32(-1), np.float32(1), 255)
    for consumer in consumers:
        consumer.replace_source_output(rounded.output(0))
