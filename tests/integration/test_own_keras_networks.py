"""Networks of one's own as Keras files and SavedModels: compared with Keras's own answer, and refused with the reason."""

import json
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder

from layers.models import own, own_export
from layers.models.own import Undescribed

SIZE = 40


def _network(*outputs: str, shape: tuple[int | None, int | None, int] = (SIZE, SIZE, 3)) -> keras.Model:
    """Convolutions with batch norm, and a vector for each name; without a name the last feature map."""
    keras.utils.set_random_seed(7)
    pixels = keras.Input(shape, name="pixels")
    x = layers.Conv2D(8, 3, strides=2, activation="relu")(pixels)
    x = layers.BatchNormalization()(x)
    grid = layers.SeparableConv2D(12, 3, padding="same", activation="swish")(x)
    vectors = {name: layers.Dense(16, name=name)(layers.GlobalAveragePooling2D()(grid)) for name in outputs}
    return keras.Model(pixels, vectors if len(vectors) > 1 else vectors.popitem()[1] if vectors else grid)


def _saved(network: keras.Model, path: Path) -> Path:
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
def test_a_vector_is_the_one_that_keras_predicts(name: str, tmp_path: Path) -> None:
    network = _network("features")

    embedder = _exported(_saved(network, tmp_path / name))

    assert embedder.model.dimensions == 16
    assert _compared(lambda given: network.predict(given, verbose=0), embedder) >= 0.9999


@pytest.mark.parametrize("name", ["net.keras", "saved_model"])
def test_a_feature_map_of_any_size_is_pooled_at_the_size_that_is_said(name: str, tmp_path: Path) -> None:
    network = _network(shape=(None, None, 3))

    embedder = _exported(_saved(network, tmp_path / name), pooling="mean")

    assert _compared(lambda given: network.predict(given, verbose=0).mean(axis=(1, 2)), embedder) >= 0.9999


@pytest.mark.parametrize("name", ["net.keras", "saved_model"])
def test_the_output_that_is_named_is_taken(name: str, tmp_path: Path) -> None:
    network = _network("classes", "features")

    embedder = _exported(_saved(network, tmp_path / name), output="features")

    assert _compared(lambda given: network.predict(given, verbose=0)["features"], embedder) >= 0.9999


def _of_numbers() -> keras.Model:
    numbers = keras.Input((8,), name="numbers")
    return keras.Model(numbers, layers.Dense(4)(numbers))


def _of_two_pictures() -> keras.Model:
    one, other = keras.Input((SIZE, SIZE, 3), name="one"), keras.Input((SIZE, SIZE, 3), name="other")
    return keras.Model([one, other], layers.GlobalAveragePooling2D()(layers.Add()([one, other])))


def _of_a_picture_and_numbers() -> keras.Model:
    picture, numbers = keras.Input((SIZE, SIZE, 3), name="picture"), keras.Input((3,), name="numbers")
    return keras.Model([picture, numbers], layers.Add()([layers.GlobalAveragePooling2D()(picture), numbers]))


def _of_grey_pictures() -> keras.Model:
    pixels = keras.Input((SIZE, SIZE, 1))
    return keras.Model(pixels, layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(pixels)))


def _flattened(edge: int, units: int) -> keras.Model:
    pixels = keras.Input((edge, edge, 3))
    return keras.Model(pixels, layers.Dense(units)(layers.Flatten()(layers.AveragePooling2D(4)(pixels))))


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (_of_numbers, r"must have one input of four dimensions, which takes the picture; it has .*numbers.*\[.*8\]"),
        (_of_two_pictures, "must have one input of four dimensions"),
        (_of_a_picture_and_numbers, "has inputs that nothing fills: .*numbers"),
        (_of_grey_pictures, r"takes .*40,40,1.*, which \[1,40,40,3\] does not fit"),
        (lambda: _flattened(64, 8), r"takes .*64,64,3.*, which \[1,40,40,3\] does not fit: is input_size right"),
        (lambda: _flattened(SIZE, 5000), "5,000 numbers, and Elasticsearch takes 4,096 at most"),
        (lambda: _network("classes", "features"), r"several outputs, say which is the vector \(output\): .*classes.*features"),
        (_network, "4 dimensions: say how they become a vector"),
    ],
    ids=["no picture", "two pictures", "a picture and numbers", "grey", "another size", "too long", "two outputs", "feature map"],
)
@pytest.mark.parametrize("name", ["net.keras", "saved_model"])
def test_what_cannot_be_used_is_refused_with_the_reason(name: str, made: Callable[[], keras.Model], reason: str, tmp_path: Path) -> None:
    path = _saved(made(), tmp_path / name)

    with pytest.raises(Undescribed, match=reason):
        _exported(path)

    assert not list((tmp_path / "models").iterdir())


@pytest.mark.parametrize("name", ["net.keras", "net.h5", "net.onnx"])
def test_a_file_that_is_no_network_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"nothing of the kind")

    with pytest.raises(Undescribed, match=name):
        _exported(tmp_path / name)
