"""Every document of a real index is read once, whatever the index is like and whatever happens on the way."""

from collections import Counter
from typing import Any

import pytest
from elasticsearch import helpers
from lookalike.adapters.elasticsearch.source import MAX_POINT_IN_TIME_SLICES, ElasticsearchSource
from lookalike.backfill.model import IndexSpec

from tests.integration.adapters.elasticsearch.source.source_index import BY_SKU, KEYWORD, SourceIndex, read_ids


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
    source: ElasticsearchSource, source_index: SourceIndex, mapping: dict[str, Any], value: str | None
) -> None:
    ids = [value.format(number) if value else number - 50 for number in range(150)]
    source_index.make([{"sku": id_} for id_ in ids], sku=mapping)
    spec = IndexSpec(source_index.name, fields=BY_SKU)

    assert read_ids(source, spec, source.slices(spec, 5)) == Counter(map(str, ids))


def test_a_long_index_is_cut_into_ranges_of_about_the_same_size(source: ElasticsearchSource, source_index: SourceIndex) -> None:
    source_index.make([{"sku": f"{number:04}"} for number in range(400)], sku=KEYWORD)
    spec = IndexSpec(source_index.name, fields=BY_SKU)

    slices = source.slices(spec, 4)

    sizes = [read_ids(source, spec, [position], size=500).total() for position in slices]
    assert len(slices) == 4
    assert min(sizes) > 20
    assert sum(sizes) == 400


def test_without_a_field_to_sort_by_the_slices_are_few(source: ElasticsearchSource, source_index: SourceIndex) -> None:
    source_index.make([{"_id": str(number)} for number in range(200)])
    spec = IndexSpec(source_index.name)

    slices = source.slices(spec, 500)

    assert len(slices) == MAX_POINT_IN_TIME_SLICES
    assert read_ids(source, spec, slices) == Counter(str(number) for number in range(200))


def test_several_indices_are_one_source_though_one_does_not_know_the_id(source: ElasticsearchSource, source_index: SourceIndex) -> None:
    source_index.make([{"sku": f"p-{number}"} for number in range(40)], sku=KEYWORD, name="-a")
    source_index.make([{"_id": "stray", "name": "x"}], name="-b")
    spec = IndexSpec(f"{source_index.name}-*", fields=BY_SKU)

    assert source.count(spec) == 41
    assert read_ids(source, spec, source.slices(spec, 2), size=7) == Counter(["fault stray", *(f"p-{number}" for number in range(40))])


def test_documents_with_several_ids_are_read_to_an_end(source: ElasticsearchSource, source_index: SourceIndex) -> None:
    source_index.make([{"_id": f"{number:03}", "sku": [f"{number:03}", f"x{number:03}"]} for number in range(60)], sku=KEYWORD)
    spec = IndexSpec(source_index.name, fields=BY_SKU)

    [position] = source.slices(spec, 1)

    assert read_ids(source, spec, [position]) == Counter(f"fault {number:03}" for number in range(60))


def test_a_document_with_several_ids_is_in_one_slice_only(source: ElasticsearchSource, source_index: SourceIndex) -> None:
    source_index.make([{"_id": f"{n:03}", "sku": [f"{n:03}", f"{199 - n:03}"]} for n in range(100)], sku=KEYWORD)
    spec = IndexSpec(source_index.name, fields=BY_SKU)

    slices = source.slices(spec, 4)

    assert len(slices) > 1
    assert read_ids(source, spec, slices, size=7) == Counter(f"fault {number:03}" for number in range(100))


def test_a_slice_whose_point_in_time_is_lost_starts_again(source: ElasticsearchSource, source_index: SourceIndex) -> None:
    source_index.make([{"_id": f"d-{number}", "name": "x"} for number in range(40)])
    spec = IndexSpec(source_index.name)
    [position] = source.slices(spec, 1)
    first = source.page(spec, position, 10)
    source_index.client.close_point_in_time(id=position["pit"])
    assert first.next is not None

    read = read_ids(source, spec, [first.next], size=10)

    assert read == Counter(f"d-{number}" for number in range(40))


def test_no_document_is_missed_when_a_point_in_time_is_lost_while_the_index_changes(
    source: ElasticsearchSource, source_index: SourceIndex
) -> None:
    documents = [{"_id": f"d-{number}", "name": "x"} for number in range(200)]
    source_index.make(documents)
    spec = IndexSpec(source_index.name)
    slices = source.slices(spec, 4)
    before = read_ids(source, spec, slices[:2])

    helpers.bulk(source_index.client, [{"_index": source_index.name, **document} for document in documents[:120]], refresh=True)
    source_index.client.indices.forcemerge(index=source_index.name, max_num_segments=1)
    source_index.client.close_point_in_time(id=slices[0]["pit"])

    assert set(before + read_ids(source, spec, slices[2:])) == {f"d-{number}" for number in range(200)}
