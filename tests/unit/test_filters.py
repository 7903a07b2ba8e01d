"""Filters and attributes: anything may come, and nothing but what is meant passes."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lookalike import attributes, filters
from lookalike.errors import RequestInvalid
from lookalike.filters import MAX_CLAUSES, All, AnyOf, Exists, Not, Range, Terms

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
            Terms("brand", ("a", "1", "true", "2"), (1.0, 2.0)),
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
        ({"a": {"gte": "1e5"}}, "filter.a.gte"),
        ({"a": {"exists": 1}}, "filter.a"),
        ({"a": {"exists": True, "gte": 1}}, "filter.a"),
        ({"a": list(range(MAX_CLAUSES + 1))}, "filter"),
        ({"any": [{"any": [{"any": [{"a": 1}] * 30}] * 30}] * 30}, "filter"),
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


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("15.00 USD", 15),
        ("USD15", 15),
        ("12,50", 12.5),
        ("$12.50", 12.5),
        ("-$5", -5),
        ("$-5", -5),
        ("\u22125 \u20ac", -5),
        ("US$ 15", 15),
        ("$15.00 USD", 15),
        ("1,299.00", 1299),
        ("1.299,00 \u20ac", 1299),
        ("\u20ac 12", 12),
        ("1\u00a0299,00 kr", 1299),
        ("CHF 1'299.-", 1299),
        ("12,- K\u010d", 12),
        ("1.299,-", 1299),
        ("1 299:-", 1299),
        ("Rs. 1,299", 1299),
        ("kr. 1.299,00", 1299),
        ("1200\u5186", 1200),
        ("12 Euro", 12),
        ("2026-01-02-03", None),
        ("R$ 1.299,90", 1299.9),
        ("\u20b91,29,900.00", 129_900),
        ("1,299", 1299),
        ("1.299", 1.299),
        ("1.299 \u20ac", 1299),
        ("1.250 KWD", 1.25),
        ("0,125", 0.125),
        ("1.299.000", 1_299_000),
        (".5", 0.5),
        (" 12 ", 12),
        *[(text, None) for text in ("1_000", "1e5", "\u0661\u0662", "\u00b2", "007", "12,50,3", "1,299,00", "1.2.3", "10 cm", "ABC 12")],
        *[(text, None) for text in ("", "\u20ac", "USD", "12 - 15", "1 2", "1,5 \u20ac/kg", "nan", "inf", "-", "0x10", "1/2", "9" * 61)],
    ],
)
def test_a_price_is_read_as_a_number_and_what_only_looks_like_one_is_not(text: str, number: float | None) -> None:
    assert attributes.as_number(text) == number


@given(st.text(alphabet="0123456789.,' -+\u20acUSDkr\u0661e_\u00a0", max_size=12))
def test_no_text_makes_the_reading_of_numbers_stumble_and_equal_texts_are_equal_numbers(text: str) -> None:
    number = attributes.as_number(text)
    assert number is None or attributes.as_number(attributes.as_text(text)) == number


def test_conflicting_types_and_dates_are_both_text_and_numbers() -> None:
    assert attributes.numbers({"a": "19.9", "b": "n/a", "c": True, "d": "1970-01-01T00:00:01Z"}) == {"a": [19.9], "d": [1000.0]}
    assert attributes.texts({"a": 10.0, "b": {"c": ["x", False]}}) == {"a": ["10"], "b.c": ["x", "false"]}


@pytest.mark.parametrize(
    "text", ["2024-01-01", " 2024-01-01\n", "2024-01-01t00:00:00z", "2024-01-01 00:00:00Z ", "\t2024-01-01T01:00:00+01:00", "2024-01-01T00"]
)
def test_a_date_may_have_space_around_it_and_small_letters(text: str) -> None:
    assert attributes.as_number(text) == 1_704_067_200_000


@pytest.mark.parametrize(
    "text", ["2024-01-01x", "2024-02-30", "2024-W01-1", "2024-01-01T24:00:01", "2024-01-01T10:00:00+24:00", "0000-01-01"]
)
def test_what_is_no_date_is_no_number(text: str) -> None:
    assert attributes.as_number(text) is None
