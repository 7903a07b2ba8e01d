"""Words find drawn products: a pair of encoders, trained here, through the export command and the real search."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder
from lookalike.domain import IndexOptions
from lookalike.pictures import decoding
from lookalike.search.ports import SearchTarget
from lookalike.search.query_vectors import ByProduct, ByText, QueryInput, WeightedExamples
from lookalike.search.ranking import SearchOptions
from lookalike.search.search import Query, Search
from rich.console import Console

from layers.quality import adapt
from layers.quality.labelled import Labelled
from layers.quality.search_path import filled
from layers.quality.variants import OWN
from tests.fakes import FakeFetcher
from tests.integration.named_products import COLOURS, THINGS, Drawn, products

CATALOGUE = products(288, seed=2)
"""Four pictures of each kind, none of which was learned from."""

LEARNED = products(576, seed=3)
HASHES = [sha256(str(number).encode()).hexdigest() for number in range(len(LEARNED))]
"""Of pictures none of which is a copy of another."""

Searched = Callable[[QueryInput], list[Drawn]]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exported pair."""
    from tests.integration.trained_pair import trained  # imported here: it holds Keras, which takes ten seconds of a core

    folder = trained(tmp_path_factory.mktemp("drawn-clip"))
    command = [sys.executable, "-m", "layers.models.export", str(folder), "--output", str(folder / "models")]
    subprocess.run(command, check=True, timeout=300)
    return folder / "models" / "drawn-clip"


@pytest.fixture(scope="module")
def embedder(base: Path) -> OpenVinoEmbedder:
    return OpenVinoEmbedder(base)


@pytest.fixture(scope="module")
def search(embedder: OpenVinoEmbedder, elasticsearch: Elasticsearch) -> Iterator[Searched]:
    with _searched(embedder, elasticsearch) as search:
        yield search


@contextmanager
def _searched(embedder: OpenVinoEmbedder, elasticsearch: Elasticsearch, size: int = 4) -> Iterator[Searched]:
    """The catalogue in an index; gives the first hits."""
    vectors = embedder.embed([decoding.scale(each.pixels, embedder.model) for each in CATALOGUE])
    labelled = Labelled.of([each.name for each in CATALOGUE], [""] * len(CATALOGUE), HASHES[: len(CATALOGUE)])
    with filled(elasticsearch, vectors, labelled, IndexOptions()) as index:
        use_case = Search(lambda: SearchTarget(index, embedder), FakeFetcher({}), lambda url: url)
        yield lambda query: [CATALOGUE[int(hit.product_id)] for hit in use_case.search(Query(query, SearchOptions(size=size))).hits]


def test_words_alone_find_what_they_say(search: Searched) -> None:
    assert _right(search) > 0.85
    assert np.mean([found.is_dotted for colour in COLOURS for found in search(ByText(f"{colour} with dots"))]) > 0.85


def test_words_find_more_in_a_model_that_learned_the_classes_that_they_name(base: Path, elasticsearch: Elasticsearch) -> None:
    original = OpenVinoEmbedder(base)
    vectors = original.embed([decoding.scale(each.pixels, original.model) for each in LEARNED])
    classes = Labelled.of([each.name for each in LEARNED], [f"{each.colour} {each.thing}" for each in LEARNED], HASHES)
    adapted = adapt.adapt(base, classes, {OWN: (vectors, vectors[:, :0])}, Console(quiet=True), expects_new=False)

    with _searched(original, elasticsearch, size=8) as search:
        before = _right(search)
    with _searched(OpenVinoEmbedder(adapted), elasticsearch, size=8) as search:
        after = _right(search)

    assert after > 0.9
    assert after > before + 0.1, (before, after)


def _right(search: Searched) -> float:
    """The share of hits that are of the colour and the form that the words say; there are eight of each."""
    asked = [(colour, thing) for colour in COLOURS for thing in THINGS]
    return float(np.mean([(found.colour, found.thing) == each for each in asked for found in search(ByText("A {} {}".format(*each)))]))


def test_words_beside_a_product_lead_towards_what_they_say(search: Searched) -> None:
    places = [place for place, each in enumerate(CATALOGUE) if each.colour == "blue" and not each.is_dotted]

    alone = [found for place in places for found in search(ByProduct(str(place)))]
    led = [found for place in places for found in search(WeightedExamples(((ByProduct(str(place)), 1.0), (ByText("red"), 1.0))))]

    assert np.mean([found.colour == "red" for found in alone]) < 0.1
    assert np.mean([found.colour == "red" for found in led]) > 0.5


def test_words_with_a_negative_weight_lead_away(search: Searched) -> None:
    places = [place for place, each in enumerate(CATALOGUE) if each.is_dotted]

    alone = [found.is_dotted for place in places for found in search(ByProduct(str(place)))]
    led = [
        found.is_dotted for place in places for found in search(WeightedExamples(((ByProduct(str(place)), 1.0), (ByText("dots"), -0.7))))
    ]

    assert np.mean(alone) > 0.6
    assert np.mean(led) < np.mean(alone) / 2
