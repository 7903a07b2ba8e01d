"""What every index promises of filters: who is found, with the same scores, and which filters are refused."""

from typing import Any

import pytest
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
    ("given", "products", "fields"),
    [
        ({"nothing": "x"}, "", ["filter.nothing"]),
        ({"nothing": {"exists": True}}, "", ["filter.nothing"]),
        ({"nothing": {"exists": False}}, "hat lamp mug odd", ["filter.nothing"]),
        ({"kind": {"gte": 1}}, "", ["filter.kind"]),
        ({"not": {"nothing": "x"}}, "hat lamp mug odd", ["filter.nothing"]),
        ({"any": [{"kind": "dress"}, {"nothing": "x"}]}, "hat", ["filter.nothing"]),
        ({"pri*": {"lt": 50}}, "", ["filter.pri*"]),
        ({"pri*": {"exists": True}}, "", ["filter.pri*"]),
        ({"kind": "no such kind", "price": {"gt": 1e9}}, "", []),
        ({"nothing": 1, "none": {"lt": 1}}, "", ["filter.nothing", "filter.none"]),
    ],
    ids=str,
)
def test_a_name_that_nobody_has_is_answered_with_a_warning_as_often_as_it_is_asked(
    assortment: IndexUnderTest, given: dict[str, Any], products: str, fields: list[str]
) -> None:
    for _ in range(2):
        assert sorted(assortment.found(given)) == products.split()
        assert [warning.field for warning in assortment.index.warnings(parse(given))] == fields


@pytest.mark.parametrize(
    ("given", "attributes"),
    [
        ({"v": 12.5}, ["12.50", "12,50", "$12.50", "12.50 USD", "12,5 €", 12.5, "+12.5"]),
        ({"v": "12.50"}, ["12.50", "12,50", 12.5]),
        ({"v": 0}, [0, "0.0", "-0", 0.0, "0,00 €"]),
        ({"v": "42.0"}, [42, "42", 42.0, "+42"]),
        ({"v": True}, [True, "True", "TRUE", "true"]),
        ({"v": "True"}, [True, "true"]),
        ({"v": {"gt": 1000, "lt": 1300}}, ["1,299.00", "1.299,00 €", "1 299,00 kr", "$1,299"]),
        ({"v": "caf\u00e9"}, ["caf\u00e9", "cafe\u0301"]),
        ({"v": "x" * 40_000}, ["x" * 40_000]),
        ({"v": {"exists": True}}, ["x" * 1100]),
        ({"v": "1_000"}, ["1_000"]),
        ({"v": 12345678901234567891}, [12345678901234567891, "12345678901234567891"]),
    ],
    ids=str,
)
def test_a_value_is_found_however_it_is_written_and_not_agrees(
    under_test: IndexUnderTest, given: dict[str, Any], attributes: list[Any]
) -> None:
    others = ["1e5", "\u0661\u0662", "012", "13", "x" * 39_999, False, "cafe", 12345678901234567892]
    under_test.write(*(indexed(f"p-{n}", {"v": value}) for n, value in enumerate([*attributes, *others])))
    every = {f"p-{n}" for n in range(len(attributes) + len(others))}
    same = every if "exists" in str(given) else {f"p-{n}" for n in range(len(attributes))}

    assert under_test.found(given) == same
    assert under_test.found({"not": given}) == every - same


@pytest.mark.parametrize("value", ["1_000", "1e5", "\u0661\u0662", "\u00b2", "0012345678905", "10 cm", "ABC 12", "12,50,3", "1.2.3"])
def test_what_only_looks_like_a_number_is_a_text(under_test: IndexUnderTest, value: str) -> None:
    under_test.write(indexed("sku", {"v": value}), indexed("number", {"v": 1}))

    assert under_test.found({"v": {"gte": -1e12}}) == {"number"}
    assert under_test.found({"v": value}) == {"sku"}


@pytest.mark.parametrize(("name", "asked"), [("gr\u00f6\u00dfe", "gro\u0308\u00dfe"), ("gro\u0308\u00dfe", "gr\u00f6\u00dfe")])
def test_a_name_is_the_same_composed_or_decomposed(under_test: IndexUnderTest, name: str, asked: str) -> None:
    under_test.write(indexed("hat", {name: 42}))

    assert under_test.found({asked: 42}) == under_test.found({asked: {"lt": 50}}) == under_test.found({asked: {"exists": True}}) == {"hat"}


def test_an_attribute_can_be_filtered_as_soon_as_a_product_has_it(under_test: IndexUnderTest) -> None:
    under_test.write(indexed("hat"))
    assert under_test.index.warnings(parse({"kind": "cup"}))
    under_test.write(indexed("mug", {"kind": "cup"}))

    assert under_test.found({"kind": "cup"}) == {"mug"}
    assert not under_test.index.warnings(parse({"kind": "cup"}))


def test_a_range_finds_numbers_of_more_attributes_than_an_index_has_fields(under_test: IndexUnderTest) -> None:
    under_test.write(indexed("many", {f"n-{number}": number for number in range(1500)}))
    under_test.write(indexed("hat", {"price": "5,00 €"}), indexed("mug", {"price": 50}), indexed("odd", {"price": "n/a"}))

    assert under_test.found({"price": {"lt": 10}}) == {"hat"}
    assert under_test.found({"not": {"price": {"lt": 10}}, "price": {"exists": True}}) == {"mug", "odd"}
    assert under_test.index.warnings(parse({"price": {"lt": 10}})) == []
