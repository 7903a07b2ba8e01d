"""Builds the JSON responses; the models in `answers` describe them."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, fields
from http import HTTPStatus
from itertools import accumulate
from typing import Any

from aws_lambda_powertools.event_handler import Response, content_types
from lookalike.domain import Hit
from lookalike.errors import IndexUnavailable, LookalikeError, TransientError
from lookalike.search.browse import ShownPicture, ShownProduct, Stats
from lookalike.search.detect import Detection
from lookalike.search.ports import FilterableAttribute
from lookalike.search.search import SearchResult

from functions.search import cursors
from functions.search.requests import HIT_FIELDS, Options

Json = Response[str]

MAX_ERROR_CHARACTERS = 1000
"""Of a message and of a field's name, which may be what the caller sent: an answer that is too large would not be sent at all."""

_PLACE = re.compile(r"https?://[^\s'\",)]+|[\w.-]+:\d{2,5}\b|\b\d{1,3}(?:\.\d{1,3}){3}\b|(?<=certificate is not valid for ')[^']+")
"""An address, ``host:port``, an IPv4 address, or the host that a certificate lacks."""

MAX_ITEMS_BYTES = 5_000_000
"""Of the hits or pictures of an answer. Lambda takes 6 MB, in which the body is a JSON text within JSON; the rest is for a cursor."""


def search(result: SearchResult, options: Options) -> Json:
    """The response to a search: hits, each with the fields that the options name, and the cursor of the next page."""
    hits = _fitting([_hit(hit, options.fields) for hit in result.hits])
    next_query = result.next_query(len(hits))
    return as_json(
        {
            "hits": hits,
            "next_cursor": cursors.encode(next_query, options) if next_query else None,
            "model": result.model,
            "timings_ms": result.timings_ms,
            "warnings": [asdict(warning) for warning in result.warnings],
            "crops": [crop and asdict(crop) for crop in result.crops],
        }
    )


def detection(found: Detection) -> Json:
    """The response with the bounding boxes of the objects in a picture, and the id of the network that found them."""
    return as_json({"boxes": [asdict(thing) for thing in found.things], "model": found.model})


def product(shown: ShownProduct) -> Json:
    """The response that shows a product with its pictures."""
    pictures = [_as_dict(picture) | {"indexed_at": picture.indexed_at.isoformat()} for picture in shown.pictures]
    attributes, *fitting = _fitting([{"attributes": shown.attributes}, *pictures])
    return as_json({"product_id": shown.product_id, **attributes, "pictures": fitting})


def attributes(listed: Sequence[FilterableAttribute]) -> Json:
    """The response that lists the attributes that can be filtered, each with the supported conditions."""
    return as_json({"attributes": [asdict(each) | {"filters": _forms(each)} for each in listed]})


def stats(counted: Stats) -> Json:
    """The response with the numbers of products and pictures in the index."""
    at = counted.totals.last_indexed_at
    totals = {"products": counted.totals.products, "pictures": counted.totals.pictures, "last_indexed_at": at.isoformat() if at else None}
    return as_json({"index": counted.index, "model": counted.model, "next_model": counted.next_model, **totals})


def failure(error: LookalikeError, request_id: str, methods: Sequence[str] = ()) -> Json:
    """The response to a request that failed: ``{"error": {"code", "message", "field"?, "request_id"}}``.

    Of our own faults, the caller gets only the request id; the details are in the log.

    Args:
        error: what went wrong.
        request_id: API Gateway's id of the request.
        methods: the methods of the path, for a request with another one.
    """
    body = {"code": error.code, "message": shortened(_message(error, request_id)), "request_id": request_id}
    if error.field:
        body["field"] = shortened(error.field)
    headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, TransientError) else {}
    if methods:
        headers["Allow"] = ", ".join([*methods, "OPTIONS"])
    return as_json({"error": body}, HTTPStatus(error.http_status), headers)


def without_arns(text: str) -> str:
    """Removes ARNs from a text for callers: they contain the account's number and names of roles and secrets."""
    return re.sub(r"arn:[\w-]+:[^\s'\",)]+", "(an AWS resource, see the log)", text)


def without_places(text: str) -> str:
    """Removes ARNs, hosts and addresses of our own servers from a text for callers."""
    return _PLACE.sub("(see the log)", without_arns(text))


def as_json(body: dict[str, Any], status: HTTPStatus = HTTPStatus.OK, headers: dict[str, str] | None = None) -> Json:
    """A response with a JSON body."""
    return Response(status, content_types.APPLICATION_JSON, json.dumps(body, ensure_ascii=False), headers)


def shortened(text: str) -> str:
    """The text, cut where it is longer than a message of an error may be."""
    return text if len(text) <= MAX_ERROR_CHARACTERS else f"{text[: MAX_ERROR_CHARACTERS - 1]}…"


def _message(error: LookalikeError, request_id: str) -> str:
    if error.http_status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return f"this is a fault of the service: report it with the incident id {request_id}"
    return "the index does not answer now: try again" if isinstance(error, IndexUnavailable) else without_arns(str(error))


def _as_dict(instance: Hit | ShownPicture) -> dict[str, Any]:
    """The fields as a dict, without copying attributes recursively, because they may be nested very deeply."""
    return {field.name: getattr(instance, field.name) for field in fields(instance)}


def _fitting(items: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    """The first items that fit into an answer, at least one."""
    sizes = accumulate(len(json.dumps(json.dumps(item, ensure_ascii=False), ensure_ascii=False).encode()) for item in items)
    return items[: max(sum(size <= MAX_ITEMS_BYTES for size in sizes), 1)]


def _forms(attribute: FilterableAttribute) -> list[str]:
    return ["value", "values", "exists"] + (["range"] if attribute.least is not None else [])


def _hit(hit: Hit, names: Sequence[str] | None) -> dict[str, Any]:
    whole = {name: value for name, value in _as_dict(hit).items() if name in HIT_FIELDS} | {"score": round(hit.score, 6)}
    if names is None:
        return whole
    selected = {name: value for name, value in whole.items() if name in names}
    prefix = "attributes."
    attribute_names = {name.removeprefix(prefix) for name in names if name.startswith(prefix)}
    if attribute_names and "attributes" not in selected:
        selected["attributes"] = {name: value for name, value in hit.attributes.items() if name in attribute_names}
    return selected
