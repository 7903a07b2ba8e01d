"""What of a product's attributes can be filtered.

Attributes may be any JSON, and two products may give the same name different types. So each scalar counts as text, and as a number too
if it reads as one: the two can never contradict each other, and no attribute can cost a picture.
"""

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from lookalike.domain import Attributes

MAX_NAME = 256
"""Characters of an attribute's dotted name; longer ones are kept and cannot be filtered."""

MAX_DEPTH = 10
"""Levels of nested attributes that can be filtered; deeper ones are kept."""

Scalar = str | int | float | bool

_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def texts(attributes: Attributes) -> dict[str, list[str]]:
    """Every scalar as text, by its name; a nested one's name is dotted."""
    found: dict[str, list[str]] = {}
    for name, value in _scalars(attributes):
        found.setdefault(name, []).append(as_text(value))
    return found


def numbers(attributes: Attributes) -> dict[str, list[float]]:
    """Every scalar that reads as a number or a date, by its name."""
    found: dict[str, list[float]] = {}
    for name, value in _scalars(attributes):
        number = as_number(value)
        if number is not None:
            found.setdefault(name, []).append(number)
    return found


def as_text(value: Scalar) -> str:
    """The text that a scalar is filtered by: ``true``, ``dress``, and ``10`` for both 10 and 10.0."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def as_number(value: Scalar) -> float | None:
    """The number that a scalar reads as; a date (ISO 8601, UTC unless it says otherwise) is milliseconds since 1970. None for others."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and _DATE.match(value):
        return _epoch_ms(value)
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def can_be_filtered(name: str) -> bool:
    """Whether the index takes an attribute's name."""
    return bool(name.strip()) and len(name) <= MAX_NAME and "\0" not in name


def _epoch_ms(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000


def _scalars(value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, Scalar]]:
    if isinstance(value, str | int | float):
        if can_be_filtered(name) and not (isinstance(value, float) and not math.isfinite(value)):
            yield name, value
    elif depth < MAX_DEPTH:
        if isinstance(value, dict):
            for key, inner in value.items():
                yield from _scalars(inner, f"{name}.{key}" if name else str(key), depth + 1)
        elif isinstance(value, list | tuple):
            for inner in value:
                yield from _scalars(inner, name, depth + 1)
