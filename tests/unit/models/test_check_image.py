"""What the image's build checks of networks of one's own."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from layers.models import canonical, computed, own, own_export, remote
from layers.models.check_image import faults_of_networks, faults_of_saliency
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


@pytest.mark.parametrize("is_own", [True, False], ids=["own", "of the table"])
def test_networks_in_int8_are_compared_with_what_avx2_alone_gave(models: Path, is_own: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    network = models / "tiny-clip"
    _rewrite(network, _quantise)
    numbers = computed.with_avx2(network)
    assert numbers is not None
    _describe(network, canonical_avx2=numbers, canonical_numbers=None, **({"canonical_vector": [2.0]} if is_own else {}))
    assert list(faults_of_networks(models)) == []

    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert list(faults_of_networks(models)) == []

    _describe(network, canonical_avx2=[numbers[0] + 0.1, *numbers[1:]])
    [fault] = faults_of_networks(models)
    assert "canonical picture's vector of tiny-clip differs by 0.1 " in fault

    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA")
    assert list(faults_of_networks(models)) == []


def test_a_network_in_int8_that_was_exported_before_there_were_such_numbers_is_not_compared(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _rewrite(models / "tiny-clip", _quantise)
    _describe(models / "tiny-clip", canonical_vector=[2.0])
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")

    assert list(faults_of_networks(models)) == []


def test_a_text_encoder_whose_weights_changed_is_a_fault(models: Path) -> None:
    _rewrite(models / "tiny-clip", _scale_a_weight, "text.xml")

    [fault] = faults_of_networks(models)

    assert "canonical text's vector of tiny-clip differs by" in fault


def test_a_tokenizer_that_gives_words_other_numbers_is_a_fault(models: Path) -> None:
    file = models / "tiny-clip" / "tokenizer.json"
    tokenizer = json.loads(file.read_text())
    words = tokenizer["model"]["vocab"]
    words["red"], words["blue"] = words["blue"], words["red"]
    file.write_text(json.dumps(tokenizer))

    [fault] = faults_of_networks(models)

    assert "canonical text's vector of tiny-clip differs by" in fault


def test_an_adapted_text_encoder_is_compared_with_what_it_gave_when_it_was_written(models: Path) -> None:
    vectors = np.random.default_rng(1).normal(size=(24, DIMENSIONS)).astype(np.float32)
    transform = Transform(whitening(vectors, np.repeat(np.arange(4), 6)))
    adapted = adapted_model.write(models / "tiny-clip", Choice(Recipe(whitens=True), None, None), transform, vectors)
    assert list(faults_of_networks(models)) == []

    for file in ("text.xml", "text.bin"):
        shutil.copyfile(models / "tiny-clip" / file, adapted / file)

    [fault] = faults_of_networks(models)
    assert f"canonical text's vector of {adapted.name} differs by" in fault


@pytest.mark.parametrize(("shift", "faults"), [(0.0, 0), (0.001, 1), (float("nan"), 1)])
def test_a_saliency_network_must_see_the_thing_as_it_did_where_it_was_exported(tmp_path: Path, shift: float, faults: int) -> None:
    edge, network = 16, tmp_path / "small"
    network.mkdir()
    pixels = ops.parameter([1, edge, edge, 3], np.uint8, name="pixels")
    brightness = ops.reduce_mean(ops.divide(ops.convert(pixels, np.float32), np.float32(255)), [3])
    openvino.save_model(openvino.Model([ops.reshape(brightness, [1, -1], False)], [pixels]), network / "model.xml")
    seen = canonical.thing((edge, edge)).mean(axis=2).reshape(8, 2, 8, 2).mean(axis=(1, 3)).ravel() / 255
    described = {"id": "small", "weights_sha256": "", "dimensions": edge**2, "input_size": [edge, edge], "interpolation": "bilinear"}
    kept = {"preprocessing": "", "precision": "f32", "canonical_numbers": [float(number) + shift for number in seen]}
    (network / FILE).write_text(json.dumps(described | kept))

    found = list(faults_of_saliency(tmp_path))

    assert len(found) == faults
    assert all("saliency of the canonical thing of small differs by" in fault for fault in found)


def _describe(network: Path, **changed: object) -> None:
    """Changes what the manifest says; a canonical vector, by which a network is one's own, is kept only where it is given or was."""
    written = json.loads((network / FILE).read_text())
    if "canonical_numbers" in changed:
        written.pop("canonical_vector", None)
    (network / FILE).write_text(json.dumps(written | changed))


def _rewrite(network: Path, change: Callable[[Any], None], file: str = "model.xml") -> None:
    core = openvino.Core()
    core.set_property({"ENABLE_MMAP": False})  # the file is read whole, since it is written anew
    graph = core.read_model(network / file)
    change(graph)
    openvino.save_model(graph, network / file, compress_to_fp16=False)


def _scale_a_weight(graph: Any) -> None:
    """Makes one column of the last matrix a tenth larger."""
    [product] = [each for each in graph.get_ordered_ops() if each.get_type_name() == "MatMul"]
    factors = np.ones((1, DIMENSIONS), np.float32)
    factors[0, 0] = 1.1
    product.input(1).replace_source_output(ops.multiply(product.input_value(1), factors).output(0))


def _quantise(graph: Any) -> None:
    """Rounds the vector to one of 255 numbers, before it is made unit length, as a quantised network does."""
    before = graph.output(0).get_node().input_value(0).get_node().input_value(0)
    consumers = before.get_target_inputs()
    rounded = ops.fake_quantize(before, np.float32(-1), np.float32(1), np.float32(-1), np.float32(1), 255)
    for consumer in consumers:
        consumer.replace_source_output(rounded.output(0))
