"""What every source promises: each of its documents is read once."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from elasticsearch import Elasticsearch, helpers
from lookalike.adapters.elasticsearch_source import ElasticsearchSource
from lookalike.adapters.s3_objects import S3Objects
from lookalike.adapters.sources import Sources
from lookalike.backfills import FieldNames, IndexSpec, Position, Row, Source

from tests.fakes import FakeSource
from tests.integration.samples import own_name

COUNT = 100
FAULTS = 3


@dataclass(frozen=True)
class Bench:
    """A source of a hundred products and three documents that describe none."""

    source: Source
    spec: IndexSpec

    def read(self, position: Position | None, size: int) -> list[Row]:
        """A slice to its end; positions travel as JSON."""
        rows: list[Row] = []
        while position is not None:
            page = self.source.page(self.spec, json.loads(json.dumps(position)), size)
            assert len(page.rows) <= size
            rows += page.rows
            position = page.next
        return rows


@pytest.fixture(params=["fake", "elasticsearch"], scope="module")
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    if request.param == "fake":
        yield Bench(FakeSource(COUNT, FAULTS), IndexSpec("shop"))
        return
    client: Elasticsearch = request.getfixturevalue("elasticsearch")
    with own_name(client) as name:
        client.indices.create(index=name, mappings={"properties": {"sku": {"type": "keyword"}}})
        products = [{"sku": f"p-{number}", "image_url": f"http://a/{number}"} for number in range(COUNT)]
        faults = [{"image_url": "http://a/1"} for _ in range(FAULTS)]
        helpers.bulk(client, [{"_index": name, **each} for each in products + faults], refresh=True)
        own = ElasticsearchSource(request.getfixturevalue("elasticsearch_url"))
        source = Sources(own, S3Objects(request.getfixturevalue("s3")), lambda arn: arn)
        yield Bench(source, IndexSpec(name, fields=FieldNames("sku")))


def test_documents_are_counted_whether_they_describe_a_product_or_not(bench: Bench) -> None:
    assert bench.source.count(bench.spec) == COUNT + FAULTS


@pytest.mark.parametrize("most", [1, 2, 7])
@pytest.mark.parametrize("size", [9, 10, 1000])
def test_the_slices_together_are_every_document_once(bench: Bench, most: int, size: int) -> None:
    rows = [row for position in bench.source.slices(bench.spec, most) for row in bench.read(position, size)]

    assert sorted(row.product.product_id for row in rows if row.product) == sorted(f"p-{number}" for number in range(COUNT))
    assert len({row.key for row in rows}) == len(rows) == COUNT + FAULTS


def test_a_product_is_read_with_the_addresses_of_its_pictures(bench: Bench) -> None:
    rows = [row for position in bench.source.slices(bench.spec, 1) for row in bench.read(position, 1000)]

    [product] = [row.product for row in rows if row.product and row.product.product_id == "p-7"]
    assert product.image_urls == ("http://a/7",)


def test_a_document_that_describes_no_product_says_why(bench: Bench) -> None:
    rows = [row for position in bench.source.slices(bench.spec, 1) for row in bench.read(position, 1000)]

    assert [bool(row.fault) for row in rows if row.product is None] == [True] * FAULTS
    assert not any(row.fault for row in rows if row.product)


def test_a_position_that_is_read_again_gives_the_same_documents(bench: Bench) -> None:
    position = bench.source.slices(bench.spec, 1)[0]

    assert bench.source.page(bench.spec, position, 10).rows == bench.source.page(bench.spec, position, 10).rows


def test_each_product_is_read_once(bench: Bench) -> None:
    assert bench.source.is_unique(bench.spec)


def test_products_and_faults_are_found_again_by_the_keys_of_their_outcomes(bench: Bench) -> None:
    rows = [row for position in bench.source.slices(bench.spec, 1) for row in bench.read(position, 1000)]
    fault = next(row for row in rows if row.fault)

    found = bench.source.find(bench.spec, ["p-7", "p-8", fault.key, "p-nobody", "strange/key"])

    assert sorted(row.product.product_id if row.product else row.key for row in found) == sorted(["p-7", "p-8", fault.key])
    assert list(bench.source.find(bench.spec, [])) == []
