"""Filters and attributes: anything may come, and nothing but what is meant passes."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lookalike import attributes, filters
from lookalike.errors import RequestInvalid
from lookalike.filters import All, AnyOf, Exists, Not, Range, Terms

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12)


def test_each_form_is_read() -> None:
    given = {
        "category": "dress",
        "brand": ["a", 1, True, 2.0],
        "price": {"gte": 10, "lt": "50"},
        "added": {"gt": "1970-01-02"},
        "sale": {"exists": True},
        "any": [{"a": "b"}, {"not": {"c": {"exists": False}}}],
    }

    assert filters.parse(given) == All(
        (
            Terms("category", ("dress",)),
            Terms("brand", ("a", "1", "true", "2")),
            Range("price", (("gte", 10.0), ("lt", 50.0))),
            Range("added", (("gt", 86_400_000.0),)),
            Exists("sale"),
            AnyOf((All((Terms("a", ("b",)),)), All((Not(All((Not(Exists("c")),))),)))),
        )
    )


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ([], "filter"),
        ({"a": None}, "filter.a"),
        ({"a": []}, "filter.a"),
        ({"a": {"from": 1}}, "filter.a"),
        ({"a": {"gte": "soon"}}, "filter.a.gte"),
        ({"any": [{"b": {}}]}, "filter.any[0].b"),
        ({"": 1}, "filter."),
    ],
)
def test_a_wrong_filter_is_refused_with_the_place(wrong: object, field: str) -> None:
    with pytest.raises(RequestInvalid) as refused:
        filters.parse(wrong)
    assert refused.value.field == field


@given(JSON)
def test_no_json_makes_the_parser_stumble(anything: object) -> None:
    with suppress(RequestInvalid):
        list(filters.conditions(filters.parse(anything)))


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_any_attributes_can_be_filtered_as_far_as_the_index_takes_them(given: dict[str, object]) -> None:
    texts, numbers = attributes.texts(given), attributes.numbers(given)

    assert set(numbers) <= set(texts)
    assert all(name.strip() and "\0" not in name for name in texts)
    assert all(abs(number) < float("inf") for values in numbers.values() for number in values)


def test_conflicting_types_and_dates_are_both_text_and_numbers() -> None:
    assert attributes.numbers({"a": "19.9", "b": "n/a", "c": True, "d": "1970-01-01T00:00:01Z"}) == {"a": [19.9], "d": [1000.0]}
    assert attributes.texts({"a": 10.0, "b": {"c": ["x", False]}}) == {"a": ["10"], "b.c": ["x", "false"]}
