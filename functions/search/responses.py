"""What a caller gets back: hits, or an error in the one shape that all errors have."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response, content_types
from lookalike.browsing import FilterableAttribute, ShownProduct, Stats
from lookalike.domain import Hit
from lookalike.errors import LookalikeError, Unavailable
from lookalike.searching import Answer

from functions.search import cursors
from functions.search.requests import FIELDS, Options

Json = Response[str]


def answer(found: Answer, options: Options) -> Json:
    """Hits, of which only the fields that were asked for are given, and the cursor of the next page."""
    hits = [_hit(hit, options.fields) for hit in found.hits]
    cursor = cursors.encode(found.next, options) if found.next else None
    return as_json({"hits": hits, "next_cursor": cursor, "model": found.model, "timings_ms": found.timings_ms})


def product(shown: ShownProduct) -> Json:
    """A product and its pictures."""
    pictures = [asdict(picture) | {"indexed_at": picture.indexed_at.isoformat()} for picture in shown.pictures]
    return as_json({"product_id": shown.product_id, "attributes": shown.attributes, "pictures": pictures})


def attributes(found: Sequence[FilterableAttribute]) -> Json:
    """What a filter can ask for, and in which forms."""
    return as_json({"attributes": [asdict(each) | {"filters": _forms(each)} for each in found]})


def stats(found: Stats) -> Json:
    """How much the index holds."""
    at = found.totals.last_indexed_at
    counted = {"products": found.totals.products, "pictures": found.totals.pictures, "last_indexed_at": at.isoformat() if at else None}
    return as_json({"index": found.index, "model": found.model, **counted})


def failure(error: LookalikeError, request_id: str, methods: Sequence[str] = ()) -> Json:
    """``{"error": {"code", "message", "field"?, "request_id"}}``; of our own faults the caller learns no more than the id.

    ``methods`` are those that the path knows, for a request with another one.
    """
    is_ours = error.http_status == HTTPStatus.INTERNAL_SERVER_ERROR
    message = f"this is our fault; tell us the incident id {request_id}" if is_ours else str(error)
    body = {"code": error.code, "message": message, "request_id": request_id}
    if error.field:
        body["field"] = error.field
    headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, Unavailable) else {}
    if methods:
        headers["Allow"] = ", ".join([*methods, "OPTIONS"])
    return as_json({"error": body}, HTTPStatus(error.http_status), headers)


def as_json(body: dict[str, Any], status: HTTPStatus = HTTPStatus.OK, headers: dict[str, str] | None = None) -> Json:
    """Any answer; keys that are given no value are left out."""
    return Response(status, content_types.APPLICATION_JSON, json.dumps(body, ensure_ascii=False), headers)


def _forms(attribute: FilterableAttribute) -> list[str]:
    return ["value", "values", "exists"] + (["range"] if attribute.least is not None else [])


def _hit(hit: Hit, fields: Sequence[str] | None) -> dict[str, Any]:
    whole = {name: value for name, value in asdict(hit).items() if name in FIELDS} | {"score": round(hit.score, 6)}
    if fields is None:
        return whole
    wanted = {name: value for name, value in whole.items() if name in fields}
    prefix = "attributes."
    named = {name.removeprefix(prefix) for name in fields if name.startswith(prefix)}
    if named and "attributes" not in wanted:
        wanted["attributes"] = {name: value for name, value in hit.attributes.items() if name in named}
    return wanted
