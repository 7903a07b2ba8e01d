"""Checks of a source before it is read: the server's version, the indices that match, and the form of its dates."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from lookalike.adapters.elasticsearch.source_keys import parents_of
from lookalike.backfill.model import IndexSpec
from lookalike.errors import RequestInvalid

LEAST_VERSION = (7, 12)
"""Older servers have no runtime fields, and a different API for points in time."""

_DATES = frozenset({"date", "date_nanos"})
_NUMBERS = frozenset({"long", "integer", "unsigned_long", "double", "float", "scaled_float"})


def check_server(info: Mapping[str, Any]) -> None:
    """Checks a server's answer to ``GET /``. Raises `RequestInvalid` if it is no Elasticsearch, or too old."""
    version = info.get("version", {})
    number = str(version.get("number", "0"))
    if "distribution" in version:
        raise RequestInvalid(
            f"the source is {version['distribution']} {number}, whose points in time and runtime fields differ: "
            "backfills read Elasticsearch 7.12 or later; send its products to the products queue instead",
            field="source.url",
        )
    if tuple(int(part) for part in number.split(".")[:2] if part.isdigit()) < LEAST_VERSION:
        raise RequestInvalid(f"the source is Elasticsearch {number}, which is too old: 7.12 or later is needed", field="source.url")


def is_pattern(index: str) -> bool:
    """Whether an index expression has wildcards."""
    return "*" in index or "_all" in index.split(",")


def without_own(spec: IndexSpec, indices: Collection[str], mappings: Mapping[str, Any]) -> IndexSpec:
    """The source with lookalike's own indices excluded, known by their mappings.

    Raises `RequestInvalid` if no other index matches, or if one of them is named without ``fields.id``: its pictures are no products.
    """
    own = sorted(name for name, found in mappings.items() if _is_own(found["mappings"].get("_meta", {})))
    if indices and not is_pattern(spec.index):
        if own and spec.fields.id is None:
            message = f"{own[0]!r} is an index of lookalike's own: its pictures are the source " + '{"current": true}'
            raise RequestInvalid(message, field="source.index")
        return spec
    if not set(indices) - set(own):
        what = "only indices of lookalike's own match" if own else "no index matches"
        raise RequestInvalid(f"{what} {spec.index!r}", field="source.index")
    if not own:
        return spec
    names = ["*" if name == "_all" else name for name in spec.index.split(",")]
    return replace(spec, index=",".join([*names, *(f"-{name}" for name in own)]))


def with_unit(spec: IndexSpec, date: str, known: Mapping[str, Mapping[str, Any]]) -> IndexSpec:
    """The source with the unit of its field ``date``; ``known`` has ``_field_caps`` of that field and its parents.

    Raises `RequestInvalid` if no document has the field, or it is nested, or neither a date nor a number.
    """
    kinds = known.get(date, {}).keys() - {"unmapped"}
    if any("nested" in known.get(name, {}) for name in parents_of(date)):
        raise RequestInvalid(f"{date!r} is nested and cannot be searched: name another date", field="source.updated_at")
    if not kinds:
        raise RequestInvalid(f"no document has a field {date!r}", field="source.updated_at")
    if kinds <= _DATES:
        return spec
    if kinds <= _NUMBERS:
        return replace(spec, updated_unit="s" if "integer" in kinds else "number")
    raise RequestInvalid(
        f"{date!r} is of the type {' and '.join(sorted(kinds))}: it must be a date, or a number of seconds or smaller units",
        field="source.updated_at",
    )


def _is_own(meta: Mapping[str, Any]) -> bool:
    return "lookalike" in meta or "weights_sha256" in meta.get("model", {})
