"""Networks of one's own as Keras files and SavedModels: compared with Keras's own answer, and refused with the reason."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import pytest
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder

from layers.models import own, own_export
from layers.models.own_description import Undescribed

if TYPE_CHECKING:
    import keras

SIZE = 40


@pytest.fixture(scope="module")
def networks() -> ModuleType:
    """Imported here: Keras takes ten seconds of a core, which only the worker that runs these tests need spend."""
    from tests.integration import keras_networks

    return keras_networks


def _saved(network: "keras.Model", path: Path) -> Path:
    if path.suffix:
        network.save(path)
    else:
        network.export(path, verbose=False)
    return path


def _exported(path: Path, **description: object) -> OpenVinoEmbedder:
    told = {"id": "mine", "input_size": [SIZE, SIZE], "mean": [127.5] * 3, "scale": [127.5] * 3}
    (path.parent / "network.json").write_text(json.dumps(told | description))
    models = path.parent / "models"
    return OpenVinoEmbedder(models / own_export.export(own.described(path), models, print))


def _compared(network: Callable[[np.ndarray], np.ndarray], embedder: OpenVinoEmbedder) -> float:
    """The least cosine of five pictures' vectors."""
    pixels = np.random.default_rng(2).integers(0, 256, (5, SIZE, SIZE, 3), dtype=np.uint8)
    expected = network((pixels.astype(np.float32) - 127.5) / 127.5)
    cosines = (embedder.embed(list(pixels)) * expected).sum(axis=1) / np.linalg.norm(expected, axis=1)
    return float(cosines.min())


@pytest.mark.parametrize("name", ["net.keras", "net.h5", "saved_model"])
def test_a_vector_is_the_one_that_keras_predicts(name: str, networks: ModuleType, tmp_path: Path) -> None:
    network = networks.network("features")

    embedder = _exported(_saved(network, tmp_path / name))

    assert embedder.model.dimensions == 16
    assert _compared(lambda given: network.predict(given, verbose=0), embedder) >= 0.9999


@pytest.mark.parametrize("name", ["net.keras", "saved_model"])
def test_a_feature_map_of_any_size_is_pooled_at_the_size_that_is_said(name: str, networks: ModuleType, tmp_path: Path) -> None:
    network = networks.network(shape=(None, None, 3))

    embedder = _exported(_saved(network, tmp_path / name), pooling="mean")

    assert _compared(lambda given: network.predict(given, verbose=0).mean(axis=(1, 2)), embedder) >= 0.9999


@pytest.mark.parametrize("name", ["net.keras", "saved_model"])
def test_the_output_that_is_named_is_taken(name: str, networks: ModuleType, tmp_path: Path) -> None:
    network = networks.network("classes", "features")

    embedder = _exported(_saved(network, tmp_path / name), output="features")

    assert _compared(lambda given: network.predict(given, verbose=0)["features"], embedder) >= 0.9999


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (
            lambda networks: networks.of_numbers(),
            r"must have one input of four dimensions, which takes the picture; it has .*numbers.*\[.*8\]",
        ),
        (lambda networks: networks.of_two_pictures(), "must have one input of four dimensions"),
        (lambda networks: networks.of_a_picture_and_numbers(), "has inputs that nothing fills: .*numbers"),
        (lambda networks: networks.of_grey_pictures(), r"takes .*40,40,1.*, which \[1,40,40,3\] does not fit"),
        (lambda networks: networks.flattened(64, 8), r"takes .*64,64,3.*, which \[1,40,40,3\] does not fit: is input_size right"),
        (lambda networks: networks.flattened(SIZE, 5000), "5,000 numbers, and Elasticsearch takes 4,096 at most"),
        (
            lambda networks: networks.network("classes", "features"),
            r"several outputs, say which is the vector \(output\): .*classes.*features",
        ),
        (lambda networks: networks.network(), "4 dimensions: say how they become a vector"),
    ],
    ids=["no picture", "two pictures", "a picture and numbers", "grey", "another size", "too long", "two outputs", "feature map"],
)
@pytest.mark.parametrize("name", ["net.keras", "saved_model"])
def test_what_cannot_be_used_is_refused_with_the_reason(
    name: str, made: Callable[[ModuleType], "keras.Model"], reason: str, networks: ModuleType, tmp_path: Path
) -> None:
    path = _saved(made(networks), tmp_path / name)

    with pytest.raises(Undescribed, match=reason):
        _exported(path)

    assert not list((tmp_path / "models").iterdir())


@pytest.mark.parametrize("name", ["net.keras", "net.h5", "net.onnx"])
def test_a_file_that_is_no_network_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"nothing of the kind")

    with pytest.raises(Undescribed, match=name):
        _exported(tmp_path / name)
