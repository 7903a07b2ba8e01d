"""Words find drawn products: a pair of encoders, trained here, through the export command and the real search."""

import subprocess
import sys
from collections.abc import Callable, Iterator

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

from layers.quality.labelled import Labelled
from layers.quality.search_path import filled
from tests.fakes import FakeFetcher
from tests.integration.named_products import COLOURS, THINGS, Drawn, products

CATALOGUE = products(288, seed=2)
"""Four pictures of each kind, none of which was learned from."""

Searched = Callable[[QueryInput], list[Drawn]]


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> OpenVinoEmbedder:
    from tests.integration.trained_pair import trained  # imported here: it holds Keras, which takes ten seconds of a core

    folder = trained(tmp_path_factory.mktemp("drawn-clip"))
    command = [sys.executable, "-m", "layers.models.export", str(folder), "--output", str(folder / "models")]
    subprocess.run(command, check=True, timeout=300)
    return OpenVinoEmbedder(folder / "models" / "drawn-clip")


@pytest.fixture(scope="module")
def search(embedder: OpenVinoEmbedder, elasticsearch: Elasticsearch) -> Iterator[Searched]:
    """The first four hits."""
    vectors = embedder.embed([decoding.scale(each.pixels, embedder.model) for each in CATALOGUE])
    bits = np.random.default_rng(1).integers(0, 2**63, (len(CATALOGUE), 4), dtype=np.uint64)
    labelled = Labelled([each.name for each in CATALOGUE], [""], np.zeros(len(CATALOGUE), np.int64), bits)
    with filled(elasticsearch, vectors, labelled, IndexOptions()) as index:
        use_case = Search(lambda: SearchTarget(index, embedder), FakeFetcher({}), lambda url: url)
        yield lambda query: [CATALOGUE[int(hit.product_id)] for hit in use_case.search(Query(query, SearchOptions(size=4))).hits]


def test_words_alone_find_what_they_say(search: Searched) -> None:
    asked = [(colour, thing) for colour in COLOURS for thing in THINGS]

    right = [(found.colour, found.thing) == each for each in asked for found in search(ByText("A {} {}".format(*each)))]

    assert np.mean(right) > 0.85
    assert np.mean([found.is_dotted for colour in COLOURS for found in search(ByText(f"{colour} with dots"))]) > 0.85


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
