"""The fake index and the real one."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.index import ElasticsearchIndex

from tests.fakes import FakeIndex
from tests.integration.contracts.index.index_under_test import IndexUnderTest
from tests.integration.samples import indexed, own_name, pictures_definition


@contextmanager
def _empty_index(request: pytest.FixtureRequest) -> Iterator[IndexUnderTest]:
    if request.param == "fake":
        yield IndexUnderTest(FakeIndex(), lambda: None)
        return
    client: Elasticsearch = request.getfixturevalue("elasticsearch")
    with own_name(client) as name:
        client.indices.create(index=name, **pictures_definition())
        yield IndexUnderTest(ElasticsearchIndex(client, name), lambda: client.indices.refresh(index=name))


@pytest.fixture(params=["fake", "elasticsearch"])
def under_test(request: pytest.FixtureRequest) -> Iterator[IndexUnderTest]:
    with _empty_index(request) as made:
        yield made


@pytest.fixture(params=["fake", "elasticsearch"], scope="module")
def assortment(request: pytest.FixtureRequest) -> Iterator[IndexUnderTest]:
    """Four products, for tests that only read."""
    with _empty_index(request) as made:
        made.write(
            indexed("hat", {"kind": "dress", "price": 10, "stock": True, "since": "2024-05-01", "size": {"eu": "42"}}),
            indexed("mug", {"kind": "cup", "price": 19.9, "stock": False, "since": "2025-05-01", "tags": ["a", "b"]}),
            indexed("lamp", {"price": "99"}),
            indexed("odd", {"price": "on request"}),
        )
        yield made
