"""Query bodies for reading a backfill's source, built by pure functions."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from lookalike.backfill.model import FieldNames, IndexSpec, Position

KEEP_ALIVE = "15m"
MAX_FOUND = 5_000

Body = dict[str, Any]


def range_body(spec: IndexSpec, position: Position, size: int) -> Body:
    """The next documents of a range, by the field that it is a range of; what was read is not even looked at again."""
    field, after = position["field"], position["after"]
    given = {"gt": position["gt"] if after is None else after[0], "lte": position["lte"]}
    bounds = {name: bound for name, bound in given.items() if bound is not None}
    within = {"range": {field: bounds}} if bounds else {"exists": {"field": field}}
    body = _body(spec, {"bool": {"filter": [query(spec), within]}}, [{field: "asc"}], size)
    # A document with several ids may be in the range by a later one, though it was read by its least.
    return body if after is None else body | {"search_after": after}


def pit_body(spec: IndexSpec, position: Position, size: int) -> Body:
    """The next documents of a slice of a point in time.

    It is cut by the documents' ids, so that it has the same documents in the next point in time if this one is lost. By default it would
    be cut by Lucene's numbers, which every merge deals out anew.
    """
    wanted = without(spec, position["without"]) if "without" in position else query(spec)
    body = _body(spec, wanted, ["_shard_doc"], size) | {"pit": {"id": position["pit"], "keep_alive": KEEP_ALIVE}}
    if position["slices"] > 1:
        body["slice"] = {"field": "_id", "id": position["slice"], "max": position["slices"]}
    if position["after"] is not None:
        body["search_after"] = position["after"]
    return body


def find_body(spec: IndexSpec, keys: Sequence[str]) -> Body:
    """Documents by their products' ids, whatever type these have, or by their own."""
    wanted: list[Body] = [{"ids": {"values": [*keys, *(key.partition("/")[2] for key in keys if "/" in key)]}}]
    if spec.fields.id is not None:
        wanted += [{"match": {spec.fields.id: {"query": key, "operator": "and", "lenient": True}}} for key in keys]
    found = {"bool": {"filter": [spec.query], "should": wanted, "minimum_should_match": 1}}
    return _body(spec, found, ["_doc"], MAX_FOUND)


def _body(spec: IndexSpec, query: Any, sort: list[Any], size: int) -> Body:
    return {"query": query, "sort": sort, "size": size, "_source": _wanted(spec.fields), "track_total_hits": False}


def _wanted(fields: FieldNames) -> list[str] | bool:
    if fields.attributes is None:
        return True
    attributes = [fields.attributes] if isinstance(fields.attributes, str) else list(fields.attributes)
    return [name for name in (fields.id, fields.image_urls, *attributes) if name]


def query(spec: IndexSpec) -> Mapping[str, Any]:
    """The query for the documents to read: those that are products, and changed since the last run where only these are wanted."""
    if spec.updated_at is None or spec.since is None:
        return spec.query
    return {"bool": {"filter": [spec.query, {"range": {spec.updated_at: {"gte": spec.since}}}]}}


def path(spec: IndexSpec) -> str:
    """The index as the first part of a URL's path, quoted, because a caller chose its name."""
    return quote(spec.index, safe=",*")


def without(spec: IndexSpec, field: str) -> Body:
    """The query for documents that lack a field."""
    return {"bool": {"filter": [query(spec)], "must_not": [{"exists": {"field": field}}]}}
