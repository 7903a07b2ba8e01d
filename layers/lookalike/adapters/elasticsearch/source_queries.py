"""Query bodies for reading a backfill's source, built by pure functions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from lookalike.adapters.elasticsearch.source_keys import Key, runtime
from lookalike.backfill import addresses
from lookalike.backfill.model import DateUnit, FieldNames, IndexSpec, Position

KEEP_ALIVE = "15m"
MAX_FOUND = 5_000

Body = dict[str, Any]

_A_SECOND: Mapping[DateUnit, int] = {"s": 1, "ms": 1000, "us": 1_000_000, "ns": 1_000_000_000}


def range_body(spec: IndexSpec, position: Position, size: int) -> Body:
    """The next documents of a range, by the field that it is a range of; what was read is not even looked at again."""
    field, after = position["field"], position["after"]
    given = {"gt": position["gt"] if after is None else after[0], "lte": position["lte"]}
    bounds = {name: bound for name, bound in given.items() if bound is not None}
    within = {"range": {field: bounds}} if bounds else {"exists": {"field": field}}
    by = {field: {"order": "asc", "unmapped_type": position.get("kind", "keyword")}}
    body = _body(spec, {"bool": {"filter": [query(spec), within]}}, [by], size) | runtime(position, spec.fields.id)
    # A document with several ids may be in the range by a later one, though it was read by its least.
    return body if after is None else body | {"search_after": after}


def pit_body(spec: IndexSpec, position: Position, size: int) -> Body:
    """The next documents of a slice of a point in time.

    It is cut by the documents' ids, so that it has the same documents in the next point in time if this one is lost. By default it would
    be cut by Lucene's numbers, which every merge deals out anew.
    """
    wanted = without(spec, position["without"]) if "without" in position else query(spec)
    pit = {"pit": {"id": position["pit"], "keep_alive": KEEP_ALIVE}}
    body = _body(spec, wanted, ["_shard_doc"], size) | pit | runtime(position, spec.fields.id)
    if position["slices"] > 1:
        body["slice"] = {"field": "_id", "id": position["slice"], "max": position["slices"]}
    if position["after"] is not None:
        body["search_after"] = position["after"]
    return body


def find_body(spec: IndexSpec, keys: Sequence[str], key: Key | None) -> Body:
    """Documents by their products' ids, whatever type these have, or by their own."""
    wanted: list[Body] = [{"ids": {"values": [*keys, *(key.partition("/")[2] for key in keys if "/" in key)]}}]
    if key and key.fields is not None:
        wanted.append({"terms": {key.field: list(keys)}})
    elif spec.fields.id is not None:
        wanted += [{"match": {spec.fields.id: {"query": key, "operator": "and", "lenient": True}}} for key in keys]
    found = {"bool": {"filter": [spec.query], "should": wanted, "minimum_should_match": 1}}
    return _body(spec, found, ["_doc"], MAX_FOUND) | runtime(key.as_json if key else {}, spec.fields.id)


def sample_body(spec: IndexSpec, size: int) -> Body:
    """Documents drawn at random."""
    drawn = {"function_score": {"query": query(spec), "random_score": {}, "boost_mode": "replace"}}
    return _body(spec, drawn, ["_score"], size)


def _body(spec: IndexSpec, query: Any, sort: list[Any], size: int) -> Body:
    return {"query": query, "sort": sort, "size": size, "_source": _wanted(spec.fields), "track_total_hits": False}


def _wanted(fields: FieldNames) -> list[str] | bool:
    if fields.attributes is None:
        return True
    attributes = [fields.attributes] if isinstance(fields.attributes, str) else list(fields.attributes)
    images = addresses.placeholders(fields.image_urls) or [fields.image_urls]
    whole = [name.rpartition(".")[0] for name in (fields.id or "", *images)]  # what a multi-field such as ``sku.keyword`` belongs to
    return [name for name in (fields.id, *images, *whole, *attributes) if name]


def query(spec: IndexSpec) -> Mapping[str, Any]:
    """The query for the documents to read: those that are products, and changed since the last run where only these are wanted."""
    if spec.updated_at is None or spec.since is None:
        return spec.query
    if spec.updated_unit == "date":
        since: Body = {"gte": spec.since, "format": "strict_date_optional_time"}  # whatever the field's own format is
    else:
        since = {"gte": int(datetime.fromisoformat(spec.since).timestamp() * _A_SECOND[spec.updated_unit])}
    return {"bool": {"filter": [spec.query, {"range": {spec.updated_at: since}}]}}


def path(spec: IndexSpec) -> str:
    """The index as the first part of a URL's path, quoted, because a caller chose its name."""
    return quote(spec.index, safe=",*")


def without(spec: IndexSpec, field: str) -> Body:
    """The query for documents that lack a field."""
    return {"bool": {"filter": [query(spec)], "must_not": [{"exists": {"field": field}}]}}
