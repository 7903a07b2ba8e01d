"""Builds the JSON responses; the models in `answers` describe them."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response, content_types
from lookalike.domain import Hit
from lookalike.errors import LookalikeError, TransientError
from lookalike.search.browse import ShownProduct, Stats
from lookalike.search.ports import FilterableAttribute
from lookalike.search.search import SearchResult

from functions.search import cursors
from functions.search.requests import HIT_FIELDS, Options

Json = Response[str]


def search(result: SearchResult, options: Options) -> Json:
    """The response to a search: hits, each with the fields that the options name, and the cursor of the next page."""
    hits = [_hit(hit, options.fields) for hit in result.hits]
    cursor = cursors.encode(result.next, options) if result.next else None
    return as_json({"hits": hits, "next_cursor": cursor, "model": result.model, "timings_ms": result.timings_ms})


def product(shown: ShownProduct) -> Json:
    """The response that shows a product with its pictures."""
    pictures = [asdict(picture) | {"indexed_at": picture.indexed_at.isoformat()} for picture in shown.pictures]
    return as_json({"product_id": shown.product_id, "attributes": shown.attributes, "pictures": pictures})


def attributes(listed: Sequence[FilterableAttribute]) -> Json:
    """The response that lists the attributes that a filter can use, each with the forms of a condition on it."""
    return as_json({"attributes": [asdict(each) | {"filters": _forms(each)} for each in listed]})


def stats(counted: Stats) -> Json:
    """The response with the numbers of products and pictures in the index."""
    at = counted.totals.last_indexed_at
    totals = {"products": counted.totals.products, "pictures": counted.totals.pictures, "last_indexed_at": at.isoformat() if at else None}
    return as_json({"index": counted.index, "model": counted.model, **totals})


def failure(error: LookalikeError, request_id: str, methods: Sequence[str] = ()) -> Json:
    """The response to a request that failed: ``{"error": {"code", "message", "field"?, "request_id"}}``.

    Status 500 tells the caller nothing but the request id; the details are in the log.

    Args:
        error: what went wrong.
        request_id: API Gateway's id of the request.
        methods: the methods of the path, for a request with another one.
    """
    is_ours = error.http_status == HTTPStatus.INTERNAL_SERVER_ERROR
    message = f"this is a fault of the service: report it with the incident id {request_id}" if is_ours else without_arns(str(error))
    body = {"code": error.code, "message": message, "request_id": request_id}
    if error.field:
        body["field"] = error.field
    headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, TransientError) else {}
    if methods:
        headers["Allow"] = ", ".join([*methods, "OPTIONS"])
    return as_json({"error": body}, HTTPStatus(error.http_status), headers)


def without_arns(text: str) -> str:
    """A text for strangers: no ARN, which has the account's number and names of roles and secrets; the log has them."""
    return re.sub(r"arn:[\w-]+:[^\s'\",)]+", "(an AWS resource, see the log)", text)


def as_json(body: dict[str, Any], status: HTTPStatus = HTTPStatus.OK, headers: dict[str, str] | None = None) -> Json:
    """A response with a JSON body."""
    return Response(status, content_types.APPLICATION_JSON, json.dumps(body, ensure_ascii=False), headers)


def _forms(attribute: FilterableAttribute) -> list[str]:
    return ["value", "values", "exists"] + (["range"] if attribute.least is not None else [])


def _hit(hit: Hit, fields: Sequence[str] | None) -> dict[str, Any]:
    whole = {name: value for name, value in asdict(hit).items() if name in HIT_FIELDS} | {"score": round(hit.score, 6)}
    if fields is None:
        return whole
    selected = {name: value for name, value in whole.items() if name in fields}
    prefix = "attributes."
    attribute_names = {name.removeprefix(prefix) for name in fields if name.startswith(prefix)}
    if attribute_names and "attributes" not in selected:
        selected["attributes"] = {name: value for name, value in hit.attributes.items() if name in attribute_names}
    return selected
