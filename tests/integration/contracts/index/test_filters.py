"""What every index promises of filters: who is found, with the same scores, and which filters are refused."""

from typing import Any

import pytest
from lookalike.errors import RequestInvalid
from lookalike.filters import parse
from lookalike.search.ports import Selection

from tests.integration.contracts.index.index_under_test import IndexUnderTest
from tests.integration.samples import indexed, vector


@pytest.mark.parametrize(
    ("given", "products"),
    [
        ({}, "hat lamp mug odd"),
        ({"kind": "dress"}, "hat"),
        ({"kind": ["dress", "cup"]}, "hat mug"),
        ({"price": 10}, "hat"),
        ({"price": {"gte": 10, "lt": 50}}, "hat mug"),
        ({"price": {"gt": 10}}, "lamp mug"),
        ({"since": {"lte": "2024-06-01"}}, "hat"),
        ({"stock": True}, "hat"),
        ({"kind": {"exists": True}}, "hat mug"),
        ({"kind": {"exists": False}}, "lamp odd"),
        ({"kind": "dress", "price": {"gt": 10}}, ""),
        ({"all": [{"price": {"gte": 10}}, {"price": {"lt": 50}}]}, "hat mug"),
        ({"any": [{"kind": "cup"}, {"price": {"gt": 90}}]}, "lamp mug"),
        ({"not": {"kind": "dress"}}, "lamp mug odd"),
        ({"size.eu": {"gte": 40}}, "hat"),
        ({"tags": "b"}, "mug"),
        ({"price": "on request"}, "odd"),
    ],
    ids=str,
)
def test_a_filter_says_which_products_are_found(assortment: IndexUnderTest, given: dict[str, Any], products: str) -> None:
    assert sorted(assortment.found(given)) == products.split()


def test_a_filter_never_changes_a_score(assortment: IndexUnderTest) -> None:
    every = assortment.index.nearest(vector(9), Selection(), k=50, size=50).hits
    filtered = assortment.index.nearest(vector(9), Selection(parse({"kind": "cup"})), k=50, size=50).hits

    assert [hit for hit in every if hit.product_id == "mug"] == list(filtered)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"nothing": "x"}, "filter.nothing"),
        ({"nothing": {"exists": True}}, "filter.nothing"),
        ({"kind": {"gte": 1}}, "filter.kind"),
        ({"not": {"nothing": "x"}}, "filter.nothing"),
        ({"any": [{"kind": "dress"}, {"nothing": "x"}]}, "filter.nothing"),
        ({"pri*": {"lt": 50}}, "filter.pri*"),
    ],
    ids=str,
)
def test_a_filter_that_no_product_could_answer_is_refused_and_named(assortment: IndexUnderTest, given: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestInvalid) as refused:
        assortment.index.check(parse(given))

    assert refused.value.field == field


def test_an_attribute_can_be_filtered_as_soon_as_a_product_has_it(under_test: IndexUnderTest) -> None:
    under_test.write(indexed("hat"))
    with pytest.raises(RequestInvalid):
        under_test.found({"kind": "cup"})
    under_test.write(indexed("mug", {"kind": "cup"}))

    assert under_test.found({"kind": "cup"}) == {"mug"}
