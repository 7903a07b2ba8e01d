"""Bodies of the searches that read a backfill's source, built by pure functions."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from lookalike.adapters.elasticsearch.source_keys import SCRIPTED, TEXTS, SortKey, runtime_mapping
from lookalike.attributes import as_text
from lookalike.backfill import addresses
from lookalike.backfill.model import DateUnit, FieldNames, IndexSpec, Position

KEEP_ALIVE = "15m"
MAX_FOUND = 5_000

Body = dict[str, Any]

_UNITS: Mapping[DateUnit, list[tuple[int, dict[str, int]]]] = {
    "s": [(1, {})],
    "number": [(1, {"lt": 10**11}), (1000, {"lt": 10**14}), (10**6, {"lt": 10**17}), (10**9, {})],
}
"""Units per second, each with the range of numbers that means it (times from 1973 to 5138), as documents may differ in their units."""


def range_body(spec: IndexSpec, position: Position, size: int) -> Body:
    """The next documents of a range of the sort key; documents that were read are outside of the range."""
    field, after = position["field"], position["after"]
    # Scripted values are compared in the order of UTF-16 and sorted in that of UTF-8: only bounds where both agree are given.
    given = {"gt": position["gt"] if after is None or field == SCRIPTED else after[0], "lte": position["lte"]}
    bounds = {name: bound for name, bound in given.items() if bound is not None}
    within = [query(spec), has(field, position["kind"]), *([{"range": {field: bounds}}] if bounds else [])]
    by = {field: {"order": "asc", "unmapped_type": position["kind"]}}
    body = _body(spec, {"bool": {"filter": within, **lacking(position)}}, [by], size) | runtime_mapping(position, spec.fields.id)
    # A document with several ids may match the range by a later one, although it was read by its least.
    return body if after is None else body | {"search_after": after}


def pit_body(spec: IndexSpec, position: Position, size: int) -> Body:
    """The next documents of a slice of a point in time.

    Slices are made by the documents' ids, so that each has the same documents in another point in time. The default, Lucene's document
    numbers, changes with every merge.
    """
    wanted = {"bool": {"filter": [query(spec)], **lacking(position)}}
    pit = {"pit": {"id": position["pit"], "keep_alive": KEEP_ALIVE}}
    body = _body(spec, wanted, ["_shard_doc"], size) | pit | runtime_mapping(position, spec.fields.id)
    if position["slices"] > 1:
        body["slice"] = {"field": "_id", "id": position["slice"], "max": position["slices"]}
    if position["after"] is not None:
        body["search_after"] = position["after"]
    return body


def find_body(spec: IndexSpec, keys: Collection[str], key: SortKey | None) -> Body:
    """Documents by product ids, of whatever type, or by document keys (INDEX/ID)."""
    wanted: list[Body] = [{"ids": {"values": [*keys, *(key.partition("/")[2] for key in keys if "/" in key)]}}]
    if key and key.fields is not None:
        wanted.append({"terms": {key.field: sorted({*keys, *map(_plain, keys)})}})
    elif spec.fields.id is not None:
        wanted += [{"match": {spec.fields.id: {"query": key, "operator": "and", "lenient": True}}} for key in keys]
    found = {"bool": {"filter": [spec.query], "should": wanted, "minimum_should_match": 1}}
    return _body(spec, found, ["_doc"], MAX_FOUND) | runtime_mapping(key.as_json if key else {}, spec.fields.id)


def _plain(key: str) -> str:
    """An id in the form that the script gives to fractional numbers."""
    try:
        number = float(key)
    except ValueError:
        return key
    return as_text(number) if repr(number) == key else key


def sample_body(spec: IndexSpec, size: int) -> Body:
    """A random sample of documents."""
    drawn = {"function_score": {"query": query(spec), "random_score": {}, "boost_mode": "replace"}}
    return _body(spec, drawn, ["_score"], size)


def _body(spec: IndexSpec, query: Any, sort: list[Any], size: int) -> Body:
    return {"query": query, "sort": sort, "size": size, "_source": _wanted(spec.fields), "track_total_hits": False}


def _wanted(fields: FieldNames) -> list[str] | bool:
    if fields.attributes is None:
        return True
    attributes = [fields.attributes] if isinstance(fields.attributes, str) else list(fields.attributes)
    images = addresses.placeholders(fields.image_urls) or [fields.image_urls]
    whole = [name.rpartition(".")[0] for name in (fields.id or "", *images)]  # the parents of multi-fields such as ``sku.keyword``
    return [name for name in (fields.id, *images, *whole, *attributes) if name]


def query(spec: IndexSpec) -> Mapping[str, Any]:
    """The query for the documents to read: the one that was given, restricted to changes if only these are read."""
    if spec.updated_at is None or spec.since is None:
        return spec.query
    if spec.updated_unit == "date":
        since: Body = {"gte": spec.since, "format": "strict_date_optional_time"}  # independent of the format in the field's mapping
        return {"bool": {"filter": [spec.query, {"range": {spec.updated_at: since}}]}}
    seconds = int(datetime.fromisoformat(spec.since).timestamp())
    units = _UNITS.get(spec.updated_unit, _UNITS["number"])  # runs of earlier versions may name a unit below a second
    ranges = [{"range": {spec.updated_at: {"gte": seconds * a_second, **limit}}} for a_second, limit in units]
    return {"bool": {"filter": [spec.query, {"bool": {"should": ranges, "minimum_should_match": 1}}]}}


def path(spec: IndexSpec) -> str:
    """The index as the first segment of a URL's path, quoted, because it comes from a request."""
    return quote(spec.index, safe=",*")


def has(field: str, kind: str) -> Body:
    """Matches documents that have a value in a field; an empty text counts as none."""
    empty = {"must_not": [{"term": {field: ""}}]} if kind in TEXTS else {}
    return {"bool": {"filter": [{"exists": {"field": field}}], **empty}}


def lacking(position: Position) -> Body:
    """The part of a bool query that excludes documents which other slices read by these fields."""
    without: Mapping[str, str] | str = position.get("without", {})
    if isinstance(without, str):  # the form in slices of earlier versions
        without = {without: position["kind"]}
    return {"must_not": [has(field, kind) for field, kind in without.items()]} if without else {}
