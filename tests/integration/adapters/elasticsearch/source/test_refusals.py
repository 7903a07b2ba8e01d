"""Specifications that cannot be read are the caller's fault, and never become another request."""

from collections import Counter
from typing import Any

import pytest
from lookalike.adapters.elasticsearch.source import ElasticsearchSource
from lookalike.backfill.model import FieldNames, IndexSpec
from lookalike.errors import IndexUnavailable, RequestInvalid

from tests.integration.adapters.elasticsearch.source.source_index import BY_SKU, KEYWORD, SourceIndex, read_ids


def test_an_unknown_index_is_an_invalid_request(source: ElasticsearchSource) -> None:
    for ask in (source.count, lambda spec: source.slices(spec, 2)):
        with pytest.raises(RequestInvalid) as refused:
            ask(IndexSpec("there-is-no-such-index", fields=BY_SKU))
        assert refused.value.field == "source.index"


@pytest.mark.parametrize("query", [{"no_such_query": {}}, {"match_all": {}, "term": {"a": 1}}, {"range": {"sku": {"over": 1}}}], ids=str)
def test_a_query_that_cannot_be_answered_is_an_invalid_request(
    source: ElasticsearchSource, source_index: SourceIndex, query: dict[str, Any]
) -> None:
    source_index.make([{"sku": "hat"}], KEYWORD)

    with pytest.raises(RequestInvalid):
        source.count(IndexSpec(source_index.name, query))


@pytest.mark.parametrize("index", ["../_all", "a/b", "a?b=c", "a#b", "_all/_search", "a%2fb"])
def test_an_index_name_never_becomes_another_request(source: ElasticsearchSource, index: str) -> None:
    with pytest.raises(RequestInvalid):
        source.count(IndexSpec(index))


def test_the_name_of_a_field_never_becomes_another_parameter(source: ElasticsearchSource, source_index: SourceIndex) -> None:
    source_index.make([{"_id": "1", "a&ignore_unavailable=x#": "hat"}])
    spec = IndexSpec(source_index.name, fields=FieldNames("a&ignore_unavailable=x#"))

    assert read_ids(source, spec, source.slices(spec, 2)) == Counter(["hat"])


def test_a_source_that_cannot_be_reached_is_transient() -> None:
    with pytest.raises(IndexUnavailable):
        ElasticsearchSource("http://127.0.0.1:9").count(IndexSpec("shop"))


def test_a_cluster_behind_the_source_that_is_away_is_no_end_of_the_source(source: ElasticsearchSource, source_index: SourceIndex) -> None:
    source_index.make([{"sku": "hat"}], KEYWORD)
    remote = f"cluster.remote.{source_index.name}"
    source_index.client.cluster.put_settings(persistent={f"{remote}.seeds": ["127.0.0.1:9"], f"{remote}.skip_unavailable": True})
    try:
        spec = IndexSpec(f"{source_index.name},{source_index.name}:shop", fields=BY_SKU)
        with pytest.raises(IndexUnavailable):
            read_ids(source, spec, source.slices(spec, 1))
        with pytest.raises(IndexUnavailable):
            source.sample(spec, 10)
    finally:
        source_index.client.cluster.put_settings(persistent={f"{remote}.seeds": None, f"{remote}.skip_unavailable": None})
