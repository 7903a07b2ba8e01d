"""Reads a backfill's source in Elasticsearch by plain JSON over HTTP, because the client refuses older servers (7.12 and later).

Slices are ranges of the product's id (`source_keys`); their bounds are sampled. Several documents may have the same id: a page never ends
between two of them. If each document is a product of its own, the slices are those of a point in time, and start again if it is lost.
"""

import json
import ssl
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from itertools import chain
from typing import Any, cast
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ProtocolError

from lookalike.adapters.elasticsearch import source_queries as queries
from lookalike.adapters.elasticsearch.client import BUSY, authorization, trusting
from lookalike.adapters.elasticsearch.source_checks import check_server, is_pattern, with_unit, without_own
from lookalike.adapters.elasticsearch.source_documents import source_document, too_many
from lookalike.adapters.elasticsearch.source_keys import FROM_SOURCE, SortKey, fields_asked, parents_of, runtime_mapping, sort_key
from lookalike.adapters.elasticsearch.source_queries import Body
from lookalike.backfill.model import IndexSpec, Position, SourceDocument, SourcePage
from lookalike.errors import IndexUnavailable, Misconfigured, RequestInvalid

TIMEOUT_S = 30.0
SAMPLES_A_SLICE = 20
MAX_POINT_IN_TIME_SLICES = 64
"""The first page of each slice visits every document, until the server has cached which belong to the slice."""

MAX_SCRIPTED = 500_000
"""The most documents that are sorted by a script, as each page visits all of them. In larger sources each document is one product."""
URL = "source.url (LOOKALIKE_ELASTICSEARCH_URL where it is not given)"
CA = "source.ca (LOOKALIKE_ELASTICSEARCH_CA where source.url is not given)"
"""Which option or setting has the URL and the certificate authority, for error messages."""

FIRST_SURROGATE = "\ud800"
"""Below this character, the orders of UTF-8 and UTF-16 agree."""

POINT_IN_TIME_LOST = "search_context_missing_exception"
"""Elasticsearch's error type for a lost point in time; a single shard may report it."""


class ElasticsearchSource:
    """Reads products from an index of one Elasticsearch cluster.

    Args:
        url: its URL; if there are several, separated by commas, the first is used.
        secret, ca, new_secret: as `lookalike.adapters.elasticsearch.client.connect` takes them.
    """

    def __init__(self, url: str, secret: str | None = None, ca: str | None = None, new_secret: Callable[[], str] | None = None) -> None:
        self._url = url.partition(",")[0].strip().rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Accept-Encoding"] = "identity"  # Compressing pages would take the source longer than sending them.
        if ca:
            trusted = cast(HTTPAdapter, self._session.get_adapter("https://"))
            trusted.poolmanager.connection_pool_kw["ssl_context"] = trusting(ca, CA)
        self._new_secret = new_secret if secret else None
        if secret:
            self._session.headers["Authorization"] = authorization(secret)

    def resolved(self, spec: IndexSpec) -> IndexSpec:
        """See `lookalike.backfill.model.Source.resolved`; skips the check of the version if our key may not read it."""
        with suppress(Misconfigured):
            check_server(self._ask("GET", ""))
        names = ["_id", spec.updated_at, *parents_of(spec.updated_at)] if spec.updated_at else ["_id"]
        known = self._capabilities(spec, *names)
        found = without_own(spec, known["indices"], self._meta(spec))
        return with_unit(found, spec.updated_at, known["fields"]) if spec.updated_at else found

    def count(self, spec: IndexSpec) -> int:
        """The number of documents that the query matches."""
        return int(self._post(f"{queries.path(spec)}/_count", {"query": queries.query(spec)})["count"])

    def is_unique(self, spec: IndexSpec) -> bool:
        """Whether all documents of a product are on one page: they are sorted by its id, or each is a product of its own."""
        if spec.fields.id is not None:
            return self._key(spec) is not None
        return len(self._capabilities(spec, "_id")["indices"]) <= 1

    def find(self, spec: IndexSpec, keys: Sequence[str]) -> Sequence[SourceDocument]:
        """The current documents whose product id or document key is among these."""
        if not keys:
            return []
        key = self._key(spec)
        found = self._find(spec, frozenset(keys), key)
        lost = frozenset(keys).difference(*({each.key, each.item_key} for each in found)) if key and key.fields is None else ()
        return [*found, *self._find(spec, lost, FROM_SOURCE)] if lost else found

    def sample(self, spec: IndexSpec, size: int) -> Sequence[SourceDocument]:
        """A random sample of documents; the first ones by id would not be representative."""
        return [source_document(hit, spec.fields) for hit in self._search(queries.path(spec), queries.sample_body(spec, size))]

    def slices(self, spec: IndexSpec, most: int) -> Sequence[Position]:
        """The first positions of at most ``most`` slices, and of up to two more for documents without an id."""
        key = self._key(spec)
        if key is None:
            pit, slices = self._open_point_in_time(spec), min(most, MAX_POINT_IN_TIME_SLICES)
            return [{"pit": pit, "slice": number, "slices": slices, "after": None} for number in range(slices)]
        bounds = self._bounds(spec, key, most) if most > 1 else []
        ranges: list[Position] = [
            {**key.as_json, "gt": low, "lte": high, "after": None} for low, high in zip([None, *bounds], [*bounds, None], strict=True)
        ]
        return [*ranges, *self._rest(spec, {key.field: key.kind})]

    def page(self, spec: IndexSpec, position: Position, size: int) -> SourcePage:
        """At most ``size`` documents from a position on."""
        if "field" in position:
            return self._range_page(spec, position, size)
        return self._pit_page(spec, position, size)

    def _range_page(self, spec: IndexSpec, position: Position, size: int) -> SourcePage:
        """Documents up to a change of the id, so that the next page can begin after that id."""
        hits = self._search(queries.path(spec), queries.range_body(spec, position, size + 1))
        whole = [hit for hit in hits if len(hits) <= size or hit["sort"] != hits[-1]["sort"]]
        read = whole or hits[:size]
        # A document with several ids is sorted by its least one, and belongs to the slice of that one.
        documents = (source_document(hit, spec.fields) for hit in read if position["gt"] is None or hit["sort"][0] > position["gt"])
        faults = [too_many(spec, hits[0], size)] if hits and not whole else []
        return SourcePage(chain(documents, faults), {**position, "after": read[-1]["sort"]} if len(hits) > size else None)

    def _pit_page(self, spec: IndexSpec, position: Position, size: int) -> SourcePage:
        pit = position["pit"] or self._open_point_in_time(spec)
        try:
            hits = self._search(None, queries.pit_body(spec, {**position, "pit": pit}, size))
        except _PointInTimeLost:
            return SourcePage([], {**position, "pit": None, "after": None}, is_snapshot=True, is_restart=True)
        more = {**position, "pit": pit, "after": hits[-1]["sort"]} if len(hits) == size else None
        return SourcePage((source_document(hit, spec.fields) for hit in hits), more, is_snapshot=True)

    def _open_point_in_time(self, spec: IndexSpec) -> str:
        return str(self._post(f"{queries.path(spec)}/_pit?keep_alive={queries.KEEP_ALIVE}")["id"])

    def _key(self, spec: IndexSpec) -> SortKey | None:
        """The key by which documents are sorted; None if each is a product of its own."""
        if spec.fields.id is None:
            return None
        known = self._capabilities(spec, *fields_asked(spec.fields.id))
        key = sort_key(spec.fields.id, known["fields"], self._mappings(spec) if len(known["indices"]) > 1 else {})
        return None if key.fields is not None and self.count(spec) > MAX_SCRIPTED else key

    def _mappings(self, spec: IndexSpec) -> Mapping[str, Any]:
        """The mapping of the id's field in each index; empty if it cannot be read, as through another cluster or without the privilege."""
        names = quote(f"{spec.fields.id},{spec.fields.id}.keyword", safe=",")
        with suppress(Misconfigured, RequestInvalid):
            return self._ask("GET", f"{queries.path(spec)}/_mapping/field/{names}")
        return {}

    def _capabilities(self, spec: IndexSpec, *names: str) -> dict[str, Any]:
        wanted = quote(",".join(names), safe=",")
        return self._post(f"{queries.path(spec)}/_field_caps?fields={wanted}&include_unmapped=true&ignore_unavailable=false")

    def _meta(self, spec: IndexSpec) -> dict[str, Any]:
        """The ``_meta`` of the indices' mappings; empty if they are named and our key may not read mappings."""
        try:
            return self._ask("GET", f"{queries.path(spec)}/_mapping?filter_path=*.mappings._meta")
        except Misconfigured:
            if is_pattern(spec.index):
                raise
            return {}

    def _bounds(self, spec: IndexSpec, key: SortKey, slices: int) -> list[Any]:
        """Values of the key that divide the documents into about equal parts, from a sample."""
        body = queries.sample_body(spec, SAMPLES_A_SLICE * slices) | {"_source": False, "docvalue_fields": [key.field]}
        hits = self._search(queries.path(spec), body | runtime_mapping(key.as_json, spec.fields.id))
        found = {hit["fields"][key.field][0] for hit in hits if key.field in hit.get("fields", {})}
        values = sorted(value for value in found if max(str(value), default="") < FIRST_SURROGATE)
        return sorted({values[len(values) * number // slices] for number in range(1, slices)}) if values else []

    def _find(self, spec: IndexSpec, keys: Collection[str], key: SortKey | None) -> Sequence[SourceDocument]:
        documents = [source_document(hit, spec.fields) for hit in self._search(queries.path(spec), queries.find_body(spec, keys, key))]
        return [each for each in documents if each.key in keys or (each.product and each.product.product_id in keys)]

    def _rest(self, spec: IndexSpec, without: Mapping[str, str]) -> Sequence[Position]:
        """Slices for documents without these fields: those with an id in ``_source`` that is not mapped, and those without any id."""
        rest: Position = {"fields": {}, "without": without, "pit": None, "slice": 0, "slices": 1, "after": None}
        wanted = {"bool": {"filter": [queries.query(spec)], **queries.lacking(rest)}}
        body = {"query": wanted, "size": 0, "track_total_hits": MAX_SCRIPTED + 1, **runtime_mapping(rest, spec.fields.id)}
        left = self._found(queries.path(spec), body)["total"]["value"]
        if not left or FROM_SOURCE.field in without or left > MAX_SCRIPTED:
            return [rest] if left else []
        scripted = {**FROM_SOURCE.as_json, "without": without, "gt": None, "lte": None, "after": None}
        return [scripted, *self._rest(spec, {**without, FROM_SOURCE.field: FROM_SOURCE.kind})]

    def _search(self, index: str | None, body: Body) -> list[dict[str, Any]]:
        return cast(list[dict[str, Any]], self._found(index, body)["hits"])

    def _found(self, index: str | None, body: Body) -> dict[str, Any]:
        answer = self._post(f"{index}/_search" if index else "_search", body)
        if any(failure["reason"]["type"] == POINT_IN_TIME_LOST for failure in answer["_shards"].get("failures", [])):
            raise _PointInTimeLost()
        if answer["timed_out"] or answer["_shards"]["failed"] or answer.get("_clusters", {}).get("skipped"):
            raise IndexUnavailable("the source did not search all of its shards or remote clusters")
        return cast(dict[str, Any], answer["hits"])

    def _post(self, path: str, body: Body | None = None) -> dict[str, Any]:
        return self._ask("POST", path, body)

    def _ask(self, method: str, path: str, body: Body | None = None) -> dict[str, Any]:
        try:
            response = self._answer(method, path, body)
            if response.status_code == HTTPStatus.UNAUTHORIZED and self._new_secret:
                self._session.headers["Authorization"] = authorization(self._new_secret())
                response = self._answer(method, path, body)
        except requests.RequestException as error:
            if not isinstance(error, requests.exceptions.SSLError) or _has_ended(error):
                raise IndexUnavailable(f"the source cannot be reached ({type(error).__name__}): check {URL}, its scheme too") from error
            raise Misconfigured(f"the source's certificate is refused: check {CA}, and {URL}'s scheme: {error}") from error
        if not response.ok:
            raise _error_of(response)
        if not response.content:
            raise IndexUnavailable("the source's answer was cut off")
        with suppress(ValueError):
            if isinstance(answer := json.loads(response.content), dict):
                return answer
        raise Misconfigured("the source's answer is no JSON object, so it is no Elasticsearch")

    def _answer(self, method: str, path: str, body: Body | None) -> requests.Response:
        """Once more where the connection ended before the answer: one that was kept may have, while Lambda held the function still."""
        ask = partial(self._session.request, method, f"{self._url}/{path}", json=body, timeout=TIMEOUT_S)
        try:
            return ask()
        except requests.ConnectionError as error:
            if not _has_ended(error):
                raise
        return ask()


class _PointInTimeLost(Exception):
    """The point in time has expired, or its node is gone."""


def _has_ended(error: requests.ConnectionError) -> bool:
    """Whether the connection ended; of one with TLS urllib3 says it another way round."""
    fault = error.args[0]
    return isinstance(fault, ProtocolError) or any(isinstance(cause, ssl.SSLEOFError) for cause in getattr(fault, "reason", fault).args)


def _error_of(response: requests.Response) -> Exception:
    """The error for an answer with an error status."""
    kind = reason = ""
    try:
        error = response.json()["error"]
        causes = error.get("root_cause") or [error]
        kind, reason = causes[0]["type"], str(causes[0]["reason"])
    except (ValueError, KeyError, TypeError):
        reason = response.text[:200]
    if kind == POINT_IN_TIME_LOST:
        return _PointInTimeLost()
    if response.status_code in BUSY or response.status_code >= 500:
        return IndexUnavailable(f"the source is busy: {reason}", retry_after_s=5)
    if response.status_code in (401, 403):
        return Misconfigured(f"the source refuses our credentials: {reason}")
    if response.status_code == 404:
        return RequestInvalid(f"the source has no such index: {reason}", field="source.index")
    return RequestInvalid(f"the source cannot answer: {reason}", field="source")
