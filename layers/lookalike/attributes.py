"""Makes a product's attributes filterable.

Attributes may be any JSON, and the same name may have different types in two products. Each scalar is therefore indexed as text, and also
as a number if it can be parsed as one: types never conflict, and no attribute can prevent a picture from being indexed.
"""

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any
from unicodedata import normalize

from lookalike import amounts
from lookalike.domain import Attributes

MAX_NAME = 256
"""Characters of an attribute's dotted name; attributes with longer names are stored but cannot be filtered."""

MAX_DEPTH = 10
"""Levels of nested attributes that can be filtered; deeper ones are only stored."""

MAX_TEXT = 1000
"""Characters of a value that are compared; a longer one is compared by its beginning and a hash of the whole."""

Scalar = str | int | float | bool

_DATE = re.compile(r"\s*\d{4}-\d\d-\d\d(?![^T\s])", re.ASCII | re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d*)?(?:\.\d+)?(?<=\d)", re.ASCII)


def texts(attributes: Attributes) -> dict[str, list[str]]:
    """Every scalar as text, by its dotted name."""
    found: dict[str, list[str]] = {}
    for name, value in _scalars(attributes):
        found.setdefault(name, []).append(as_text(value))
    return found


def numbers(attributes: Attributes) -> dict[str, list[float]]:
    """Every scalar that can be parsed as a number or a date, by its dotted name."""
    found: dict[str, list[float]] = {}
    for name, value in _scalars(attributes):
        number = as_number(value)
        if number is not None:
            found.setdefault(name, []).append(number)
    return found


def as_text(value: Scalar) -> str:
    """A scalar in the canonical form that filters compare: ``true`` for "True", ``12.5`` for "+12.50", letters in NFC."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float) or (len(value) <= MAX_TEXT and _NUMBER.fullmatch(value)):
        return _shortest(Decimal(value if isinstance(value, str) else repr(value)))
    if value.lower() in ("true", "false"):
        return value.lower()
    text = normalize("NFC", value)
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT // 2]}…{blake2b(text.encode(), digest_size=16).hexdigest()}"


def as_number(value: Scalar) -> float | None:
    """A scalar as a number: prices are parsed (`lookalike.amounts`), ISO 8601 dates become milliseconds since 1970; None for others.

    Dates without a time zone are in UTC.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return _epoch_ms(value) if _DATE.match(value) else amounts.parse(value)
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def as_name(name: str) -> str:
    """An attribute's name in the form that filters compare: NFC."""
    return normalize("NFC", name)


def can_be_filtered(name: str) -> bool:
    """Whether an attribute of this name is indexed for filters."""
    return bool(name.strip()) and len(name) <= MAX_NAME and "\0" not in name


def _epoch_ms(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text.strip().upper())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000


def _shortest(number: Decimal) -> str:
    digits = format(number, "f")
    text = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return "0" if text == "-0" else text


def _scalars(value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, Scalar]]:
    if isinstance(value, str | int | float):
        if can_be_filtered(name) and not (isinstance(value, float) and not math.isfinite(value)):
            yield name, value
    elif depth < MAX_DEPTH:
        if isinstance(value, dict):
            for key, inner in value.items():
                yield from _scalars(inner, as_name(f"{name}.{key}" if name else str(key)), depth + 1)
        elif isinstance(value, list | tuple):
            for inner in value:
                yield from _scalars(inner, name, depth + 1)
