"""Products of an index that is only read, by plain JSON over HTTP: it may be another cluster and an older server (7.12 and later).

Slices are ranges of the field that holds the product's id, where that can be sorted by; their bounds are sampled. Several documents may
have the same id: a page never ends between two of them. Otherwise they are slices of one point in time, and a slice whose point in time
is lost starts again.
"""

import json
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter

from lookalike.adapters.elasticsearch_client import BUSY, credentials
from lookalike.backfills import FieldNames, IndexSpec, Page, Position, Row
from lookalike.domain import Product
from lookalike.errors import IndexAway, Misconfigured, RequestInvalid

TIMEOUT_S = 30.0
KEEP_ALIVE = "15m"
SAMPLES_A_SLICE = 20
MAX_POINT_IN_TIME_SLICES = 64
"""The first pages of each look at the id of every document, until the server keeps which are the slice's."""

MAX_FOUND = 5_000
MAX_ID_BYTES = 512
SORTABLE = frozenset({"keyword", "long", "integer", "short", "byte", "unsigned_long", "constant_keyword", "wildcard"})
POINT_IN_TIME_LOST = "search_context_missing_exception"
"""Elasticsearch's name of it; of several shards, one alone may have lost its part."""

_SCALARS = (str, int, float)

Body = dict[str, Any]


class ElasticsearchSource:
    """Reads one cluster.

    Args:
        url: its address; of several, separated by commas, the first.
        secret: as `lookalike.adapters.elasticsearch_client.connect` takes it.
        ca: likewise.
    """

    def __init__(self, url: str, secret: str | None = None, ca: str | None = None) -> None:
        self._url = url.partition(",")[0].strip().rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Accept-Encoding"] = "identity"  # To compress pages would take the source longer than to send them.
        if ca:
            self._session.mount("https://", _TrustingAdapter(ca))
        given = credentials(secret) if secret else {}
        if "api_key" in given:
            self._session.headers["Authorization"] = f"ApiKey {given['api_key']}"
        elif given:
            self._session.auth = given["basic_auth"]

    def count(self, spec: IndexSpec) -> int:
        """How many documents."""
        return int(self._post(f"{_path(spec)}/_count", {"query": _query(spec)})["count"])

    def is_unique(self, spec: IndexSpec) -> bool:
        """Whether all documents of a product come on one page: they are sorted by its id, or each is a product of its own."""
        if spec.fields.id is not None:
            return self._sortable(spec) is not None
        return len(self._capabilities(spec, "_id")["indices"]) <= 1

    def find(self, spec: IndexSpec, keys: Sequence[str]) -> Sequence[Row]:
        """The documents, as they are now, whose product's id or own key is among these."""
        if not keys:
            return []
        wanted = frozenset(keys)
        hits = self._search(_path(spec), find_body(spec, keys))
        rows = [row(hit, spec.fields) for hit in hits]
        return [each for each in rows if each.key in wanted or (each.product and each.product.product_id in wanted)]

    def slices(self, spec: IndexSpec, most: int) -> Sequence[Position]:
        """Starting points of at most ``most`` slices, and of one more for documents without an id."""
        field = self._sortable(spec)
        if field is None:
            pit, slices = self._post(f"{_path(spec)}/_pit?keep_alive={KEEP_ALIVE}")["id"], min(most, MAX_POINT_IN_TIME_SLICES)
            return [{"pit": pit, "slice": number, "slices": slices, "after": None} for number in range(slices)]
        bounds = self._bounds(spec, field, most) if most > 1 else []
        ranges: list[Position] = [
            {"field": field, "gt": low, "lte": high, "after": None} for low, high in zip([None, *bounds], [*bounds, None], strict=True)
        ]
        return (
            [*ranges, {"without": field, "pit": None, "slice": 0, "slices": 1, "after": None}] if self._any_without(spec, field) else ranges
        )

    def page(self, spec: IndexSpec, position: Position, size: int) -> Page:
        """The documents at a position."""
        if "field" in position:
            return self._range_page(spec, position, size)
        return self._pit_page(spec, position, size)

    def _range_page(self, spec: IndexSpec, position: Position, size: int) -> Page:
        """Documents up to where the id changes, so that the next page may begin behind that id."""
        hits = self._search(_path(spec), range_body(spec, position, size + 1))
        whole = [hit for hit in hits if len(hits) <= size or hit["sort"] != hits[-1]["sort"]]
        read = whole or hits[:size]
        # A document with several ids is sorted by its least one, and belongs to the slice where that is.
        rows = [row(hit, spec.fields) for hit in read if position["gt"] is None or hit["sort"][0] > position["gt"]]
        if hits and not whole:
            rows.append(_too_many(spec, hits[0], size))
        return Page(rows, {**position, "after": read[-1]["sort"]} if len(hits) > size else None)

    def _pit_page(self, spec: IndexSpec, position: Position, size: int) -> Page:
        pit = position["pit"] or self._post(f"{_path(spec)}/_pit?keep_alive={KEEP_ALIVE}")["id"]
        try:
            hits = self._search(None, pit_body(spec, {**position, "pit": pit}, size))
        except _PointInTimeLost:
            return Page([], {**position, "pit": None, "after": None})
        more = {**position, "pit": pit, "after": hits[-1]["sort"]} if len(hits) == size else None
        return Page([row(hit, spec.fields) for hit in hits], more)

    def _sortable(self, spec: IndexSpec) -> str | None:
        """The field of the product's id, or its keyword sub-field, if documents can be sorted by it."""
        if spec.fields.id is None:
            return None
        names = [spec.fields.id, f"{spec.fields.id}.keyword"]
        known = self._capabilities(spec, *names)["fields"]
        for name in names:
            types = known.get(name, {})
            if len(types) == 1 and all(kind in SORTABLE and caps["aggregatable"] for kind, caps in types.items()):
                return name
        return None

    def _capabilities(self, spec: IndexSpec, *names: str) -> dict[str, Any]:
        return self._post(f"{_path(spec)}/_field_caps?fields={quote(','.join(names), safe=',')}&ignore_unavailable=false")

    def _bounds(self, spec: IndexSpec, field: str, slices: int) -> list[Any]:
        """Values of the field that cut the documents into about equal parts."""
        samples = SAMPLES_A_SLICE * slices
        query = {"function_score": {"query": _query(spec), "random_score": {}, "boost_mode": "replace"}}
        hits = self._search(_path(spec), {"query": query, "size": samples, "_source": False, "docvalue_fields": [field]})
        values = sorted({hit["fields"][field][0] for hit in hits if field in hit.get("fields", {})})
        return sorted({values[len(values) * number // slices] for number in range(1, slices)}) if values else []

    def _any_without(self, spec: IndexSpec, field: str) -> bool:
        return bool(self._post(f"{_path(spec)}/_count", {"query": _without(spec, field)})["count"])

    def _search(self, index: str | None, body: Body) -> list[dict[str, Any]]:
        answer = self._post(f"{index}/_search" if index else "_search", body)
        if any(failure["reason"]["type"] == POINT_IN_TIME_LOST for failure in answer["_shards"].get("failures", [])):
            raise _PointInTimeLost()
        if answer["timed_out"] or answer["_shards"]["failed"]:
            raise IndexAway("the source did not search all of its shards")
        return cast(list[dict[str, Any]], answer["hits"]["hits"])

    def _post(self, path: str, body: Body | None = None) -> dict[str, Any]:
        try:
            response = self._session.post(f"{self._url}/{path}", json=body, timeout=TIMEOUT_S)
        except requests.RequestException as error:
            raise IndexAway(f"the source cannot be reached: {type(error).__name__}") from error
        if not response.ok:
            raise _explained(response)
        try:
            return cast(dict[str, Any], json.loads(response.content))
        except ValueError as error:
            raise Misconfigured("the source's answer is not JSON: it is no Elasticsearch") from error


class _TrustingAdapter(HTTPAdapter):
    """Trusts one more certificate authority, given as PEM text."""

    def __init__(self, ca: str) -> None:
        self._context = ssl.create_default_context(cadata=ca)
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)


class _PointInTimeLost(Exception):
    """Its node went, or nobody asked for too long."""


def range_body(spec: IndexSpec, position: Position, size: int) -> Body:
    """The next documents of a range, by the field that it is a range of; what was read is not even looked at again."""
    field, after = position["field"], position["after"]
    given = {"gt": position["gt"] if after is None else after[0], "lte": position["lte"]}
    bounds = {name: bound for name, bound in given.items() if bound is not None}
    within = {"range": {field: bounds}} if bounds else {"exists": {"field": field}}
    body = _body(spec, {"bool": {"filter": [_query(spec), within]}}, [{field: "asc"}], size)
    # A document with several ids may be in the range by a later one, though it was read by its least.
    return body if after is None else body | {"search_after": after}


def pit_body(spec: IndexSpec, position: Position, size: int) -> Body:
    """The next documents of a slice of a point in time.

    It is cut by the documents' ids, so that it has the same documents in the next point in time if this one is lost. By default it would
    be cut by Lucene's numbers, which every merge deals out anew.
    """
    query = _without(spec, position["without"]) if "without" in position else _query(spec)
    body = _body(spec, query, ["_shard_doc"], size) | {"pit": {"id": position["pit"], "keep_alive": KEEP_ALIVE}}
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
    query = {"bool": {"filter": [spec.query], "should": wanted, "minimum_should_match": 1}}
    return _body(spec, query, ["_doc"], MAX_FOUND)


def row(hit: Mapping[str, Any], fields: FieldNames) -> Row:
    """The product that a document describes, or why it describes none."""
    source, key = hit["_source"], f"{hit['_index']}/{hit['_id']}"
    ids = [hit["_id"]] if fields.id is None else [value for value in _values(source, fields.id) if isinstance(value, _SCALARS)]
    if len(ids) != 1 or not (id_ := str(ids[0])):
        return Row(key, fault=f"the document {hit['_id']!r} has no single value as {fields.id!r} to be the product's id")
    if len(id_.encode()) > MAX_ID_BYTES:
        return Row(key, fault=f"the document {hit['_id']!r} has an id of more than {MAX_ID_BYTES} bytes")
    urls = [url.strip() for url in _values(source, fields.image_urls) if isinstance(url, str)]
    return Row(key, Product(id_, tuple(dict.fromkeys(filter(None, urls))), _attributes(source, fields)))


def _too_many(spec: IndexSpec, hit: Mapping[str, Any], size: int) -> Row:
    id_ = hit["sort"][0]
    return Row(
        f"{hit['_index']}/{spec.fields.id}={id_}", fault=f"more than {size} documents have the id {id_!r}: some of them were left out"
    )


def _attributes(source: Mapping[str, Any], fields: FieldNames) -> dict[str, Any]:
    if isinstance(fields.attributes, str):
        found = [value for value in _values(source, fields.attributes) if isinstance(value, dict)]
        return found[0] if found else {}
    if fields.attributes is None:
        attributes = dict(source)
        attributes.pop(fields.image_urls, None)
        if fields.id is not None:
            attributes.pop(fields.id, None)
        return attributes
    named = {name: _values(source, name) for name in fields.attributes}
    return {name: values[0] if len(values) == 1 else values for name, values in named.items() if values}


def _values(document: Mapping[str, Any], path: str) -> list[Any]:
    """What stands at a dotted path; lists on the way are walked through."""
    if path in document:
        return _flat([document[path]])
    head, _, rest = path.partition(".")
    inner = _flat([document.get(head)]) if rest else []
    return [value for each in inner if isinstance(each, dict) for value in _values(each, rest)]


def _flat(values: Sequence[Any]) -> list[Any]:
    """Lists of lists as one list, without nulls."""
    found: list[Any] = []
    for value in values:
        if isinstance(value, list):
            found += _flat(value)
        elif value is not None:
            found.append(value)
    return found


def _body(spec: IndexSpec, query: Any, sort: list[Any], size: int) -> Body:
    return {"query": query, "sort": sort, "size": size, "_source": _wanted(spec.fields), "track_total_hits": False}


def _wanted(fields: FieldNames) -> list[str] | bool:
    if fields.attributes is None:
        return True
    attributes = [fields.attributes] if isinstance(fields.attributes, str) else list(fields.attributes)
    return [name for name in (fields.id, fields.image_urls, *attributes) if name]


def _query(spec: IndexSpec) -> Mapping[str, Any]:
    """Which documents are read: those that are products, and changed since the last run if only these are wanted."""
    if spec.updated_at is None or spec.since is None:
        return spec.query
    return {"bool": {"filter": [spec.query, {"range": {spec.updated_at: {"gte": spec.since}}}]}}


def _path(spec: IndexSpec) -> str:
    """The index as part of a URL: a name that a caller wrote must not become another request."""
    return quote(spec.index, safe=",*")


def _without(spec: IndexSpec, field: str) -> Body:
    return {"bool": {"filter": [_query(spec)], "must_not": [{"exists": {"field": field}}]}}


def _explained(response: requests.Response) -> Exception:
    """Our error for an answer that is none."""
    kind = reason = ""
    try:
        error = response.json()["error"]
        causes = error.get("root_cause") or [error]
        kind, reason = causes[0]["type"], str(causes[0]["reason"])
    except (ValueError, KeyError, TypeError):
        reason = response.text[:200]
    if kind == POINT_IN_TIME_LOST:
        return _PointInTimeLost()
    if response.status_code in BUSY:
        return IndexAway(f"the source is busy: {reason}", retry_after_s=5)
    if response.status_code in (401, 403):
        return Misconfigured(f"the source refuses our credentials: {reason}")
    if response.status_code == 404:
        return RequestInvalid(f"the source has no such index: {reason}", field="source.index")
    return RequestInvalid(f"the source cannot answer: {reason}", field="source")
