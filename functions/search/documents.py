"""Handlers of the OpenAPI document, and of the page that shows it and lets users try the routes."""

import json
from http import HTTPStatus
from pathlib import Path

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response, content_types

from functions.search import openapi, routes
from functions.search.gallery import page
from functions.search.responses import Json

REFERENCE = Path(__file__).parent / "reference"
"""Folder of the page. Swagger UI would be 440 kB on the wire, for everybody who asks for it without a key."""


def add(app: APIGatewayRestResolver) -> None:
    """Registers the handlers of this module."""
    reference = page.assemble(REFERENCE)

    @routes.handles(app, "GET", "/openapi.json")
    def document() -> Json:
        text = json.dumps(openapi.document(), ensure_ascii=False)
        return Response(HTTPStatus.OK, content_types.APPLICATION_JSON, text)

    @routes.handles(app, "GET", "/docs")
    def docs() -> Json:
        return Response(HTTPStatus.OK, page.CONTENT_TYPE, reference.html, dict(reference.headers))
