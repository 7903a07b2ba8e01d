"""Builds the OpenAPI document from the table of routes and the models of requests and answers."""

from functools import cache
from typing import Any

from lookalike.pictures.formats import REGISTERED_MEDIA_TYPES
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from functions.search import answers, requests
from functions.search.cursors import NextRequest
from functions.search.forms import MEDIA_TYPE as FORM
from functions.search.routes import ROUTES, Operation, Route

DESCRIPTION = """Similar-picture search: send a picture, get the products that look most like it.

Send the API key in the header `x-api-key`. A filter is an object of attributes, each with a value, a list of values, a range such as
`{"gte": 10, "lt": 50}` (numbers, prices and dates) or `{"exists": true}`; `all`, `any` and `not` combine such objects. Values match
however they are written: `12.5` finds `"12,50 €"`, `true` finds `"True"`. `warnings` names conditions that no product can match.
`GET /attributes` lists the attributes that can be filtered."""

_MODELS = (
    requests.SearchRequest,
    NextRequest,
    requests.PictureOptions,
    requests.DetectRequest,
    answers.SearchAnswer,
    answers.DetectAnswer,
    answers.ProductAnswer,
    answers.AttributesAnswer,
    answers.StatsAnswer,
    answers.HealthAnswer,
    answers.ErrorAnswer,
)

_ERRORS = {
    400: "The request is wrong; `field` names the field to change.",
    403: "The API key is missing or unknown.",
    404: "There is no such product or picture.",
    413: "The body is larger than about 4.4 MB. API Gateway may say so in words of its own.",
    422: "The picture cannot be downloaded or decoded.",
    429: "Too many requests.",
    500: "A fault of the service; the message has an incident id.",
    502: "A fault of the service: the function did not answer.",
    503: "A temporary fault: try again after `Retry-After` seconds.",
    504: "No answer within 29 seconds.",
}

_ERRORS_OF_ALL = (429, 500, 502, 503, 504)

_BY_URL = {"by URL": {"value": {"image_url": "https://shop.example/mug.jpg"}}}
_SEARCH_EXAMPLES = {
    **_BY_URL,
    "by product": {"value": {"product_id": "mug-1", "filter": {"category": "mug", "price": {"lt": 50}}}},
    "like this, not like that": {"value": {"images": [{"product_id": "mug-1"}, {"product_id": "mug-2", "weight": -0.5}]}},
}

_PRODUCT_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}, "example": "mug-1"}


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document as JSON values; its server URL is relative, so that it is right for any stage and domain."""
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
            "responses": {f"Error{status}": _error(status, description) for status, description in _ERRORS.items()},
        },
    }


def _paths() -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for route in ROUTES:
        if route.operation:
            paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, route.operation)
    return paths


def _operation(route: Route, operation: Operation) -> dict[str, Any]:
    described = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": [*([_PRODUCT_ID] if "{id}" in route.path else []), *_parameters(operation.parameters)],
        "responses": _responses(route, operation),
    }
    if operation.description:
        described["description"] = operation.description
    if operation.body:
        described["requestBody"] = {"required": True, "content": _content(operation)}
    if route.is_open:
        described["security"] = []
    return described


def _content(operation: Operation) -> dict[str, Any]:
    json_body = {"anyOf": [_reference(model) for model in operation.body]}
    examples = _SEARCH_EXAMPLES if requests.SearchRequest in operation.body else _BY_URL
    file = {"type": "string", "contentMediaType": "application/octet-stream", "description": "the picture's file"}
    options = {each["name"]: each.get("schema", {"type": "string"}) for each in _parameters(operation.parameters)}
    form = {"type": "object", "properties": {"image": file, **options}, "required": ["image"]}
    pictures = {media_type: {"schema": {"type": "string", "contentMediaType": media_type}} for media_type in REGISTERED_MEDIA_TYPES}
    return {"application/json": {"schema": json_body, "examples": examples}, FORM: {"schema": form}, **pictures}


def _parameters(model: type[BaseModel] | None) -> list[dict[str, Any]]:
    """A model's fields as query parameters: objects are JSON; lists and the edges of a crop box are separated by commas."""
    if model is None:
        return []
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return [_parameter(name, _without_null(each)) for name, each in schema["properties"].items()]


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    parameter: dict[str, Any] = {"name": name, "in": "query", "description": schema.pop("description", "")}
    if name == "crop":
        return parameter | {
            "schema": {"type": "string", "pattern": r"^(auto|[0-9.]+,[0-9.]+,[0-9.]+,[0-9.]+)$"},
            "example": "0.25,0.1,0.75,0.9",
        }
    if name in ("filter", "images"):
        return parameter | {"content": {"application/json": {"schema": schema}}}
    if schema.get("type") == "array":
        return parameter | {"schema": schema, "style": "form", "explode": False}
    return parameter | {"schema": schema}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A field's schema without null, which a query parameter cannot be."""
    alternatives = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    kept = {
        name: value
        for name, value in schema.items()
        if name not in ("anyOf", "title", "default") or (name == "default" and value is not None)
    }
    return kept | (alternatives[0] if len(alternatives) == 1 else {})


def _schemas() -> dict[str, Any]:
    _, schemas = models_json_schema([(model, "validation") for model in _MODELS], ref_template="#/components/schemas/{model}")
    definitions: dict[str, Any] = schemas["$defs"]
    for definition in definitions.values():
        definition.pop("title", None)
        for field in definition.get("properties", {}).values():
            field.pop("title", None)
    return definitions


def _responses(route: Route, operation: Operation) -> dict[str, Any]:
    errors = {*_ERRORS_OF_ALL, *operation.errors, *(() if route.is_open else (403,))}
    answers_by_status = {200: (operation.answer.__doc__ or "").strip(), **operation.other_answers}
    return {str(status): {"$ref": f"#/components/responses/Error{status}"} for status in sorted(errors)} | {
        str(status): _ok(operation.answer, description) for status, description in answers_by_status.items()
    }


def _ok(model: type[BaseModel], description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": _reference(model)}}}


def _error(status: int, description: str) -> dict[str, Any]:
    answer = _ok(answers.ErrorAnswer, description)
    if status in (429, 503):
        answer["headers"] = {
            "Retry-After": {"description": "seconds to wait before the next try", "schema": {"type": "string", "pattern": "^[0-9]+$"}}
        }
    return answer


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
