"""Which documents are read, and what a product takes from them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from lookalike.adapters.elasticsearch.source import ElasticsearchSource
from lookalike.backfill.model import FieldNames, IndexSpec, Position

from tests.integration.adapters.elasticsearch.source.source_index import BY_SKU, KEYWORD, SourceIndex, read, read_ids

JSON = "application/json"


def test_documents_without_an_id_are_read_too_and_say_what_they_lack(source: ElasticsearchSource, source_index: SourceIndex) -> None:
    source_index.make(
        [*({"sku": f"p-{number}"} for number in range(50)), *({"_id": f"none-{number}", "name": "x"} for number in range(30))], KEYWORD
    )
    spec = IndexSpec(source_index.name, fields=BY_SKU)

    read = read_ids(source, spec, source.slices(spec, 3), size=10)

    assert read == Counter([*(f"p-{number}" for number in range(50)), *(f"fault none-{number}" for number in range(30))])


def test_documents_are_their_own_ids_where_no_field_is_named(source: ElasticsearchSource, source_index: SourceIndex) -> None:
    source_index.make([{"_id": f"d-{number}", "name": "x"} for number in range(100)], shards=2)
    spec = IndexSpec(source_index.name)

    assert read_ids(source, spec, source.slices(spec, 4), size=9) == Counter(f"d-{number}" for number in range(100))


def test_a_query_says_which_documents_are_products(source: ElasticsearchSource, source_index: SourceIndex) -> None:
    source_index.make([{"sku": f"p-{number}", "on": number % 2} for number in range(60)], sku=KEYWORD)
    spec = IndexSpec(source_index.name, {"term": {"on": 1}}, BY_SKU)

    assert source.count(spec) == 30
    assert read_ids(source, spec, source.slices(spec, 3)) == Counter(f"p-{number}" for number in range(1, 60, 2))


@pytest.mark.parametrize("most", [1, 3])
def test_documents_of_the_same_id_are_read_once_and_on_the_same_page(
    source: ElasticsearchSource, source_index: SourceIndex, most: int
) -> None:
    source_index.make([{"sku": f"p-{number // 7:02}", "image_url": f"http://a/{number}"} for number in range(210)], sku=KEYWORD, shards=2)
    spec = IndexSpec(source_index.name, fields=BY_SKU)
    pages: list[Counter[str]] = []
    for start in source.slices(spec, most):
        position: Position | None = start
        while position is not None:
            page = source.page(spec, position, 10)
            pages.append(Counter(document.product.product_id for document in page.documents if document.product))
            position = page.next

    assert source.is_unique(spec)
    assert sum(pages, Counter()) == Counter({f"p-{number:02}": 7 for number in range(30)})
    assert {count for page in pages for count in page.values()} == {7}


def test_of_more_documents_with_the_same_id_than_a_page_holds_the_rest_is_reported_and_skipped(
    source: ElasticsearchSource, source_index: SourceIndex
) -> None:
    source_index.make([*({"sku": "many"} for _ in range(25)), {"sku": "a"}, {"sku": "z"}], sku=KEYWORD)
    spec = IndexSpec(source_index.name, fields=BY_SKU)

    read = read_ids(source, spec, source.slices(spec, 1), size=10)

    assert read == Counter({"a": 1, "many": 10, "fault sku=many": 1, "z": 1})


@pytest.mark.parametrize("sku", [KEYWORD, {"type": "double"}, {"type": "text"}], ids=["keyword", "double", "text"])
def test_documents_are_found_again_by_their_ids_whatever_the_type(
    source: ElasticsearchSource, source_index: SourceIndex, sku: dict[str, Any]
) -> None:
    source_index.make([{"sku": str(number), "on": number < 8} for number in range(10)], sku=sku)
    spec = IndexSpec(source_index.name, {"term": {"on": True}}, BY_SKU)

    found = source.find(spec, ["3", "7", "9", "nobody", "index/none"])

    assert sorted(document.product.product_id for document in found if document.product) == ["3", "7"]


def test_products_are_read_once_where_their_ids_can_be_sorted_or_are_the_documents_own(
    source: ElasticsearchSource, source_index: SourceIndex
) -> None:
    source_index.make([{"sku": "a", "size": 1.5}], KEYWORD, name="-a")
    source_index.make([{"sku": "a", "size": 1.5}], KEYWORD, name="-b")
    one, both = f"{source_index.name}-a", f"{source_index.name}-*"

    assert [source.is_unique(IndexSpec(one, fields=FieldNames(id_))) for id_ in ("sku", None, "size")] == [True, True, True]
    assert [source.is_unique(IndexSpec(both, fields=FieldNames(id_))) for id_ in ("sku", None)] == [True, False]


def test_only_what_changed_since_a_time_is_read_if_that_is_wanted(source: ElasticsearchSource, source_index: SourceIndex) -> None:
    source_index.make([{"sku": f"p-{day}", "changed": f"2026-01-0{day}"} for day in range(1, 6)], sku=KEYWORD)
    everything = IndexSpec(source_index.name, fields=BY_SKU, updated_at="changed")
    changed = replace(everything, since="2026-01-04T00:00:00+00:00")

    assert (source.count(everything), source.count(changed)) == (5, 2)
    assert read_ids(source, changed, source.slices(changed, 2)) == Counter(["p-4", "p-5"])


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"images": [{"url": "http://a/1"}, {"url": "http://a/2"}]}, "images.url"),
        ({"images": {"front": {"urls": ["http://a/1", "http://a/2", "http://a/1"]}}}, "images.front.urls"),
        ({"images.url": ["http://a/1", " http://a/2 ", "", None]}, "images.url"),
    ],
    ids=["objects in a list", "a list in objects", "a dotted name, and nothing in between"],
)
def test_pictures_are_found_wherever_they_are_nested(
    source: ElasticsearchSource, source_index: SourceIndex, document: dict[str, Any], path: str
) -> None:
    source_index.make([{"sku": "hat", **document}, {"sku": "none"}], sku=KEYWORD)
    spec = IndexSpec(source_index.name, fields=FieldNames("sku", path))

    urls = {document.product.product_id: document.product.image_urls for document in read(source, spec, source.slices(spec, 1))}

    assert urls == {"hat": ("http://a/1", "http://a/2"), "none": ()}


def test_attributes_are_taken_from_where_they_are_named(source: ElasticsearchSource, source_index: SourceIndex) -> None:
    source_index.make(
        [{"sku": "hat", "image_url": ["http://a/1", "http://a/2"], "name": "Hat", "shop": {"price": 9, "tags": ["a", "b"]}}], KEYWORD
    )

    def attributes(named: str | tuple[str, ...] | None) -> Mapping[str, Any]:
        spec = IndexSpec(source_index.name, fields=FieldNames("sku", attributes=named))
        [document] = read(source, spec, source.slices(spec, 1))
        assert document.product.image_urls == ("http://a/1", "http://a/2")
        found: Mapping[str, Any] = document.product.attributes
        return found

    assert attributes(None) == {"name": "Hat", "shop": {"price": 9, "tags": ["a", "b"]}}
    assert attributes("shop") == {"price": 9, "tags": ["a", "b"]}
    assert attributes(("name", "shop.tags")) == {"name": "Hat", "shop.tags": ["a", "b"]}


def test_a_number_that_is_too_large_costs_its_own_product_alone(source: ElasticsearchSource, source_index: SourceIndex) -> None:
    source_index.client.indices.create(index=source_index.name, mappings={"dynamic": False, "properties": {"sku": KEYWORD}})
    for sku, price in (("p-1", "1"), ("p-2", "1e400"), ("p-3", "-1e400")):
        text = f'{{"sku": "{sku}", "price": {price}}}'
        source_index.client.perform_request(
            "PUT", f"/{source_index.name}/_doc/{sku}?refresh=true", headers={"content-type": JSON, "accept": JSON}, body=text
        )
    spec = IndexSpec(source_index.name, fields=BY_SKU)

    assert read_ids(source, spec, source.slices(spec, 1)) == Counter(["p-1", "fault p-2", "fault p-3"])
