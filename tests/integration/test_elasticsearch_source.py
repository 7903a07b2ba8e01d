"""Products of a real index: every document once, whatever the index is like and whatever happens on the way."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest
from elasticsearch import Elasticsearch, helpers
from lookalike.adapters.elasticsearch_source import ElasticsearchSource
from lookalike.backfilling import FieldNames, Position, SourceSpec
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


def _rows(source: ElasticsearchSource, spec: SourceSpec, positions: Iterable[Position], size: int = 20) -> Iterator[Any]:
    for start in positions:
        position: Position | None = start
        while position is not None:
            page = source.page(spec, position, size)
            yield from page.rows
            position = page.next


def _ids(source: ElasticsearchSource, spec: SourceSpec, positions: Iterable[Position], size: int = 20) -> Counter[str]:
    return Counter(row.product.product_id if row.product else f"fault {row.key}" for row in _rows(source, spec, positions, size))


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
    spec = SourceSpec(shop.name, fields=BY_SKU)

    assert _ids(source, spec, source.slices(spec, 5)) == Counter(map(str, ids))


def test_a_long_index_is_cut_into_ranges_of_about_the_same_size(source: ElasticsearchSource, shop: Shop) -> None:
    shop.make([{"sku": f"{number:04}"} for number in range(400)], sku=KEYWORD)
    spec = SourceSpec(shop.name, fields=BY_SKU)

    slices = source.slices(spec, 4)

    sizes = [_ids(source, spec, [position], size=500).total() for position in slices]
    assert len(slices) == 4
    assert min(sizes) > 20
    assert sum(sizes) == 400


def test_documents_without_an_id_are_read_too_and_say_what_they_lack(source: ElasticsearchSource, shop: Shop) -> None:
    shop.make(
        [*({"sku": f"p-{number}"} for number in range(50)), *({"_id": f"none-{number}", "name": "x"} for number in range(30))], KEYWORD
    )
    spec = SourceSpec(shop.name, fields=BY_SKU)

    read = _ids(source, spec, source.slices(spec, 3), size=10)

    assert read == Counter([*(f"p-{number}" for number in range(50)), *(f"fault none-{number}" for number in range(30))])


def test_documents_are_their_own_ids_where_no_field_is_named(source: ElasticsearchSource, shop: Shop) -> None:
    shop.make([{"_id": f"d-{number}", "name": "x"} for number in range(100)], shards=2)
    spec = SourceSpec(shop.name)

    assert _ids(source, spec, source.slices(spec, 4), size=9) == Counter(f"d-{number}" for number in range(100))


def test_a_query_says_which_documents_are_products(source: ElasticsearchSource, shop: Shop) -> None:
    shop.make([{"sku": f"p-{number}", "on": number % 2} for number in range(60)], sku=KEYWORD)
    spec = SourceSpec(shop.name, {"term": {"on": 1}}, BY_SKU)

    assert source.count(spec) == 30
    assert _ids(source, spec, source.slices(spec, 3)) == Counter(f"p-{number}" for number in range(1, 60, 2))


def test_several_indices_are_one_source_though_one_does_not_know_the_id(source: ElasticsearchSource, shop: Shop) -> None:
    shop.make([{"sku": f"p-{number}"} for number in range(40)], sku=KEYWORD, name="-a")
    shop.make([{"_id": "stray", "name": "x"}], name="-b")
    spec = SourceSpec(f"{shop.name}-*", fields=BY_SKU)

    assert source.count(spec) == 41
    assert _ids(source, spec, source.slices(spec, 2), size=7) == Counter(["fault stray", *(f"p-{number}" for number in range(40))])


def test_documents_with_several_ids_are_read_to_an_end(source: ElasticsearchSource, shop: Shop) -> None:
    shop.make([{"_id": f"{number:03}", "sku": [f"{number:03}", f"x{number:03}"]} for number in range(60)], sku=KEYWORD)
    spec = SourceSpec(shop.name, fields=BY_SKU)

    [position] = source.slices(spec, 1)

    assert _ids(source, spec, [position]) == Counter(f"fault {number:03}" for number in range(60))


def test_a_slice_whose_point_in_time_is_lost_starts_again(source: ElasticsearchSource, shop: Shop) -> None:
    shop.make([{"_id": f"d-{number}", "name": "x"} for number in range(40)])
    spec = SourceSpec(shop.name)
    [position] = source.slices(spec, 1)
    first = source.page(spec, position, 10)
    shop.client.close_point_in_time(id=position["pit"])
    assert first.next is not None

    read = _ids(source, spec, [first.next], size=10)

    assert read == Counter(f"d-{number}" for number in range(40))


def test_no_document_is_missed_when_a_point_in_time_is_lost_while_the_index_changes(source: ElasticsearchSource, shop: Shop) -> None:
    documents = [{"_id": f"d-{number}", "name": "x"} for number in range(200)]
    shop.make(documents)
    spec = SourceSpec(shop.name)
    slices = source.slices(spec, 4)
    before = _ids(source, spec, slices[:2])

    helpers.bulk(shop.client, [{"_index": shop.name, **document} for document in documents[:120]], refresh=True)
    shop.client.indices.forcemerge(index=shop.name, max_num_segments=1)
    shop.client.close_point_in_time(id=slices[0]["pit"])

    assert set(before + _ids(source, spec, slices[2:])) == {f"d-{number}" for number in range(200)}


def test_attributes_are_taken_from_where_they_are_named(source: ElasticsearchSource, shop: Shop) -> None:
    shop.make([{"sku": "hat", "image_url": ["http://a/1", "http://a/2"], "name": "Hat", "shop": {"price": 9, "tags": ["a", "b"]}}], KEYWORD)

    def attributes(named: str | tuple[str, ...] | None) -> Mapping[str, Any]:
        spec = SourceSpec(shop.name, fields=FieldNames("sku", attributes=named))
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
            ask(SourceSpec("there-is-no-such-index", fields=BY_SKU))
        assert refused.value.field == "source.index"


@pytest.mark.parametrize("query", [{"no_such_query": {}}, {"match_all": {}, "term": {"a": 1}}, {"range": {"sku": {"over": 1}}}], ids=str)
def test_a_query_that_cannot_be_answered_is_the_callers_fault(source: ElasticsearchSource, shop: Shop, query: dict[str, Any]) -> None:
    shop.make([{"sku": "hat"}], KEYWORD)

    with pytest.raises(RequestInvalid):
        source.count(SourceSpec(shop.name, query))


@pytest.mark.parametrize("index", ["../_all", "a/b", "a?b=c", "a#b", "_all/_search", "a%2fb"])
def test_an_index_name_never_becomes_another_request(source: ElasticsearchSource, index: str) -> None:
    with pytest.raises(RequestInvalid):
        source.count(SourceSpec(index))


def test_the_name_of_a_field_never_becomes_another_parameter(source: ElasticsearchSource, shop: Shop) -> None:
    shop.make([{"_id": "1", "a&ignore_unavailable=x#": "hat"}])
    spec = SourceSpec(shop.name, fields=FieldNames("a&ignore_unavailable=x#"))

    assert _ids(source, spec, source.slices(spec, 2)) == Counter(["hat"])


def test_a_source_that_is_not_there_passes() -> None:
    with pytest.raises(IndexAway):
        ElasticsearchSource("http://127.0.0.1:9").count(SourceSpec("shop"))
