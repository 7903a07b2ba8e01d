"""What a store of backfills does when Elasticsearch takes only a part of it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch_backfills import ElasticsearchBackfills
from lookalike.adapters.elasticsearch_outcomes import ElasticsearchOutcomes
from lookalike.backfills import Backfill, IndexSpec
from lookalike.errors import LookalikeError
from lookalike.products import ProductOutcome

from tests.integration.samples import DEFINITIONS

REFUSES_POSITIONS: dict[str, Any] = {"dynamic": False, "properties": {"position": {"type": "integer"}}}


def test_a_backfill_is_never_remembered_without_its_slices(elasticsearch: Elasticsearch, name: str) -> None:
    elasticsearch.indices.create(index=name, mappings=REFUSES_POSITIONS)
    store = ElasticsearchBackfills(elasticsearch, name, DEFINITIONS)

    with pytest.raises(LookalikeError):
        store.begin(Backfill("b", 1, IndexSpec("shop"), 10, 1, datetime.now(UTC)), [{"field": "sku"}])

    assert store.backfill("b") is None


def test_an_outcome_that_cannot_be_written_is_an_error(elasticsearch: Elasticsearch, name: str) -> None:
    outcomes = ElasticsearchOutcomes(elasticsearch, name, DEFINITIONS)
    outcomes.record([ProductOutcome("hat", "indexed", "b", 1)])
    elasticsearch.indices.put_settings(index=name, settings={"index.blocks.write": True})

    with pytest.raises(LookalikeError):
        outcomes.record([ProductOutcome("mug", "indexed", "b", 1)])
    with pytest.raises(LookalikeError):
        outcomes.record([ProductOutcome("hat", "indexed")])
