"""What is asked of a source before it is read: is it one that can be, which of its indices are meant, and how are its dates written?"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from lookalike.backfill.model import DateUnit, IndexSpec
from lookalike.errors import RequestInvalid

LEAST_VERSION = (7, 12)
"""Older servers have no runtime fields, and other points in time."""

_DATES = frozenset({"date", "date_nanos"})
_NUMBERS = frozenset({"long", "integer", "unsigned_long", "double", "float", "scaled_float"})
_UNITS: tuple[tuple[float, DateUnit], ...] = ((1e11, "s"), (1e14, "ms"), (1e17, "us"), (float("inf"), "ns"))
"""The newest time is below the limit in that unit, and above it in the next, from 1973 to the year 5138."""


def check_server(info: Mapping[str, Any]) -> None:
    """Checks what a server says of itself. Raises `RequestInvalid` if it is another system, or too old."""
    version = info.get("version", {})
    number = str(version.get("number", "0"))
    if "distribution" in version:
        raise RequestInvalid(
            f"the source is {version['distribution']} {number}, whose points in time and runtime fields are others: "
            "backfills read Elasticsearch 7.12 or later; send its products to the products queue instead",
            field="source.url",
        )
    if tuple(int(part) for part in number.split(".")[:2] if part.isdigit()) < LEAST_VERSION:
        raise RequestInvalid(f"the source is Elasticsearch {number}, which is too old: 7.12 or later is needed", field="source.url")


def is_pattern(index: str) -> bool:
    """Whether a name stands for indices that it does not name."""
    return "*" in index or "_all" in index.split(",")


def without_own(spec: IndexSpec, indices: Iterable[str], mappings: Mapping[str, Any]) -> IndexSpec:
    """The source without the indices of lookalike itself, as their mappings tell them. Raises `RequestInvalid` if nothing is left."""
    own = sorted(name for name, found in mappings.items() if _is_own(found["mappings"].get("_meta", {})))
    if not set(indices) - set(own):
        what = "only indices of lookalike's own match" if own else "no index matches"
        raise RequestInvalid(f"{what} {spec.index!r}", field="source.index")
    if not own:
        return spec
    names = ["*" if name == "_all" else name for name in spec.index.split(",")]
    return replace(spec, index=",".join([*names, *(f"-{name}" for name in own)]))


def with_unit(spec: IndexSpec, known: Mapping[str, Any], newest: Callable[[], float | None]) -> IndexSpec:
    """The source with the unit of its dates.

    Args:
        spec: one with ``updated_at``.
        known: that field's types, as ``_field_caps`` has them.
        newest: finds the field's largest number.

    Raises:
        RequestInvalid: nobody has the field, or it is neither a date nor a number.
    """
    kinds = known.keys() - {"unmapped"}
    if not kinds:
        raise RequestInvalid(f"no document has a field {spec.updated_at!r}", field="source.updated_at")
    if kinds <= _DATES:
        return spec
    if kinds <= _NUMBERS:
        number = newest() or 0.0
        return replace(spec, updated_unit=next(unit for limit, unit in _UNITS if number < limit))
    raise RequestInvalid(
        f"{spec.updated_at!r} is of the type {' and '.join(sorted(kinds))}: a date is needed, or a number of seconds or less",
        field="source.updated_at",
    )


def _is_own(meta: Mapping[str, Any]) -> bool:
    return "lookalike" in meta or "weights_sha256" in meta.get("model", {})
