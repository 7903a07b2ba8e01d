"""Handlers of the OpenAPI document and of Swagger UI, which shows it and tries the routes out."""

import base64
import hashlib
import json
from functools import cache
from http import HTTPStatus
from pathlib import Path

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response, content_types
from aws_lambda_powertools.event_handler.openapi import swagger_ui

from functions.search import openapi, routes
from functions.search.responses import Json

BUNDLE = Path(swagger_ui.__file__).parent
"""Folder of Swagger UI's files, which come with powertools."""

_START_SCRIPT = """
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger",
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
});
"""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>lookalike: HTTP API</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<div id="swagger"></div>
<noscript>This page needs JavaScript; <a href="openapi.json">the OpenAPI document</a> does not.</noscript>
<script>{bundle}</script>
<script>{start}</script>
</body>
</html>
"""


def add(app: APIGatewayRestResolver) -> None:
    """Registers the handlers of this module."""

    @routes.handles(app, "GET", "/openapi.json")
    def document() -> Json:
        text = json.dumps(openapi.document(), ensure_ascii=False)
        return Response(HTTPStatus.OK, content_types.APPLICATION_JSON, text)

    @routes.handles(app, "GET", "/docs")
    def docs() -> Json:
        html, policy = page()
        headers = {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
        return Response(HTTPStatus.OK, "text/html; charset=utf-8", html, dict(headers))


@cache
def page() -> tuple[str, str]:
    """The HTML of Swagger UI, and its Content-Security-Policy, which allows only the scripts and styles in it."""
    style = (BUNDLE / "swagger-ui.min.css").read_text(encoding="utf-8")
    bundle = (BUNDLE / "swagger-ui-bundle.min.js").read_text(encoding="utf-8").replace("</script", "<\\/script")
    policy = {
        "default-src": "'none'",
        "script-src": f"{_source(bundle)} {_source(_START_SCRIPT)}",
        "style-src": _source(style),
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    html = _PAGE.format(style=style, bundle=bundle, start=_START_SCRIPT)
    return html, "; ".join(f"{name} {value}" for name, value in policy.items())


def _source(text: str) -> str:
    """The hash by which a Content-Security-Policy allows a script or style: https://www.w3.org/TR/CSP3/#grammardef-hash-source."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
