"""The indices behind a test's own alias, and two models that may fill them."""

from collections.abc import Callable

import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.backfill_indices import BackfillIndices
from lookalike.adapters.elasticsearch.indices import definition_of
from lookalike.domain import IndexOptions, Model

from tests.fakes import MODEL
from tests.integration.adapters.elasticsearch.indices.manual_clock import ManualClock
from tests.integration.samples import OTHER_MODEL


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def indices(elasticsearch: Elasticsearch, name: str, clock: ManualClock) -> BackfillIndices:
    return BackfillIndices(elasticsearch, name, clock=clock, model={MODEL.id: MODEL, OTHER_MODEL.id: OTHER_MODEL}.__getitem__)


@pytest.fixture
def create(elasticsearch: Elasticsearch, name: str) -> Callable[..., str]:
    """Makes an index for a model, behind aliases; answers with its name."""

    def make(suffix: str, model: Model, *aliases: str) -> str:
        index = f"{name}-{suffix}"
        elasticsearch.indices.create(index=index, aliases={alias: {} for alias in aliases}, **definition_of(model, IndexOptions()))
        return index

    return make
