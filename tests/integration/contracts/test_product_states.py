"""What every store of product states promises: what is read is what was stored last, and nobody overwrites what he has not read."""

from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.product_states import ElasticsearchProductStates
from lookalike.domain import Product
from lookalike.indexing.product_updates import ProductState, ProductStates

from tests.fakes import FakeProductStates
from tests.integration.samples import own_name

HAT = ProductState("hat", 1767323045678, Product("hat", ("http://a/1", "s3://b/2"), {"price": 19.9, "ü": [{"a": None}]}), ("http://a/0",))
GONE = ProductState("mug", 5, None, ("http://a/3",))


@pytest.fixture(params=["fake", "elasticsearch"])
def states(request: pytest.FixtureRequest) -> Iterator[ProductStates]:
    if request.param == "fake":
        yield FakeProductStates()
        return
    client: Elasticsearch = request.getfixturevalue("elasticsearch")
    with own_name(client) as name:
        yield ElasticsearchProductStates(client, f"{name}-products")


def test_states_are_read_as_they_were_stored_at_once(states: ProductStates) -> None:
    assert states.get(["hat", "mug"]) == {}
    stored = states.put([HAT, GONE])

    assert stored == {"hat": HAT, "mug": GONE}
    assert states.get(["hat", "mug", "cap"]) == stored
    assert states.get([]) == {}


def test_a_state_is_stored_only_in_place_of_the_one_that_was_read(states: ProductStates) -> None:
    states.put([HAT])
    [read] = states.get(["hat"]).values()
    newer = ProductState("hat", 1767323045679, None).after(read)
    states.put([newer])
    [stored] = states.get(["hat"]).values()

    assert states.put([newer]) == {}
    assert states.put([HAT]) == {}
    assert states.get(["hat"]) == {"hat": newer}
    assert stored.version not in (None, read.version)


def test_of_several_states_those_are_stored_that_can_be(states: ProductStates) -> None:
    states.put([HAT])

    assert states.put([HAT, GONE]) == {"mug": GONE}


def test_states_of_a_scope_are_its_own(states: ProductStates) -> None:
    states.put([HAT])
    states.put([GONE], "lookalike-2")

    assert (states.get(["hat", "mug"]), states.get(["hat", "mug"], "lookalike-2")) == ({"hat": HAT}, {"mug": GONE})


def test_a_deleted_index_is_made_anew_with_its_mapping(elasticsearch: Elasticsearch) -> None:
    with own_name(elasticsearch) as name:
        index = f"{name}-products"
        states = ElasticsearchProductStates(elasticsearch, index)
        states.put([HAT])
        elasticsearch.indices.delete(index=index)
        assert states.get(["hat"]) == {}
        states.put([HAT])

        assert elasticsearch.indices.get_mapping(index=index)[index]["mappings"]["properties"]["as_of"]["type"] == "date"
