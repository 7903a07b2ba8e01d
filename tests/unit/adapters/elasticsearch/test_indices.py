"""Definitions of new indices, as data: dimensions and ``_meta`` of the model, shards, replicas, type and oversampling of the options."""

from typing import get_args

import pytest
from lookalike.adapters.elasticsearch.indices import check_version, definition_of
from lookalike.domain import IndexOptions, IndexType
from lookalike.errors import Misconfigured

from tests.fakes import MODEL

FULL_PRECISION = {"hnsw", "flat"}


@pytest.mark.parametrize("index_type", get_args(IndexType))
def test_hits_of_quantised_vectors_are_rescored_and_those_of_full_vectors_are_not(index_type: IndexType) -> None:
    vector = definition_of(MODEL, IndexOptions(type=index_type, oversample=3.5))["mappings"]["properties"]["image_vector"]

    rescored = {} if index_type in FULL_PRECISION else {"rescore_vector": {"oversample": 3.5}}
    assert vector["index_options"] == {"type": index_type} | rescored


def test_shards_are_those_of_the_options() -> None:
    assert definition_of(MODEL, IndexOptions(shards=7))["settings"]["index"]["number_of_shards"] == 7


@pytest.mark.parametrize("replicas", [0, 1, 2])
def test_replicas_that_are_given_replace_those_that_follow_the_number_of_nodes(replicas: int) -> None:
    given, default = (definition_of(MODEL, IndexOptions(replicas=number))["settings"]["index"] for number in (replicas, None))

    assert given["number_of_replicas"] == replicas
    assert "auto_expand_replicas" not in given
    assert default["auto_expand_replicas"] == "0-1"
    assert "number_of_replicas" not in default


def test_an_index_names_the_model_that_fills_it_and_has_its_dimensions() -> None:
    mappings = definition_of(MODEL, IndexOptions())["mappings"]

    assert mappings["properties"]["image_vector"]["dims"] == MODEL.dimensions
    assert mappings["_meta"]["model"] == {
        "id": MODEL.id,
        "weights_sha256": MODEL.weights_sha256,
        "preprocessing": MODEL.preprocessing,
        "dimensions": MODEL.dimensions,
    }


def test_a_definition_is_not_changed_by_the_next() -> None:
    first = definition_of(MODEL, IndexOptions(shards=7, replicas=2, type="hnsw"))
    definition_of(MODEL, IndexOptions())

    assert first == definition_of(MODEL, IndexOptions(shards=7, replicas=2, type="hnsw"))


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ({"number": "8.11.0", "build_flavor": "serverless"}, "Serverless"),
        ({"number": "9.2.1"}, "too old"),
        ({"number": "8.19.0"}, "too old"),
    ],
)
def test_a_server_that_cannot_hold_the_index_says_why(version: dict[str, str], reason: str) -> None:
    with pytest.raises(Misconfigured, match=reason):
        check_version(version)
