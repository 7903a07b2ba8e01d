"""What every store of dead letters promises: each once, seen at once, found by queue and by backfill, until it is removed."""

from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.dead_letter_store import ElasticsearchDeadLetterStore
from lookalike.backfill.dead_letters import DeadLetter, DeadLetterStore

from tests.fakes import FakeDeadLetterStore
from tests.integration.samples import own_name

LARGE = '{"put": "' + "ü" * 100_000 + '"}'
OURS = [
    DeadLetter("products", "1", LARGE, 3, "index_away: gone", "b"),
    DeadLetter("products", "2", "poison", 1, "request_invalid: no JSON"),
    DeadLetter("backfill", "1", "{}", 2, "unavailable: busy", "b"),
    DeadLetter("uploads", "1", "{}", 4, "unavailable: busy"),
]


@pytest.fixture(params=["fake", "elasticsearch"])
def store(request: pytest.FixtureRequest) -> Iterator[DeadLetterStore]:
    if request.param == "fake":
        yield FakeDeadLetterStore()
        return
    client: Elasticsearch = request.getfixturevalue("elasticsearch")
    with own_name(client) as name:
        yield ElasticsearchDeadLetterStore(client, name)


def test_an_empty_store_has_nothing(store: DeadLetterStore) -> None:
    store.put([])
    store.remove(OURS)
    store.remove_of("b", "products")

    assert (store.page(size=10), store.counts()) == ([], {})


def test_dead_letters_are_found_by_queue_and_backfill_the_oldest_first(store: DeadLetterStore) -> None:
    store.put(OURS)
    store.put(OURS)

    assert store.page(size=10) == [OURS[1], OURS[2], OURS[0], OURS[3]]
    assert store.page(size=2) == [OURS[1], OURS[2]]
    assert store.page("products", size=10) == [OURS[1], OURS[0]]
    assert store.page("products", "b", size=10) == [OURS[0]]
    assert store.counts() == {"b": {"products": 1, "backfill": 1}}


def test_what_is_removed_is_gone_at_once(store: DeadLetterStore) -> None:
    store.put(OURS)
    store.remove(OURS[1:2])
    store.remove_of("b", "backfill")

    assert store.page(size=10) == [OURS[0], OURS[3]]
