"""The OpenAPI document, made of the models that validate requests and of those that describe answers."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from functions.search import answers, requests
from functions.search.cursors import NextRequest
from functions.search.forms import MEDIA_TYPE as FORM

PICTURE_TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp")

DESCRIPTION = """Similar-picture search: a picture goes in, the products that look like it come out.

Send the API key in the header `x-api-key`. A filter is an object of attributes, each with a value, a list of values, bounds as in
`{"gte": 10, "lt": 50}` (numbers and dates) or `{"exists": true}`; `all`, `any` and `not` combine such objects. `GET /attributes` tells what
can be filtered."""

OPEN: list[dict[str, list[str]]] = []
"""No API key is asked for."""

_MODELS = (
    requests.SearchRequest,
    NextRequest,
    requests.PictureOptions,
    answers.SearchAnswer,
    answers.ProductAnswer,
    answers.AttributesAnswer,
    answers.StatsAnswer,
    answers.HealthAnswer,
    answers.ErrorAnswer,
)

_ERRORS = {
    400: "The request is wrong; `field` names the part that is.",
    403: "The API key is missing or not known.",
    404: "There is no such product or picture.",
    413: "The body is larger than about 4.4 MB.",
    422: "The picture cannot be had, or cannot be used.",
    429: "Too many requests.",
    500: "Our fault; the message has an incident id.",
    502: "Our fault: the function gave no answer.",
    503: "It passes: try again after `Retry-After` seconds.",
    504: "No answer within 29 seconds.",
}

_PAGES = {"/": ["GET"], "/docs": ["GET"], "/openapi.json": ["GET"]}


@cache
def document() -> dict[str, Any]:
    """The document; its server is where it is itself, whatever the stage or the domain is called."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "lookalike",
            "version": "1",
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "."}],
        "security": [{"api_key": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {"api_key": {"type": "apiKey", "in": "header", "name": "x-api-key"}},
            "schemas": _schemas(),
            "responses": {f"Error{status}": _error(status, reason) for status, reason in _ERRORS.items()},
        },
    }


def allowed_methods(path: str) -> Sequence[str]:
    """The methods that a path knows; none if there is no such path."""
    known: dict[str, list[str]] = {**_PAGES}
    known |= {each: [method.upper() for method in item] for each, item in document()["paths"].items()}
    for template, methods in known.items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            return methods
    return ()


def _paths() -> dict[str, Any]:
    product_id = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}, "example": "mug-1"}
    body = {"required": True, "content": _search_content()}
    search = {"tags": ["search"], "responses": _responses(answers.SearchAnswer, 400, 403, 404, 413, 422, 429, 500, 502, 503, 504)}
    look = {"tags": ["catalogue"]}
    return {
        "/search": {
            "post": {
                "operationId": "search",
                "summary": "What looks like a picture",
                "description": "With a picture or a form as the body, options may be query parameters; with JSON they are fields of it.",
                "parameters": _parameters(requests.PictureOptions),
                "requestBody": body,
                **search,
            },
            "get": {
                "operationId": "searchByQuery",
                "summary": "What looks like a picture, for curl and links",
                "description": "Exactly one of image_url, image, product_id, image_id and images.",
                "parameters": _parameters(requests.SearchRequest),
                **search,
            },
        },
        "/products/{id}": {
            "get": {
                "operationId": "product",
                "summary": "A product, its pictures and attributes",
                "parameters": [product_id],
                "responses": _responses(answers.ProductAnswer, 403, 404, 429, 500, 502, 503, 504),
                **look,
            }
        },
        "/products/{id}/similar": {
            "get": {
                "operationId": "similar",
                "summary": "What looks like a product",
                "parameters": [product_id, *_parameters(requests.ProductOptions)],
                **search,
            }
        },
        "/attributes": {
            "get": {
                "operationId": "attributes",
                "summary": "What can be filtered, how, and the most frequent values",
                "responses": _responses(answers.AttributesAnswer, 403, 429, 500, 502, 503, 504),
                **look,
            }
        },
        "/stats": {
            "get": {
                "operationId": "stats",
                "summary": "How much there is",
                "responses": _responses(answers.StatsAnswer, 403, 429, 500, 502, 503, 504),
                **look,
            }
        },
        "/health": {
            "get": {
                "operationId": "health",
                "summary": "Whether Elasticsearch, the index and the models agree",
                "security": OPEN,
                "responses": _responses(answers.HealthAnswer, 429, 500, 502, 504)
                | {"503": _ok(answers.HealthAnswer, "They do not agree.")},
                **look,
            }
        },
    }


def _search_content() -> dict[str, Any]:
    json_body = {"anyOf": [_reference(requests.SearchRequest), _reference(NextRequest)]}
    examples = {
        "by address": {"value": {"image_url": "https://shop.example/mug.jpg", "size": 5}},
        "by product": {"value": {"product_id": "mug-1", "filter": {"category": "mug", "price": {"lt": 50}}}},
        "like this, not like that": {"value": {"images": [{"product_id": "mug-1"}, {"product_id": "mug-2", "weight": -0.5}]}},
    }
    file = {"type": "string", "contentMediaType": "application/octet-stream", "description": "the picture's file"}
    options = {each["name"]: each.get("schema", {"type": "string"}) for each in _parameters(requests.PictureOptions)}
    form = {"type": "object", "properties": {"image": file, **options}, "required": ["image"]}
    pictures = {kind: {"schema": {"type": "string", "contentMediaType": kind}} for kind in PICTURE_TYPES}
    return {"application/json": {"schema": json_body, "examples": examples}, FORM: {"schema": form}, **pictures}


def _parameters(model: type[BaseModel]) -> list[dict[str, Any]]:
    """A model's fields as query parameters: objects are JSON, lists and the edges of a crop box are separated by commas."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return [_parameter(name, _plain(each)) for name, each in schema["properties"].items()]


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    parameter: dict[str, Any] = {"name": name, "in": "query", "description": schema.pop("description", "")}
    if name == "crop":
        return parameter | {"schema": {"type": "string", "pattern": r"^[0-9.]+,[0-9.]+,[0-9.]+,[0-9.]+$"}, "example": "0.25,0.1,0.75,0.9"}
    if name in ("filter", "images"):
        return parameter | {"content": {"application/json": {"schema": schema}}}
    if schema.get("type") == "array":
        return parameter | {"schema": schema, "style": "form", "explode": False}
    return parameter | {"schema": schema}


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """A field's schema without null, which no query parameter can be."""
    alternatives = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    kept = {
        name: value
        for name, value in schema.items()
        if name not in ("anyOf", "title", "default") or (name == "default" and value is not None)
    }
    return kept | (alternatives[0] if len(alternatives) == 1 else {})


def _schemas() -> dict[str, Any]:
    _, schemas = models_json_schema([(model, "validation") for model in _MODELS], ref_template="#/components/schemas/{model}")
    found: dict[str, Any] = schemas["$defs"]
    for each in found.values():
        each.pop("title", None)
        for field in each.get("properties", {}).values():
            field.pop("title", None)
    return found


def _responses(model: type[BaseModel], *errors: int) -> dict[str, Any]:
    return {"200": _ok(model, (model.__doc__ or "").strip())} | {
        str(status): {"$ref": f"#/components/responses/Error{status}"} for status in errors
    }


def _ok(model: type[BaseModel], description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": _reference(model)}}}


def _error(status: int, reason: str) -> dict[str, Any]:
    answer = _ok(answers.ErrorAnswer, reason)
    if status in (429, 503):
        answer["headers"] = {"Retry-After": {"description": "seconds", "schema": {"type": "string", "pattern": "^[0-9]+$"}}}
    return answer


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
