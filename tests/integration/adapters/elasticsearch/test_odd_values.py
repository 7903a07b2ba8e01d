"""Values, ids and attributes of any length and depth: a search of them is answered, and a picture that has them is indexed."""

from collections.abc import Callable
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.index import ElasticsearchIndex
from lookalike.filters import parse
from lookalike.search.ports import Selection

from tests.integration.samples import indexed, pictures_definition, vector

LONG = "\u00fc" * 40_000
"""More than Lucene's 32,766 bytes."""


@pytest.fixture
def index(elasticsearch: Elasticsearch, name: str) -> ElasticsearchIndex:
    elasticsearch.indices.create(index=name, **pictures_definition())
    return ElasticsearchIndex(elasticsearch, name)


def _deep(levels: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for _ in range(levels):
        made = {"a": made}
    return made


@pytest.mark.parametrize(
    "attributes",
    [{"a": LONG}, {LONG: 1}, {"a": _deep(900)}, {"a": ["x"] * 5000}, {"a": "9" * 5000}, {f"n-{n}": n for n in range(3000)}],
    ids=["a long value", "a long name", "deep", "many values", "many digits", "many names"],
)
def test_no_attributes_cost_a_picture_or_a_search(
    elasticsearch: Elasticsearch, index: ElasticsearchIndex, attributes: dict[str, Any]
) -> None:
    assert index.write([(indexed("hat", attributes), vector(0))], []) == {}
    elasticsearch.indices.refresh(index=index.name)

    [hit] = index.exact(vector(0), Selection(), size=5)
    assert hit.attributes == attributes
    assert [each.product_id for each in index.pictures_of("hat", 5)] == ["hat"]


def test_no_id_and_no_value_is_too_long_to_be_asked_for(elasticsearch: Elasticsearch, index: ElasticsearchIndex) -> None:
    index.write([(indexed("hat", {"a": LONG}), vector(0))], [])
    elasticsearch.indices.refresh(index=index.name)

    asks: list[Callable[[], object]] = [
        lambda: index.stored_of(LONG, 5),
        lambda: index.stored(LONG),
        lambda: index.pictures_of(LONG, 5),
        lambda: index.exact(vector(0), Selection(parse({"a": LONG[:-1]})), size=5),
        lambda: index.exact(vector(0), Selection(among=frozenset({LONG})), size=5),
    ]
    assert not any(ask() for ask in asks)
    assert index.exact(vector(0), Selection(parse({"a": LONG})), size=5)
    assert index.exact(vector(0), Selection(without=frozenset({LONG}), without_images=frozenset({LONG})), size=5)
    assert index.nearest(vector(0), Selection(parse({"a": LONG}), without=frozenset({LONG})), k=5, size=5).hits


def test_as_many_conditions_as_a_filter_may_have_are_answered(elasticsearch: Elasticsearch, index: ElasticsearchIndex) -> None:
    index.write([(indexed("hat", {"n-7": 7}), vector(0))], [])
    elasticsearch.indices.refresh(index=index.name)
    given = parse({"any": [{f"n-{number}": number} for number in range(500)]})

    assert [hit.product_id for hit in index.nearest(vector(0), Selection(given), k=5, size=5).hits] == ["hat"]
    assert len(index.warnings(given)) == 499
