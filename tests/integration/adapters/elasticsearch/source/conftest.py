"""A source, and an index of products that no other test uses."""

import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.source import ElasticsearchSource

from tests.integration.adapters.elasticsearch.source.source_index import SourceIndex


@pytest.fixture
def source(elasticsearch_url: str) -> ElasticsearchSource:
    return ElasticsearchSource(elasticsearch_url)


@pytest.fixture
def source_index(elasticsearch: Elasticsearch, name: str) -> SourceIndex:
    return SourceIndex(elasticsearch, name)
