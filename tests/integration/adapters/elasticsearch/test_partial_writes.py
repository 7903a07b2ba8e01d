"""What the stores of backfills and outcomes do when Elasticsearch takes only a part of a write."""

from datetime import UTC, datetime
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.backfill_store import ElasticsearchBackfillStore
from lookalike.adapters.elasticsearch.outcome_store import ElasticsearchOutcomeStore
from lookalike.backfill.model import Backfill, IndexSpec
from lookalike.errors import LookalikeError
from lookalike.indexing.outcomes import ItemOutcome

REFUSES_POSITIONS: dict[str, Any] = {"dynamic": False, "properties": {"position": {"type": "integer"}}}


def test_a_backfill_is_never_stored_without_its_slices(elasticsearch: Elasticsearch, name: str) -> None:
    elasticsearch.indices.create(index=name, mappings=REFUSES_POSITIONS)
    store = ElasticsearchBackfillStore(elasticsearch, name)

    with pytest.raises(LookalikeError):
        store.begin(Backfill("b", 1, IndexSpec("shop"), 10, 1, datetime.now(UTC)), [{"field": "sku"}])

    assert store.backfill("b") is None


def test_an_outcome_that_cannot_be_written_is_an_error(elasticsearch: Elasticsearch, name: str) -> None:
    outcomes = ElasticsearchOutcomeStore(elasticsearch, name)
    outcomes.record([ItemOutcome("hat", "indexed", "b", 1)])
    elasticsearch.indices.put_settings(index=name, settings={"index.blocks.write": True})

    with pytest.raises(LookalikeError):
        outcomes.record([ItemOutcome("mug", "indexed", "b", 1)])
    with pytest.raises(LookalikeError):
        outcomes.record([ItemOutcome("hat", "indexed")])
