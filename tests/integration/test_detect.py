"""The saliency network as it is exported, on drawn pictures."""

from io import BytesIO
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from lookalike.adapters.openvino.model_store import ModelStore
from lookalike.domain import Crop
from lookalike.search.detect import WHOLE, Detector
from PIL import Image, ImageDraw

from layers.models import export
from layers.models.networks import SALIENCY_FOLDER, U2NETP
from layers.models.weights import locate
from tests.fakes.index import FakeFetcher

MODELS = Path("build/models")


@pytest.fixture(scope="session")
def store() -> ModelStore:
    """The folder that the export fills."""
    export.ensure(U2NETP.id, MODELS, print)
    return ModelStore(MODELS / SALIENCY_FOLDER, "LATENCY")


@pytest.fixture(scope="session")
def detector(store: ModelStore) -> Detector:
    return Detector(FakeFetcher({}), lambda: store.embedder(U2NETP.id))


def drawn(*boxes: tuple[float, float, float, float], colours: tuple[str, ...] = ("firebrick", "navy")) -> bytes:
    """A file of 640 x 480 pixels, light grey, with boards of these colours in boxes given by fractions."""
    image = Image.new("RGB", (640, 480), (228, 228, 224))
    for (left, top, right, bottom), colour in zip(boxes, colours, strict=False):
        ImageDraw.Draw(image).rounded_rectangle((left * 640, top * 480, right * 640, bottom * 480), 20, fill=colour)
    return _file(image)


def _file(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def overlap(one: Crop, other: tuple[float, float, float, float]) -> float:
    """Intersection over union."""
    left, top, right, bottom = other
    common = max(0, min(one.right, right) - max(one.left, left)) * max(0, min(one.bottom, bottom) - max(one.top, top))
    return common / ((one.right - one.left) * (one.bottom - one.top) + (right - left) * (bottom - top) - common)


@pytest.mark.parametrize("box", [(0.3, 0.25, 0.6, 0.7), (0.0, 0.5, 0.35, 1.0), (0.6, 0.0, 1.0, 0.5)], ids=["middle", "left", "corner"])
def test_one_thing_on_plain_ground_is_found_where_it_is(box: tuple[float, float, float, float], detector: Detector) -> None:
    [thing] = detector.detect(drawn(box)).things

    assert overlap(thing.crop, box) > 0.7
    assert detector.best(drawn(box)) == thing.crop


def test_two_things_apart_are_two(detector: Detector) -> None:
    boxes = [(0.08, 0.3, 0.3, 0.65), (0.6, 0.2, 0.92, 0.8)]
    large, small = detector.detect(drawn(*boxes)).things

    assert overlap(small.crop, boxes[0]) > 0.7
    assert overlap(large.crop, boxes[1]) > 0.7
    assert large.score > small.score


@pytest.mark.parametrize(
    "pixels", [np.full((300, 300, 3), 200), np.random.default_rng(0).integers(0, 256, (300, 300, 3))], ids=["plain", "noise"]
)
def test_where_there_is_no_thing_it_is_the_whole_picture(pixels: np.ndarray, detector: Detector) -> None:
    file = _file(Image.fromarray(pixels.astype(np.uint8)))

    assert [(thing.crop, thing.score) for thing in detector.detect(file).things] == [(WHOLE, 0.0)]
    assert detector.best(file) is None


def test_the_exported_network_sees_what_the_published_one_does(store: ModelStore) -> None:
    pixels = np.asarray(Image.open(BytesIO(drawn((0.2, 0.2, 0.6, 0.7)))).resize((U2NETP.pixels, U2NETP.pixels)))
    [saliency] = store.embedder(U2NETP.id).embed([pixels])

    published = onnxruntime.InferenceSession(locate(U2NETP.weights, print), providers=["CPUExecutionProvider"])
    at_320 = np.asarray(Image.fromarray(pixels).resize((320, 320)), np.float32)
    prepared = (at_320 / at_320.max() - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    [expected] = published.run(["1959"], {published.get_inputs()[0].name: prepared.transpose(2, 0, 1)[np.newaxis].astype(np.float32)})
    small = np.asarray(Image.fromarray(expected[0, 0]).resize((U2NETP.pixels, U2NETP.pixels))).ravel()
    assert float(saliency @ small / np.linalg.norm(saliency) / np.linalg.norm(small)) > 0.99


def test_it_is_not_among_the_models_that_make_vectors(store: ModelStore) -> None:
    assert store.ids() == [U2NETP.id]
    assert U2NETP.id not in ModelStore(MODELS, "LATENCY").ids()
