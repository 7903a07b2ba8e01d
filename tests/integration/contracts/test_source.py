"""What every source promises: each of its documents is read once."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from elasticsearch import Elasticsearch, helpers
from lookalike.adapters.dispatch.sources import SourceByKind
from lookalike.adapters.elasticsearch.source import ElasticsearchSource
from lookalike.adapters.s3.bucket_source import BucketSource
from lookalike.backfill.model import FieldNames, IndexSpec, Position, Source, SourceDocument

from tests.fakes import FakeSource
from tests.integration.samples import own_name

COUNT = 100
FAULTS = 3


@dataclass(frozen=True)
class SourceUnderTest:
    """A source of a hundred products and three documents that describe none."""

    source: Source
    spec: IndexSpec

    def read(self, position: Position | None, size: int) -> list[SourceDocument]:
        """A slice to its end; positions travel as JSON."""
        documents: list[SourceDocument] = []
        while position is not None:
            page = self.source.page(self.spec, json.loads(json.dumps(position)), size)
            documents += (found := list(page.documents))
            assert len(found) <= size
            position = page.next
        return documents


@pytest.fixture(params=["fake", "elasticsearch"], scope="module")
def under_test(request: pytest.FixtureRequest) -> Iterator[SourceUnderTest]:
    if request.param == "fake":
        yield SourceUnderTest(FakeSource(COUNT, FAULTS), IndexSpec("shop"))
        return
    client: Elasticsearch = request.getfixturevalue("elasticsearch")
    with own_name(client) as name:
        client.indices.create(index=name, mappings={"properties": {"sku": {"type": "keyword"}}})
        products = [{"sku": f"p-{number}", "image_url": f"http://a/{number}"} for number in range(COUNT)]
        faults = [{"image_url": "http://a/1"} for _ in range(FAULTS)]
        helpers.bulk(client, [{"_index": name, **each} for each in products + faults], refresh=True)
        own = ElasticsearchSource(request.getfixturevalue("elasticsearch_url"))
        source = SourceByKind(own, BucketSource(request.getfixturevalue("s3")), lambda arn, _: arn, {})
        yield SourceUnderTest(source, IndexSpec(name, fields=FieldNames("sku")))


def test_documents_are_counted_whether_they_describe_a_product_or_not(under_test: SourceUnderTest) -> None:
    assert under_test.source.count(under_test.spec) == COUNT + FAULTS


@pytest.mark.parametrize("most", [1, 2, 7])
@pytest.mark.parametrize("size", [9, 10, 1000])
def test_the_slices_together_are_every_document_once(under_test: SourceUnderTest, most: int, size: int) -> None:
    documents = [document for position in under_test.source.slices(under_test.spec, most) for document in under_test.read(position, size)]

    assert sorted(document.product.product_id for document in documents if document.product) == sorted(
        f"p-{number}" for number in range(COUNT)
    )
    assert len({document.key for document in documents}) == len(documents) == COUNT + FAULTS


def test_a_product_is_read_with_the_addresses_of_its_pictures(under_test: SourceUnderTest) -> None:
    documents = [document for position in under_test.source.slices(under_test.spec, 1) for document in under_test.read(position, 1000)]

    [product] = [document.product for document in documents if document.product and document.product.product_id == "p-7"]
    assert product.image_urls == ("http://a/7",)


def test_a_document_that_describes_no_product_says_why(under_test: SourceUnderTest) -> None:
    documents = [document for position in under_test.source.slices(under_test.spec, 1) for document in under_test.read(position, 1000)]

    assert [bool(document.fault) for document in documents if document.product is None] == [True] * FAULTS
    assert not any(document.fault for document in documents if document.product)


def test_a_position_that_is_read_again_gives_the_same_documents(under_test: SourceUnderTest) -> None:
    position = under_test.source.slices(under_test.spec, 1)[0]

    first, again = (list(under_test.source.page(under_test.spec, position, 10).documents) for _ in range(2))
    assert len(first) == 10
    assert first == again


def test_each_product_is_read_once(under_test: SourceUnderTest) -> None:
    assert under_test.source.is_unique(under_test.spec)


def test_products_and_faults_are_found_again_by_the_keys_of_their_outcomes(under_test: SourceUnderTest) -> None:
    documents = [document for position in under_test.source.slices(under_test.spec, 1) for document in under_test.read(position, 1000)]
    fault = next(document for document in documents if document.fault)

    found = under_test.source.find(under_test.spec, ["p-7", "p-8", fault.key, "p-nobody", "strange/key"])

    assert sorted(document.product.product_id if document.product else document.key for document in found) == sorted(
        ["p-7", "p-8", fault.key]
    )
    assert list(under_test.source.find(under_test.spec, [])) == []
