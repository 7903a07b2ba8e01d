"""Exported networks against Keras, which built them."""

import json
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder
from lookalike.domain import Model, Pixels
from lookalike.pictures import decoding

from infra.demo.catalogue import drawn_catalogue
from layers.models import canonical, export
from layers.models.networks import EFFICIENTNET_LITE0, EFFICIENTNET_LITE2, INCEPTION_RESNET_V2, Network
from layers.models.weights import locate

CATALOGUE = Path(__file__).parents[3] / "shared" / "catalogue"
MODELS = Path("build/models")
NETWORKS = [(INCEPTION_RESNET_V2, 0), (EFFICIENTNET_LITE0, None), (EFFICIENTNET_LITE2, None)]
COUNT = 20
INT8 = f"{EFFICIENTNET_LITE0.id}-int8"


@cache
def _exported(network: Network, seed: int | None) -> Path:
    return MODELS / export.ensure(network.id, MODELS, print, seed)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Real ones; where the catalogue is not beside the project, drawn ones."""
    paths = sorted(CATALOGUE.glob("*/*.jpg"))
    if not paths:
        print(f"no photographs in {CATALOGUE}: drawn pictures stand in")
        paths = [item.path for item in drawn_catalogue(tmp_path_factory.mktemp("drawn")).items]
    return [path.read_bytes() for path in paths[:: len(paths) // COUNT][:COUNT]]


def _pixels(photographs: list[bytes], model: Model) -> list[Pixels]:
    return [decoding.scale(decoding.decode(content, at_least=model.input_size).pixels, model) for content in photographs]


@pytest.mark.parametrize(("network", "seed"), NETWORKS, ids=lambda value: getattr(value, "id", str(value)))
def test_each_photograph_gets_the_vector_that_keras_gives_it(network: Network, seed: int | None, photographs: list[bytes]) -> None:
    embedder = OpenVinoEmbedder(_exported(network, seed))
    pixels = _pixels(photographs, embedder.model)

    vectors = embedder.embed(pixels)
    keras = _keras(network, seed)
    expected = np.concatenate([keras(picture[np.newaxis], training=False) for picture in pixels])

    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert (vectors * expected).sum(axis=1).min() >= 0.9999


@pytest.mark.parametrize(("network", "seed"), NETWORKS[1:], ids=lambda value: getattr(value, "id", str(value)))
def test_a_picture_gets_the_same_vector_to_the_bit_alone_and_among_others(
    network: Network, seed: int | None, photographs: list[bytes]
) -> None:
    single = OpenVinoEmbedder(_exported(network, seed), "LATENCY")
    many = OpenVinoEmbedder(_exported(network, seed), "THROUGHPUT")
    pixels = _pixels(photographs, single.model)

    assert np.array_equal(many.embed(pixels), np.concatenate([single.embed([picture]) for picture in pixels]))


def test_a_network_in_int8_makes_unit_vectors_near_the_network_s_own(photographs: list[bytes]) -> None:
    own, quantised = (OpenVinoEmbedder(MODELS / export.ensure(name, MODELS, print)) for name in (INT8, EFFICIENTNET_LITE0.id))
    pixels = _pixels(photographs, own.model)

    vectors = quantised.embed(pixels)

    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert np.mean((vectors * own.embed(pixels)).sum(axis=1)) >= 0.95
    assert quantised.model.weights_sha256 != own.model.weights_sha256
    assert json.loads((MODELS / INT8 / "manifest.json").read_text())["score_band"]["unrelated_p50"] == pytest.approx(0.466)


def test_threads_that_embed_at_once_get_the_vectors_of_their_own_pictures(photographs: list[bytes]) -> None:
    embedder = OpenVinoEmbedder(_exported(EFFICIENTNET_LITE0, None), "THROUGHPUT")
    pixels = _pixels(photographs, embedder.model)
    expected = embedder.embed(pixels)

    with ThreadPoolExecutor(4) as threads:
        vectors = list(threads.map(lambda number: embedder.embed(pixels[number : number + 3]), range(len(pixels) - 2)))

    assert all(np.array_equal(vectors[number], expected[number : number + 3]) for number in range(len(vectors)))


@pytest.mark.parametrize(("network", "seed"), NETWORKS, ids=lambda value: getattr(value, "id", str(value)))
def test_the_computed_picture_has_the_vector_that_is_stored(network: Network, seed: int | None) -> None:
    embedder = OpenVinoEmbedder(_exported(network, seed), precision="f32")
    expected = canonical.vector_beginning(embedder.model.id)

    assert expected is not None
    assert expected.max() > 0.01
    vector = embedder.embed([canonical.picture(embedder.model.input_size)])[0]
    assert np.abs(vector[: len(expected)] - expected).max() <= canonical.TOLERANCE_F32


def _keras(network: Network, seed: int | None) -> Any:
    from layers.models import graph

    if seed is not None:
        backbone, _ = graph.with_random_weights(network, seed)
    else:
        backbone, _ = graph.with_published_weights(network, locate(network.weights, print))
    return graph.embedding_graph(network, backbone)
