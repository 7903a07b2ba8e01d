"""Indices of one source that have the product's id in different ways: no product is read in halves, none twice."""

from collections import Counter
from typing import Any

import pytest
from elasticsearch import Elasticsearch, helpers
from lookalike.adapters.elasticsearch.source import ElasticsearchSource
from lookalike.backfill.model import FieldNames, IndexSpec, Position

from tests.integration.adapters.elasticsearch.source.source_index import KEYWORD

TEXT = {"type": "text"}
BOTH = {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}
NOT_INDEXED = {"type": "keyword", "index": False}
COUNT = 30

MAPPINGS: dict[str, tuple[dict[str, Any] | None, dict[str, Any] | None, str]] = {
    "a keyword and a text with a keyword": (KEYWORD, BOTH, "sku"),
    "a keyword and a text": (KEYWORD, TEXT, "sku"),
    "two texts": (TEXT, TEXT, "sku"),
    "a keyword and a number": (KEYWORD, {"type": "long"}, "sku"),
    "two numbers": ({"type": "integer"}, {"type": "long"}, "sku"),
    "a number and a fraction": ({"type": "long"}, {"type": "double"}, "sku"),
    "a keyword and nothing": (KEYWORD, None, "sku"),
    "nothing and nothing": (None, None, "sku"),
    "a keyword and one that is not stored": (KEYWORD, {"type": "keyword", "doc_values": False}, "sku"),
    "a keyword and one that is not indexed": (KEYWORD, NOT_INDEXED, "sku"),
    "a nested path": (KEYWORD, BOTH, "info.sku"),
}


def _make(client: Elasticsearch, name: str, mapping: dict[str, Any] | None, path: str, image: str, value: Any) -> None:
    *outer, leaf = path.split(".")
    properties: dict[str, Any] = {leaf: mapping} if mapping else {}
    for each in reversed(outer):
        properties = {each: {"properties": properties}}
    client.indices.create(index=name, mappings={"dynamic": False, "properties": properties})
    documents = []
    for number in range(COUNT):
        document: dict[str, Any] = {leaf: value(number)}
        for each in reversed(outer):
            document = {each: document}
        documents.append({"_index": name, "_id": f"{image}-{number}", "image_url": f"http://a/{number}/{image}.jpg", **document})
    helpers.bulk(client, documents, refresh=True)


def _products(source: ElasticsearchSource, spec: IndexSpec, most: int, size: int = 7) -> list[dict[str, int]]:
    """How many documents of each product each page has."""
    pages = []
    for start in source.slices(spec, most):
        position: Position | None = start
        while position is not None:
            page = source.page(spec, position, size)
            documents = list(page.documents)
            assert not [document.fault for document in documents if document.fault]
            pages.append(dict(Counter(document.product.product_id for document in documents if document.product)))
            position = page.next
    return pages


@pytest.mark.parametrize(("first", "second", "path"), MAPPINGS.values(), ids=MAPPINGS.keys())
@pytest.mark.parametrize("most", [1, 3])
def test_both_documents_of_each_product_come_on_one_page(
    elasticsearch: Elasticsearch, source: ElasticsearchSource, name: str, first: Any, second: Any, path: str, most: int
) -> None:
    _make(elasticsearch, f"{name}-a", first, path, "front", lambda number: number if first and "long" in str(first) else str(number))
    _make(elasticsearch, f"{name}-b", second, path, "side", lambda number: number)
    spec = IndexSpec(f"{name}-*", fields=FieldNames(path))

    pages = _products(source, spec, most)

    assert source.is_unique(spec)
    assert sum(map(Counter, pages), Counter()) == Counter({str(number): 2 for number in range(COUNT)})
    assert {count for page in pages for count in page.values()} == {2}
    found = source.find(spec, ["3", "17", "none"])
    assert Counter(document.product.product_id for document in found if document.product) == {"3": 2, "17": 2}


def test_ids_that_are_true_or_false_are_written_as_json_writes_them(
    elasticsearch: Elasticsearch, source: ElasticsearchSource, name: str
) -> None:
    elasticsearch.indices.create(index=name, mappings={"properties": {"sku": {"type": "boolean"}}})
    helpers.bulk(elasticsearch, [{"_index": name, "sku": number % 2 == 0} for number in range(6)], refresh=True)
    spec = IndexSpec(name, fields=FieldNames("sku"))

    assert _products(source, spec, 1, size=3) == [{"false": 3}, {"true": 3}]
    assert {document.product.product_id for document in source.find(spec, ["true"]) if document.product} == {"true"}


def test_an_alias_over_indices_with_different_mappings_is_one_source(
    elasticsearch: Elasticsearch, source: ElasticsearchSource, name: str
) -> None:
    _make(elasticsearch, f"{name}-a", KEYWORD, "sku", "front", str)
    _make(elasticsearch, f"{name}-b", BOTH, "sku", "side", str)
    elasticsearch.indices.update_aliases(actions=[{"add": {"index": f"{name}-*", "alias": f"{name}-all"}}])

    pages = _products(source, IndexSpec(f"{name}-all", fields=FieldNames("sku")), 2)

    assert {count for page in pages for count in page.values()} == {2}


def test_documents_of_a_source_that_is_too_large_to_be_sorted_by_a_script_are_read_one_by_one(
    elasticsearch: Elasticsearch, source: ElasticsearchSource, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lookalike.adapters.elasticsearch.source.MAX_SCRIPTED", COUNT - 1)
    _make(elasticsearch, name, TEXT, "sku", "front", str)
    spec = IndexSpec(name, fields=FieldNames("sku"))

    assert not source.is_unique(spec)
    assert sum(map(Counter, _products(source, spec, 2)), Counter()) == Counter(map(str, range(COUNT)))
