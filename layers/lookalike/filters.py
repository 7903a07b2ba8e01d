"""The filter language of the HTTP API: which products a search may return.

``{"category": "dress", "brand": ["a", "b"], "price": {"gte": 10, "lt": 50}, "sale_price": {"exists": true}}`` requires all of these
conditions; ``{"all": […]}``, ``{"any": […]}`` and ``{"not": {…}}`` combine such objects.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from lookalike.attributes import as_name, as_number, as_text, can_be_filtered
from lookalike.errors import RequestInvalid

MAX_DEPTH = 8
MAX_CLAUSES = 1024
"""The largest number of names, values and bounds in a filter."""

MAX_CHARACTERS = 150_000
"""Of all names and texts of a filter together: cursors carry it, for which an answer has 1 MB."""

EXACT_INTEGERS = 2**53
"""Larger integers are not exact as doubles, so they are compared as text only."""

BOUNDS = ("gt", "gte", "lt", "lte")


@dataclass(frozen=True, slots=True)
class Terms:
    """The attribute equals one of these texts or, compared as numbers, one of these numbers."""

    attribute: str
    values: tuple[str, ...]
    numbers: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Range:
    """The attribute, as a number or a date, is within the bounds: pairs of a name of `BOUNDS` and a number."""

    attribute: str
    bounds: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Exists:
    """The attribute has any value."""

    attribute: str


@dataclass(frozen=True, slots=True)
class All:
    """All of the filters match; an empty tuple matches every product."""

    filters: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of the filters matches."""

    filters: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The filter does not match."""

    filter: "Filter"


Filter: TypeAlias = Terms | Range | Exists | All | AnyOf | Not

EVERYTHING = All(())
"""The filter that matches every product."""


def parse(given: Any, field: str = "filter", depth: int = 0) -> Filter:
    """Parses a filter from decoded JSON. Raises `RequestInvalid` with the path of the part that is invalid."""
    if not isinstance(given, dict):
        raise RequestInvalid("a filter is an object of attribute names and what each must be", field=field)
    if depth > MAX_DEPTH:
        raise RequestInvalid(f"the filter is nested more than {MAX_DEPTH} levels deep", field=field)
    if depth == 0 and _clauses(given) > MAX_CLAUSES:
        raise RequestInvalid(f"the filter has more than {MAX_CLAUSES} names, values and bounds", field=field)
    if depth == 0 and _characters(given) > MAX_CHARACTERS:
        raise RequestInvalid(f"the names and values of the filter have more than {MAX_CHARACTERS:,} characters", field=field)
    return All(tuple(_clause(as_name(str(name)), value, f"{field}.{name}", depth) for name, value in given.items()))


def conditions(given: Filter) -> Iterator[Terms | Range | Exists]:
    """The conditions on attributes in a filter, however nested."""
    match given:
        case All(filters) | AnyOf(filters):
            for inner in filters:
                yield from conditions(inner)
        case Not(inner):
            yield from conditions(inner)
        case _:
            yield given


def _clauses(given: Any) -> int:
    """The number of names and values in JSON, on all levels together."""
    return sum(len(inner) for inner in _values(given) if isinstance(inner, dict | list))


def _characters(given: Any) -> int:
    """The number of characters in the names and texts of JSON."""
    return sum(len(inner) if isinstance(inner, str) else sum(map(len, inner)) for inner in _values(given) if isinstance(inner, str | dict))


def _values(given: Any) -> Iterator[Any]:
    """A JSON value and every value inside it, on all levels."""
    left = [given]
    while left:
        yield (inner := left.pop())
        left += inner.values() if isinstance(inner, dict) else inner if isinstance(inner, list) else []


def _clause(name: str, value: Any, field: str, depth: int) -> Filter:
    if name in ("all", "any"):
        if not isinstance(value, list) or not value:
            raise RequestInvalid(f"{name!r} takes a list of filters", field=field)
        inner = tuple(parse(each, f"{field}[{i}]", depth + 1) for i, each in enumerate(value))
        return All(inner) if name == "all" else AnyOf(inner)
    if name == "not":
        return Not(parse(value, field, depth + 1))
    if not can_be_filtered(name):
        raise RequestInvalid("no attribute can have this name", field=field)
    if isinstance(value, dict):
        return _exists(name, value, field) if "exists" in value else _range(name, value, field)
    return _terms(name, value if isinstance(value, list) else [value], field)


def _terms(name: str, values: list[Any], field: str) -> Terms:
    if not values:
        raise RequestInvalid("give at least one value", field=field)
    if not all(isinstance(value, str | int | float) for value in values):
        raise RequestInvalid("a value is a text, a number, true or false", field=field)
    numbers = (as_number(value) for value in values)
    return Terms(name, tuple(map(as_text, values)), tuple(n for n in numbers if n is not None and abs(n) < EXACT_INTEGERS))


def _exists(name: str, value: dict[str, Any], field: str) -> Filter:
    if len(value) == 1 and isinstance(value["exists"], bool):
        return Exists(name) if value["exists"] else Not(Exists(name))
    raise RequestInvalid('"exists" stands alone and is true or false', field=field)


def _range(name: str, value: dict[str, Any], field: str) -> Range:
    if not value or not set(value) <= set(BOUNDS):
        raise RequestInvalid(f"a range has bounds among {', '.join(BOUNDS)}; or write a value, or a list of values", field=field)
    bounds = []
    for bound, limit in value.items():
        number = as_number(limit) if isinstance(limit, str | int | float) else None
        if number is None:
            raise RequestInvalid("a bound is a number or an ISO 8601 date", field=f"{field}.{bound}")
        bounds.append((bound, number))
    return Range(name, tuple(bounds))
