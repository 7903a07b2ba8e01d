"""How an index that is filled beside the searched one is cut, stored and searched: as the request asks, or the request is refused."""

from collections.abc import Mapping
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.backfill_indices import BackfillIndices
from lookalike.adapters.elasticsearch.indices import ElasticsearchIndices
from lookalike.backfill.model import Into
from lookalike.domain import IndexOptions
from lookalike.errors import Misconfigured, RequestInvalid

from tests.fakes import MODEL

OPTIONS = {"shards": 2, "replicas": 0, "type": "int8_hnsw", "oversample": 3.0}


def _into(**options: Any) -> Into:
    return Into("fake", options=OPTIONS | options)


def _stored(elasticsearch: Elasticsearch, name: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The settings of an index and the index options of its vectors, as the server returns them."""
    found = elasticsearch.indices.get(index=name)[name]
    return found["settings"]["index"], found["mappings"]["properties"]["image_vector"]["index_options"]


def test_the_index_is_created_as_the_request_asks(indices: BackfillIndices, elasticsearch: Elasticsearch) -> None:
    settings, vectors = _stored(elasticsearch, indices.begin_dual_write(_into()))

    assert (settings["number_of_shards"], settings["number_of_replicas"], "auto_expand_replicas" in settings) == ("2", "0", False)
    assert (vectors["type"], vectors["rescore_vector"]) == ("int8_hnsw", {"oversample": 3.0})


def test_options_that_are_not_given_are_those_of_the_settings(elasticsearch: Elasticsearch, name: str) -> None:
    options = IndexOptions(shards=3, type="int4_flat", oversample=2.0)
    indices = BackfillIndices(elasticsearch, name, options, model=lambda _: MODEL)

    settings, vectors = _stored(elasticsearch, indices.begin_dual_write(Into("fake", options={"oversample": 4.0})))

    assert (settings["number_of_shards"], settings["auto_expand_replicas"]) == ("3", "0-1")
    assert (vectors["type"], vectors["rescore_vector"]) == ("int4_flat", {"oversample": 4.0})


def test_the_same_request_again_resumes(indices: BackfillIndices) -> None:
    name = indices.begin_dual_write(_into())

    assert indices.begin_dual_write(_into()) == name
    indices.end_dual_write(name)
    assert indices.begin_dual_write(Into("fake", name, OPTIONS)) == name


@pytest.mark.parametrize("type_", ["hnsw", "flat", "bbq_flat"])
def test_the_same_request_again_resumes_whatever_the_type(indices: BackfillIndices, type_: str) -> None:
    name = indices.begin_dual_write(_into(type=type_))

    assert indices.begin_dual_write(_into(type=type_)) == name


@pytest.mark.parametrize(("option", "value"), [("shards", 1), ("replicas", 1), ("type", "bbq_hnsw"), ("oversample", 5.0)])
def test_an_index_that_exists_with_other_options_is_refused_with_the_option_named(
    indices: BackfillIndices, elasticsearch: Elasticsearch, option: str, value: Any
) -> None:
    name = indices.begin_dual_write(_into())
    indices.end_dual_write(name)

    with pytest.raises(RequestInvalid, match=f"the index {name!r} exists with other {option}: name another index") as refused:
        indices.begin_dual_write(Into("fake", name, OPTIONS | {option: value}))

    assert refused.value.field == f"into.{option}"
    assert not elasticsearch.indices.get_alias(index=name)[name]["aliases"]


def test_an_index_that_exists_is_taken_as_it_is_where_no_options_are_given(indices: BackfillIndices) -> None:
    name = indices.begin_dual_write(_into())

    assert indices.begin_dual_write(Into("fake", name)) == name


def test_a_type_that_the_licence_does_not_cover_is_refused_before_an_index_is_made(
    indices: BackfillIndices, elasticsearch: Elasticsearch, name: str
) -> None:
    indices.written(MODEL)

    with pytest.raises(RequestInvalid, match="bbq_disk needs an Enterprise licence, and this Elasticsearch has 'basic'") as refused:
        indices.begin_dual_write(_into(type="bbq_disk"))

    assert refused.value.field == "into.type"
    assert list(elasticsearch.indices.get(index=f"{name}-*")) == [f"{name}-fake-1"]


def test_a_setting_that_the_licence_does_not_cover_is_misconfigured(elasticsearch: Elasticsearch, name: str) -> None:
    with pytest.raises(Misconfigured, match="bbq_disk needs an Enterprise licence"):
        ElasticsearchIndices(elasticsearch, name, IndexOptions(type="bbq_disk")).written(MODEL)

    assert not elasticsearch.indices.exists(index=f"{name}-fake-1")
