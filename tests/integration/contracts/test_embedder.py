"""What every network promises: unit vectors that depend on nothing but the picture."""

from pathlib import Path

import numpy as np
import pytest
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder
from lookalike.concurrency import run_within
from lookalike.domain import Embedder, Pixels

from layers.models import export
from tests.fakes import FakeEmbedder

MODELS = Path("build/models")


@pytest.fixture(params=["fake", "openvino"], scope="module")
def embedder(request: pytest.FixtureRequest) -> Embedder:
    if request.param == "fake":
        return FakeEmbedder()
    return OpenVinoEmbedder(MODELS / export.ensure("efficientnet_lite0", MODELS, print), "THROUGHPUT")


@pytest.fixture(scope="module")
def pixels(embedder: Embedder) -> list[Pixels]:
    width, height = embedder.model.input_size
    draw = np.random.default_rng(0)
    return [draw.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(5)]


def test_each_picture_gets_a_unit_vector_of_the_models_length(embedder: Embedder, pixels: list[Pixels]) -> None:
    vectors = embedder.embed(pixels)

    assert vectors.shape == (5, embedder.model.dimensions)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)


def test_a_picture_gets_the_same_vector_alone_and_among_others(embedder: Embedder, pixels: list[Pixels]) -> None:
    alone = np.concatenate([embedder.embed([picture]) for picture in pixels])

    assert np.allclose(embedder.embed(pixels), alone, atol=1e-6)
    assert np.allclose(embedder.embed(pixels[::-1])[::-1], alone, atol=1e-6)


def test_different_pictures_get_different_vectors(embedder: Embedder, pixels: list[Pixels]) -> None:
    vectors = embedder.embed(pixels)

    assert min(np.linalg.norm(vectors[a] - vectors[b]) for a in range(5) for b in range(a)) > 1e-3


def test_pictures_are_left_as_they_were(embedder: Embedder, pixels: list[Pixels]) -> None:
    before = [picture.copy() for picture in pixels]
    embedder.embed(pixels)

    assert all(np.array_equal(one, other) for one, other in zip(before, pixels, strict=True))


def test_no_pictures_get_no_vectors(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, embedder.model.dimensions)


def test_a_picture_of_another_size_fails_and_the_network_serves_the_next(embedder: Embedder, pixels: list[Pixels]) -> None:
    for _ in range(10):  # more often than a network has requests
        with pytest.raises((RuntimeError, ValueError)):
            run_within(30, lambda: embedder.embed([pixels[0], pixels[1][:-1]]), "the network")

    assert len(run_within(30, lambda: embedder.embed(pixels), "the network")) == len(pixels)
