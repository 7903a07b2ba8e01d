"""Products of a real index: every document once, whatever the index is like and whatever happens on the way."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from elasticsearch import Elasticsearch, helpers
from lookalike.adapters.elasticsearch_source import MAX_POINT_IN_TIME_SLICES, ElasticsearchSource
from lookalike.backfills import FieldNames, IndexSpec, Position
from lookalike.errors import IndexAway, RequestInvalid

KEYWORD = {"type": "keyword"}
BY_SKU = FieldNames("sku")


@pytest.fixture
def source(elasticsearch_url: str) -> ElasticsearchSource:
    return ElasticsearchSource(elasticsearch_url)


class Shop:
    """An index of products."""

    def __init__(self, client: Elasticsearch, name: str) -> None:
        self.client, self.name = client, name

    def make(self, documents: Iterable[Mapping[str, Any]], sku: Mapping[str, Any] | None = None, name: str = "", shards: int = 1) -> None:
        index = self.name + name
        properties = {"sku": sku} if sku else {}
        self.client.indices.create(index=index, mappings={"properties": properties}, settings={"number_of_shards": shards})
        helpers.bulk(self.client, [{"_index": index, **document} for document in documents], refresh=True)


@pytest.fixture
def shop(elasticsearch: Elasticsearch, name: str) -> Shop:
    return Shop(elasticsearch, name)


def _rows(source: ElasticsearchSource, spec: IndexSpec, positions: Iterable[Position], size: int = 20) -> Iterator[Any]:
    for start in positions:
        position: Position | None = start
        while position is not None:
            page = source.page(spec, position, size)
            yield from page.rows
            position = page.next


def _ids(source: ElasticsearchSource, spec: IndexSpec, positions: Iterable[Position], size: int = 20) -> Counter[str]:
    return Counter(
        row.product.product_id if row.product else f"fault {row.key.partition('/')[2]}" for row in _rows(source, spec, positions, size)
    )


@pytest.mark.parametrize(
    ("mapping", "value"),
    [
        (KEYWORD, "p-{}"),
        ({"type": "long"}, None),
        ({"type": "text", "fields": {"keyword": KEYWORD}}, "Product {}"),
        ({"type": "double"}, None),
    ],
    ids=["keyword", "long", "text with a keyword", "double"],
)
def test_every_document_is_read_once_whatever_the_type_of_its_id(
    source: ElasticsearchSource, shop: Shop, mapping: dict[str, Any], value: str | None
) -> None:
    ids = [value.format(number) if value else number - 50 for number in range(150)]
    shop.make([{"sku": id_} for id_ in ids], sku=mapping)
    spec = IndexSpec(shop.name, fields=BY_SKU)

    assert _ids(source, spec, source.slices(spec, 5)) == Counter(map(str, ids))


def test_a_long_index_is_cut_into_ranges_of_about_the_same_size(source: ElasticsearchSource, shop: Shop) -> None:
    shop.make([{"sku": f"{number:04}"} for number in range(400)], sku=KEYWORD)
    spec = IndexSpec(shop.name, fields=BY_SKU)

    slices = source.slices(spec, 4)

    sizes = [_ids(source, spec, [position], size=500).total() for position in slices]
    assert len(slices) == 4
    assert min(sizes) > 20
    assert sum(sizes) == 400


def test_documents_without_an_id_are_read_too_and_say_what_they_lack(source: ElasticsearchSource, shop: Shop) -> None:
    shop.make(
        [*({"sku": f"p-{number}"} for number in range(50)), *({"_id": f"none-{number}", "name": "x"} for number in range(30))], KEYWORD
    )
    spec = IndexSpec(shop.name, fields=BY_SKU)

    read = _ids(source, spec, source.slices(spec, 3), size=10)

    assert read == Counter([*(f"p-{number}" for number in range(50)), *(f"fault none-{number}" for number in range(30))])


def test_documents_are_their_own_ids_where_no_field_is_named(source: ElasticsearchSource, shop: Shop) -> None:
    shop.make([{"_id": f"d-{number}", "name": "x"} for number in range(100)], shards=2)
    spec = IndexSpec(shop.name)

    assert _ids(source, spec, source.slices(spec, 4), size=9) == Counter(f"d-{number}" for number in range(100))


def test_without_a_field_to_sort_by_the_slices_are_few(source: ElasticsearchSource, shop: Shop) -> None:
    shop.make([{"_id": str(number)} for number in range(200)])
    spec = IndexSpec(shop.name)

    slices = source.slices(spec, 500)

    assert len(slices) == MAX_POINT_IN_TIME_SLICES
    assert _ids(source, spec, slices) == Counter(str(number) for number in range(200))


def test_a_query_says_which_documents_are_products(source: ElasticsearchSource, shop: Shop) -> None:
    shop.make([{"sku": f"p-{number}", "on": number % 2} for number in range(60)], sku=KEYWORD)
    spec = IndexSpec(shop.name, {"term": {"on": 1}}, BY_SKU)

    assert source.count(spec) == 30
    assert _ids(source, spec, source.slices(spec, 3)) == Counter(f"p-{number}" for number in range(1, 60, 2))


def test_several_indices_are_one_source_though_one_does_not_know_the_id(source: ElasticsearchSource, shop: Shop) -> None:
    shop.make([{"sku": f"p-{number}"} for number in range(40)], sku=KEYWORD, name="-a")
    shop.make([{"_id": "stray", "name": "x"}], name="-b")
    spec = IndexSpec(f"{shop.name}-*", fields=BY_SKU)

    assert source.count(spec) == 41
    assert _ids(source, spec, source.slices(spec, 2), size=7) == Counter(["fault stray", *(f"p-{number}" for number in range(40))])


def test_documents_with_several_ids_are_read_to_an_end(source: ElasticsearchSource, shop: Shop) -> None:
    shop.make([{"_id": f"{number:03}", "sku": [f"{number:03}", f"x{number:03}"]} for number in range(60)], sku=KEYWORD)
    spec = IndexSpec(shop.name, fields=BY_SKU)

    [position] = source.slices(spec, 1)

    assert _ids(source, spec, [position]) == Counter(f"fault {number:03}" for number in range(60))


def test_a_document_with_several_ids_is_in_one_slice_only(source: ElasticsearchSource, shop: Shop) -> None:
    shop.make([{"_id": f"{n:03}", "sku": [f"{n:03}", f"{199 - n:03}"]} for n in range(100)], sku=KEYWORD)
    spec = IndexSpec(shop.name, fields=BY_SKU)

    slices = source.slices(spec, 4)

    assert len(slices) > 1
    assert _ids(source, spec, slices, size=7) == Counter(f"fault {number:03}" for number in range(100))


@pytest.mark.parametrize("most", [1, 3])
def test_documents_of_the_same_id_are_read_once_and_on_the_same_page(source: ElasticsearchSource, shop: Shop, most: int) -> None:
    shop.make([{"sku": f"p-{number // 7:02}", "image_url": f"http://a/{number}"} for number in range(210)], sku=KEYWORD, shards=2)
    spec = IndexSpec(shop.name, fields=BY_SKU)
    pages: list[Counter[str]] = []
    for start in source.slices(spec, most):
        position: Position | None = start
        while position is not None:
            page = source.page(spec, position, 10)
            pages.append(Counter(row.product.product_id for row in page.rows if row.product))
            position = page.next

    assert source.is_unique(spec)
    assert sum(pages, Counter()) == Counter({f"p-{number:02}": 7 for number in range(30)})
    assert {count for page in pages for count in page.values()} == {7}


def test_of_more_documents_with_the_same_id_than_a_page_holds_the_rest_is_told_and_passed_over(
    source: ElasticsearchSource, shop: Shop
) -> None:
    shop.make([*({"sku": "many"} for _ in range(25)), {"sku": "a"}, {"sku": "z"}], sku=KEYWORD)
    spec = IndexSpec(shop.name, fields=BY_SKU)

    read = _ids(source, spec, source.slices(spec, 1), size=10)

    assert read == Counter({"a": 1, "many": 10, "fault sku=many": 1, "z": 1})


@pytest.mark.parametrize("sku", [KEYWORD, {"type": "double"}, {"type": "text"}], ids=["keyword", "double", "text"])
def test_documents_are_found_again_by_their_ids_whatever_the_type(source: ElasticsearchSource, shop: Shop, sku: dict[str, Any]) -> None:
    shop.make([{"sku": str(number), "on": number < 8} for number in range(10)], sku=sku)
    spec = IndexSpec(shop.name, {"term": {"on": True}}, BY_SKU)

    found = source.find(spec, ["3", "7", "9", "nobody", "index/none"])

    assert sorted(row.product.product_id for row in found if row.product) == ["3", "7"]


def test_products_are_read_once_where_their_ids_can_be_sorted_or_are_the_documents_own(source: ElasticsearchSource, shop: Shop) -> None:
    shop.make([{"sku": "a", "size": 1.5}], KEYWORD, name="-a")
    shop.make([{"sku": "a", "size": 1.5}], KEYWORD, name="-b")
    one, both = f"{shop.name}-a", f"{shop.name}-*"

    assert [source.is_unique(IndexSpec(one, fields=FieldNames(id_))) for id_ in ("sku", None, "size")] == [True, True, False]
    assert [source.is_unique(IndexSpec(both, fields=FieldNames(id_))) for id_ in ("sku", None)] == [True, False]


def test_only_what_changed_since_a_time_is_read_if_that_is_wanted(source: ElasticsearchSource, shop: Shop) -> None:
    shop.make([{"sku": f"p-{day}", "changed": f"2026-01-0{day}"} for day in range(1, 6)], sku=KEYWORD)
    everything = IndexSpec(shop.name, fields=BY_SKU, updated_at="changed")
    changed = replace(everything, since="2026-01-04T00:00:00+00:00")

    assert (source.count(everything), source.count(changed)) == (5, 2)
    assert _ids(source, changed, source.slices(changed, 2)) == Counter(["p-4", "p-5"])


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"images": [{"url": "http://a/1"}, {"url": "http://a/2"}]}, "images.url"),
        ({"images": {"front": {"urls": ["http://a/1", "http://a/2", "http://a/1"]}}}, "images.front.urls"),
        ({"images.url": ["http://a/1", " http://a/2 ", "", None]}, "images.url"),
    ],
    ids=["objects in a list", "a list in objects", "a dotted name, and nothing in between"],
)
def test_pictures_are_found_wherever_they_are_nested(source: ElasticsearchSource, shop: Shop, document: dict[str, Any], path: str) -> None:
    shop.make([{"sku": "hat", **document}, {"sku": "none"}], sku=KEYWORD)
    spec = IndexSpec(shop.name, fields=FieldNames("sku", path))

    urls = {row.product.product_id: row.product.image_urls for row in _rows(source, spec, source.slices(spec, 1))}

    assert urls == {"hat": ("http://a/1", "http://a/2"), "none": ()}


def test_a_slice_whose_point_in_time_is_lost_starts_again(source: ElasticsearchSource, shop: Shop) -> None:
    shop.make([{"_id": f"d-{number}", "name": "x"} for number in range(40)])
    spec = IndexSpec(shop.name)
    [position] = source.slices(spec, 1)
    first = source.page(spec, position, 10)
    shop.client.close_point_in_time(id=position["pit"])
    assert first.next is not None

    read = _ids(source, spec, [first.next], size=10)

    assert read == Counter(f"d-{number}" for number in range(40))


def test_no_document_is_missed_when_a_point_in_time_is_lost_while_the_index_changes(source: ElasticsearchSource, shop: Shop) -> None:
    documents = [{"_id": f"d-{number}", "name": "x"} for number in range(200)]
    shop.make(documents)
    spec = IndexSpec(shop.name)
    slices = source.slices(spec, 4)
    before = _ids(source, spec, slices[:2])

    helpers.bulk(shop.client, [{"_index": shop.name, **document} for document in documents[:120]], refresh=True)
    shop.client.indices.forcemerge(index=shop.name, max_num_segments=1)
    shop.client.close_point_in_time(id=slices[0]["pit"])

    assert set(before + _ids(source, spec, slices[2:])) == {f"d-{number}" for number in range(200)}


def test_attributes_are_taken_from_where_they_are_named(source: ElasticsearchSource, shop: Shop) -> None:
    shop.make([{"sku": "hat", "image_url": ["http://a/1", "http://a/2"], "name": "Hat", "shop": {"price": 9, "tags": ["a", "b"]}}], KEYWORD)

    def attributes(named: str | tuple[str, ...] | None) -> Mapping[str, Any]:
        spec = IndexSpec(shop.name, fields=FieldNames("sku", attributes=named))
        [row] = _rows(source, spec, source.slices(spec, 1))
        assert row.product.image_urls == ("http://a/1", "http://a/2")
        found: Mapping[str, Any] = row.product.attributes
        return found

    assert attributes(None) == {"name": "Hat", "shop": {"price": 9, "tags": ["a", "b"]}}
    assert attributes("shop") == {"price": 9, "tags": ["a", "b"]}
    assert attributes(("name", "shop.tags")) == {"name": "Hat", "shop.tags": ["a", "b"]}


def test_an_unknown_index_is_the_callers_fault(source: ElasticsearchSource) -> None:
    for ask in (source.count, lambda spec: source.slices(spec, 2)):
        with pytest.raises(RequestInvalid) as refused:
            ask(IndexSpec("there-is-no-such-index", fields=BY_SKU))
        assert refused.value.field == "source.index"


@pytest.mark.parametrize("query", [{"no_such_query": {}}, {"match_all": {}, "term": {"a": 1}}, {"range": {"sku": {"over": 1}}}], ids=str)
def test_a_query_that_cannot_be_answered_is_the_callers_fault(source: ElasticsearchSource, shop: Shop, query: dict[str, Any]) -> None:
    shop.make([{"sku": "hat"}], KEYWORD)

    with pytest.raises(RequestInvalid):
        source.count(IndexSpec(shop.name, query))


@pytest.mark.parametrize("index", ["../_all", "a/b", "a?b=c", "a#b", "_all/_search", "a%2fb"])
def test_an_index_name_never_becomes_another_request(source: ElasticsearchSource, index: str) -> None:
    with pytest.raises(RequestInvalid):
        source.count(IndexSpec(index))


def test_the_name_of_a_field_never_becomes_another_parameter(source: ElasticsearchSource, shop: Shop) -> None:
    shop.make([{"_id": "1", "a&ignore_unavailable=x#": "hat"}])
    spec = IndexSpec(shop.name, fields=FieldNames("a&ignore_unavailable=x#"))

    assert _ids(source, spec, source.slices(spec, 2)) == Counter(["hat"])


def test_a_source_that_is_not_there_passes() -> None:
    with pytest.raises(IndexAway):
        ElasticsearchSource("http://127.0.0.1:9").count(IndexSpec("shop"))
