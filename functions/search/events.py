"""Reads API Gateway's proxy events."""

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver

MARGIN_S = 2.5
"""Kept of the function's time for the answer itself: API Gateway waits no longer than the function's timeout."""


def without_base_path(event: dict[str, Any]) -> dict[str, Any]:
    """The event without the base path of a custom domain, which API Gateway leaves in the path.

    The event's ``resource`` is the route as the template declares it, such as ``/products/{id}``: the path ends with it.
    """
    if event["resource"] == "/":
        return event | {"path": "/"}
    found = re.search(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(event["resource"])) + "$", event["path"])
    return event | {"path": found[0]} if found else event


def parameters(app: APIGatewayRestResolver) -> Mapping[str, Sequence[str]]:
    """The decoded query parameters, each with all its values."""
    event = app.current_event
    return event.multi_value_query_string_parameters or {name: [value] for name, value in (event.query_string_parameters or {}).items()}


def content_type(app: APIGatewayRestResolver) -> str:
    """The value of the header ``Content-Type`` with its parameters; empty if it is missing."""
    return app.current_event.headers.get("Content-Type") or ""


def body(app: APIGatewayRestResolver) -> bytes:
    """The bytes of the body; the event class's ``decoded_body`` would be text."""
    text = app.current_event.body or ""
    return base64.b64decode(text) if app.current_event.is_base64_encoded else text.encode()


def remaining_s(app: APIGatewayRestResolver) -> float:
    """Seconds that the work for this request may take."""
    return float(app.lambda_context.get_remaining_time_in_millis()) / 1000 - MARGIN_S
