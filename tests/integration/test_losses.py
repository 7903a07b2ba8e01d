"""What quantisation loses and what the graph loses, each measured in a real index of its own kind."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from lookalike.domain import IndexOptions, IndexType

from layers.quality import search_path
from layers.quality.labelled import Labelled
from layers.quality.leave_one_out import trial
from layers.quality.scoring import EXACT, Subject, evaluated
from layers.quality.search_path import SearchPath, copied, held, keys_of

SHARE = "share of the exact first 10"
COUNT, DIMENSIONS = 6000, 256


def _losses(client: Elasticsearch, options: IndexOptions) -> list[dict[str, Any]]:
    """Of vectors without any order among them, which is the worst case of both."""
    drawn = np.random.default_rng(0)
    bits = drawn.integers(0, 2**63, (COUNT, 4), dtype=np.uint64)
    vectors = drawn.normal(size=(COUNT, DIMENSIONS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    pictures = Labelled([str(number) for number in range(COUNT)], ["a", "b"], np.arange(COUNT) % 2, bits)
    with search_path.filled(client, vectors, pictures, options) as index:
        path = SearchPath(index, trial(pictures, sample=60), keys_of(pictures), "product")

        def other(type_: IndexType) -> Any:
            return search_path.filled(client, vectors, pictures, replace(options, type=type_))

        losses: list[dict[str, Any]] = evaluated(
            Subject("drawn", path, held(client, index.name), lambda places: vectors[places], other)
        ).facts["losses"]
    return losses


def test_coarse_quantisation_loses_what_fine_quantisation_does_not_and_a_graph_loses_more(elasticsearch: Elasticsearch) -> None:
    coarse, fine = (_losses(elasticsearch, IndexOptions(type=type_, oversample=1)) for type_ in ("bbq_hnsw", "int8_hnsw"))

    assert [step["compared"] for step in coarse] == [EXACT, "every vector, bbq_flat", "the search, bbq_hnsw"]
    assert [step["compared"] for step in fine] == [EXACT, "every vector, int8_flat", "the search, int8_hnsw"]
    assert coarse[0][SHARE] == fine[0][SHARE] == 1
    assert coarse[1][SHARE] < 0.8
    assert fine[1][SHARE] > 0.97
    assert fine[2][SHARE] < fine[1][SHARE]


def test_oversampling_makes_good_what_quantisation_loses(elasticsearch: Elasticsearch) -> None:
    _, once = _losses(elasticsearch, IndexOptions(type="bbq_flat", oversample=1))
    _, thrice = _losses(elasticsearch, IndexOptions(type="bbq_flat", oversample=3))

    assert once["compared"] == "every vector, bbq_flat"
    assert thrice[SHARE] > once[SHARE] + 0.1


def test_a_graph_of_whole_vectors_has_no_step_of_quantisation(elasticsearch: Elasticsearch) -> None:
    exact, searched = _losses(elasticsearch, IndexOptions(type="hnsw"))

    assert searched["compared"] == "the search, hnsw"
    assert 0.8 < searched[SHARE] < exact[SHARE]


@pytest.mark.parametrize("type_", ["bbq_hnsw", "int8_hnsw"])
def test_a_copy_of_an_index_holds_the_same_vectors_without_their_graph(elasticsearch: Elasticsearch, type_: IndexType) -> None:
    bits = np.random.default_rng(0).integers(0, 2**63, (8, 4), dtype=np.uint64)
    pictures, vectors = Labelled([str(n) for n in range(8)], ["a", "b"], np.arange(8) % 2, bits), np.eye(64, dtype=np.float32)[:8]
    flat: IndexType = "bbq_flat" if type_ == "bbq_hnsw" else "int8_flat"
    with search_path.filled(elasticsearch, vectors, pictures, IndexOptions(type=type_, oversample=4)) as index:
        with copied(elasticsearch, index.name, flat) as copy:
            mapping = elasticsearch.indices.get_mapping(index=copy.name)[copy.name]["mappings"]
            options = (held(elasticsearch, index.name), held(elasticsearch, copy.name))
            stored = [(index.stored(key.image_id), copy.stored(key.image_id)) for key in keys_of(pictures)]
        assert not elasticsearch.indices.exists(index=copy.name)

    assert options == ((type_, 4), (flat, 4))
    assert mapping["_meta"]["model"]["id"] == "evaluation"
    assert all(a and b and a.vector.tolist() == b.vector.tolist() for a, b in stored)
