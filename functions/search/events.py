"""What API Gateway's event says of a request."""

import base64
from collections.abc import Mapping, Sequence

from aws_lambda_powertools.event_handler import APIGatewayRestResolver


def parameters(app: APIGatewayRestResolver) -> Mapping[str, Sequence[str]]:
    """The query parameters, decoded; each may be given several times."""
    event = app.current_event
    return event.multi_value_query_string_parameters or {name: [value] for name, value in (event.query_string_parameters or {}).items()}


def content_type(app: APIGatewayRestResolver) -> str:
    """The header, parameters included; empty if there is none."""
    return app.current_event.headers.get("Content-Type") or ""


def body(app: APIGatewayRestResolver) -> bytes:
    """The body's bytes. (The event class's own ``decoded_body`` is text.)"""
    text = app.current_event.body or ""
    return base64.b64decode(text) if app.current_event.is_base64_encoded else text.encode()
