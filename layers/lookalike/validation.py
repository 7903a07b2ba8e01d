"""Parses and validates JSON from outside, with `RequestInvalid` for whatever is wrong with it."""

import json
from math import isfinite
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from lookalike.errors import RequestInvalid

T = TypeVar("T")

_NO_OBJECT = ("dict_type", "model_type", "dataclass_type")
"""Pydantic's names of this fault, whose messages name classes of this code."""


def parsed(text: str | bytes, field: str) -> Any:
    """The value of a JSON text.

    Raises `RequestInvalid` if it is not JSON, or contains NaN, Infinity, or a lone surrogate, which UTF-8 cannot represent.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
        if b"\\u" in (text.encode() if isinstance(text, str) else text):
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise RequestInvalid(f"this is not JSON: {error}", field=field) from error
    return value


def validated(model: TypeAdapter[T], given: Any, *, is_strict: bool = False) -> T:
    """The value converted to the model; ``is_strict`` refuses numbers as text. Raises `RequestInvalid`, naming the first invalid field."""
    try:
        return model.validate_python(given, strict=is_strict or None)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "body"
        raise RequestInvalid(_reason(first["type"], field) or first["msg"].removeprefix("Value error, "), field=field) from error


def _reason(kind: str, field: str) -> str | None:
    if kind in _NO_OBJECT:
        return "this must be a JSON object"
    return f"there is no field {field!r}" if kind == "extra_forbidden" else None


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text[:40]} is too large a number")
    return number


def _refuse_constant(constant: str) -> float:
    raise ValueError(f"{constant} is not a JSON value")
