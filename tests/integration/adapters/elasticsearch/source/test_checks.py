"""What is found out of a source before it is read: its indices, its dates, its server."""

from collections import Counter
from dataclasses import replace
from importlib import resources
from json import dumps, loads
from typing import Any

import pytest
from elasticsearch import Elasticsearch, helpers
from lookalike.adapters.elasticsearch.source import ElasticsearchSource
from lookalike.adapters.elasticsearch.source_checks import check_server
from lookalike.backfill.model import IndexSpec
from lookalike.errors import RequestInvalid

from tests.integration.adapters.elasticsearch.source.source_index import BY_SKU, KEYWORD, SourceIndex, read_ids
from tests.integration.samples import pictures_definition
from tests.integration.scripted_server import ScriptedServer, answer

SINCE = "2026-01-04T00:00:00+00:00"

DATES: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "a date": ({"type": "date"}, ["2026-01-02", "2026-01-03T23:59:59Z", "2026-01-04T00:00:00Z", "2026-01-05T01:00:00+02:00"]),
    "a day and a time": (
        {"type": "date", "format": "yyyy-MM-dd HH:mm:ss"},
        ["2026-01-02 10:00:00", "2026-01-03 23:59:59", "2026-01-04 00:00:00", "2026-01-05 01:00:00"],
    ),
    "a German date": (
        {"type": "date", "format": "dd.MM.yyyy HH:mm"},
        ["02.01.2026 10:00", "03.01.2026 23:59", "04.01.2026 00:00", "05.01.2026 01:00"],
    ),
    "seconds as a date": ({"type": "date", "format": "epoch_second"}, [1767312000, 1767484799, 1767484800, 1767571200]),
    "milliseconds as a date": ({"type": "date", "format": "epoch_millis"}, [1767312000000, 1767484799000, 1767484800000, 1767571200000]),
    "nanoseconds": ({"type": "date_nanos"}, ["2026-01-02", "2026-01-03T23:59:59.999999999Z", "2026-01-04T00:00:00Z", "2026-01-05"]),
    "seconds as a number": ({"type": "long"}, [1767312000, 1767484799, 1767484800, 1767571200]),
    "milliseconds as a number": ({"type": "long"}, [1767312000000, 1767484799000, 1767484800000, 1767571200000]),
    "microseconds as a number": ({"type": "long"}, [1767312000000000, 1767484799000000, 1767484800000000, 1767571200000000]),
    "seconds as an integer": ({"type": "integer"}, [1767312000, 1767484799, 1767484800, 1767571200]),
    "documents that differ in the unit": ({"type": "long"}, [1767312000, 1767484799000, 1767484800000000, 1767571200]),
    "seconds, and a time that never comes": ({"type": "long"}, [1767312000, 1767484799, 1767484800, 2**63 - 1]),
    "seconds as a fraction": ({"type": "double"}, [1767312000.5, 1767484799.5, 1767484800.0, 1767571200.25]),
}


@pytest.mark.parametrize(("mapping", "values"), DATES.values(), ids=DATES.keys())
def test_what_changed_is_found_by_dates_however_they_are_written(
    source: ElasticsearchSource, source_index: SourceIndex, elasticsearch: Elasticsearch, mapping: dict[str, Any], values: list[Any]
) -> None:
    elasticsearch.indices.create(index=source_index.name, mappings={"properties": {"sku": KEYWORD, "changed_at": mapping}})
    documents = [{"_index": source_index.name, "sku": f"p-{day}", "changed_at": value} for day, value in enumerate(values, 2)]
    helpers.bulk(elasticsearch, documents, refresh=True)
    spec = source.resolved(IndexSpec(source_index.name, fields=BY_SKU, updated_at="changed_at"))

    changed = replace(spec, since=SINCE)

    assert read_ids(source, changed, source.slices(changed, 1)) == Counter(["p-4", "p-5"])


@pytest.mark.parametrize("mapping", [KEYWORD, {"type": "text"}, {"type": "boolean"}, None])
def test_a_field_that_is_no_date_is_refused_before_the_first_night(
    source: ElasticsearchSource, source_index: SourceIndex, elasticsearch: Elasticsearch, mapping: dict[str, Any] | None
) -> None:
    properties = {"sku": KEYWORD} | ({"changed_at": mapping} if mapping else {})
    elasticsearch.indices.create(index=source_index.name, mappings={"properties": properties})

    with pytest.raises(RequestInvalid) as refused:
        source.resolved(IndexSpec(source_index.name, fields=BY_SKU, updated_at="changed_at"))
    assert refused.value.field == "source.updated_at"


def test_a_nested_date_is_refused_before_the_first_night(
    source: ElasticsearchSource, source_index: SourceIndex, elasticsearch: Elasticsearch
) -> None:
    nested = {"type": "nested", "properties": {"changed_at": {"type": "date"}}}
    elasticsearch.indices.create(index=source_index.name, mappings={"properties": {"sku": KEYWORD, "log": nested}})

    with pytest.raises(RequestInvalid, match="nested"):
        source.resolved(IndexSpec(source_index.name, fields=BY_SKU, updated_at="log.changed_at"))


def _own(client: Elasticsearch, name: str) -> None:
    """The system's own indices, beside those of a shop."""
    client.indices.create(index=f"{name}-model-1", **pictures_definition())
    for path in resources.files("lookalike.adapters.elasticsearch").joinpath("mappings").iterdir():
        if path.name != "pictures.json":
            client.indices.create(index=f"{name}-{path.name.removesuffix('.json').replace('_', '-')}", **loads(path.read_text()))
    for own in client.indices.get(index=f"{name}-*,-{name}-products", features=["aliases"]):
        client.index(index=own, document={"product_id": "ours", "sku": "ours"}, refresh=True)


@pytest.mark.parametrize("pattern", ["{}*", "{}-*", "{}-products,{}-*", "*", "_all"])
def test_no_pattern_reads_the_system_s_own_indices(
    source: ElasticsearchSource, source_index: SourceIndex, elasticsearch: Elasticsearch, pattern: str
) -> None:
    source_index.make([{"sku": f"p-{number}"} for number in range(5)], KEYWORD, name="-products")
    _own(elasticsearch, source_index.name)

    name = source_index.name
    spec = source.resolved(IndexSpec(pattern.format(name, name), {"wildcard": {"_index": f"{name}*"}}, BY_SKU))

    assert source.count(spec) == 5
    assert read_ids(source, spec, source.slices(spec, 2)) == Counter(f"p-{number}" for number in range(5))


def test_a_pattern_that_matches_nothing_or_only_our_own_is_refused(
    source: ElasticsearchSource, source_index: SourceIndex, elasticsearch: Elasticsearch
) -> None:
    _own(elasticsearch, source_index.name)
    for pattern, reason in ((f"{source_index.name}-none-*", "no index matches"), (f"{source_index.name}-*", "lookalike's own")):
        with pytest.raises(RequestInvalid, match=reason) as refused:
            source.resolved(IndexSpec(pattern, fields=BY_SKU))
        assert refused.value.field == "source.index"


@pytest.mark.parametrize("own", ["model-1", "outcomes", "product-states", "alias", "model-1,{}-products"])
def test_an_index_of_our_own_is_no_source_of_products_unless_the_product_s_id_is_named(
    source: ElasticsearchSource, source_index: SourceIndex, elasticsearch: Elasticsearch, own: str
) -> None:
    source_index.make([{"sku": "hat"}], KEYWORD, name="-products")
    _own(elasticsearch, source_index.name)
    elasticsearch.indices.put_alias(index=f"{source_index.name}-model-1", name=f"{source_index.name}-alias")
    name = f"{source_index.name}-{own.format(source_index.name)}"

    with pytest.raises(RequestInvalid, match="lookalike's own: its pictures are the source") as refused:
        source.resolved(IndexSpec(name))
    assert refused.value.field == "source.index"
    assert source.resolved(IndexSpec(name, fields=BY_SKU)) == IndexSpec(name, fields=BY_SKU)


def test_a_name_without_a_pattern_stays_as_it_is(source: ElasticsearchSource, source_index: SourceIndex) -> None:
    source_index.make([{"sku": "hat"}], KEYWORD)
    spec = IndexSpec(source_index.name, fields=BY_SKU)

    assert source.resolved(spec) == spec


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ({"number": "2.19.1", "distribution": "opensearch"}, "opensearch 2.19.1"),
        ({"number": "7.10.2"}, "7.10.2, which is too old"),
        ({"number": "6.8.23"}, "too old"),
        ({}, "too old"),
    ],
)
def test_a_server_that_cannot_be_read_is_refused_with_the_reason(version: dict[str, Any], reason: str) -> None:
    with ScriptedServer({"/": answer(body=dumps({"version": version}).encode())}) as server:
        with pytest.raises(RequestInvalid, match=reason) as refused:
            ElasticsearchSource(server.url("")).resolved(IndexSpec("shop"))
        assert refused.value.field == "source.url"


@pytest.mark.parametrize("version", [{"number": "7.12.0"}, {"number": "9.4.3"}, {"number": "8.11.0", "build_flavor": "serverless"}])
def test_a_server_that_can_be_read_is_not_refused(version: dict[str, Any]) -> None:
    check_server({"version": version})
