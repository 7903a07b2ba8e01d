"""The table of routes: resolver, OpenAPI document, local gateway and template agree with it."""

from collections.abc import Mapping
from typing import Any
from unittest.mock import MagicMock

import pytest
import schemathesis
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from functions.search import app, openapi
from functions.search.routes import ROUTES, Route, allowed_methods, handles, methods_of
from infra.local import gateway
from tests.unit.functions.events import Context
from tests.unit.sam_template import transform

NAMES = [f"{route.method} {route.path}" for route in ROUTES]


@pytest.fixture(scope="module")
def declared() -> Mapping[tuple[str, str], dict[str, Any]]:
    """The methods of the template's API, by method and path."""
    paths = transform().only("ApiGateway::RestApi")["Body"]["paths"]
    return {(method.upper(), path): found for path, item in paths.items() for method, found in item.items() if method != "options"}


@pytest.fixture
def handler() -> app.Handler:
    """The function's handler, with mocks as its use cases."""
    return app.create(MagicMock(), MagicMock(), MagicMock(), "*")


def request(route: Route) -> dict[str, Any]:
    """API Gateway's event for a request to a route."""
    sent = Request(EnvironBuilder(path=route.path.replace("{id}", "p-7"), method=route.method).get_environ())
    return gateway.proxy_event(sent, b"", request_id="an-id", at_s=0)


def test_a_route_is_in_the_table_once() -> None:
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


def test_only_what_a_browser_opens_and_a_monitor_asks_needs_no_api_key() -> None:
    assert {route.path for route in ROUTES if route.is_open} == {"/", "/docs", "/openapi.json", "/health"}


def test_the_template_declares_the_routes_of_the_table_and_no_other(declared: Mapping[tuple[str, str], dict[str, Any]]) -> None:
    assert set(declared) == {(method, route.path) for route in ROUTES for method in methods_of(route)}


@pytest.mark.parametrize("route", ROUTES, ids=NAMES)
def test_the_template_asks_for_an_api_key_where_the_table_does(route: Route, declared: Mapping[tuple[str, str], dict[str, Any]]) -> None:
    for method in methods_of(route):
        assert declared[method, route.path]["security"] == ([] if route.is_open else [{"api_key": []}])


def test_the_template_lets_pages_of_other_origins_use_the_methods_of_the_table() -> None:
    for item in transform().only("ApiGateway::RestApi")["Body"]["paths"].values():
        headers = item["options"]["x-amazon-apigateway-integration"]["responses"]["default"]["responseParameters"]
        methods = headers["method.response.header.Access-Control-Allow-Methods"].strip("'").split(",")
        assert set(methods) == {"OPTIONS"} | {method for route in ROUTES for method in methods_of(route)}


@pytest.mark.parametrize("route", ROUTES, ids=NAMES)
def test_every_route_has_a_handler(route: Route, handler: app.Handler) -> None:
    assert handler(request(route), Context())["statusCode"] not in (404, 405)


@pytest.mark.parametrize("route", [route for route in ROUTES if route.operation is None], ids=lambda route: route.path)
def test_an_answer_may_be_cached_as_the_table_says(route: Route, handler: app.Handler) -> None:
    answer = handler(request(route), Context())

    assert answer["statusCode"] == 200
    assert answer["multiValueHeaders"]["Cache-Control"] == [route.cache_control]


@pytest.mark.parametrize("route", [route for route in ROUTES if route.method == "GET"], ids=lambda route: route.path)
@pytest.mark.parametrize("base_path", ["", "/shop", "/shop/search", "/shop/products/v2"])
def test_a_route_is_found_behind_the_base_path_of_a_custom_domain_and_head_has_its_headers(
    route: Route, base_path: str, handler: app.Handler
) -> None:
    event = request(route) | {"resource": route.path}
    plain, behind = handler(event, Context()), handler(event | {"path": base_path + event["path"]}, Context())
    head = handler(event | {"httpMethod": "HEAD", "path": base_path + event["path"]}, Context())

    assert behind == plain
    assert head == plain | {"body": ""}


def test_a_handler_of_a_route_that_is_not_in_the_table_is_refused_at_the_start() -> None:
    with pytest.raises(StopIteration):
        handles(MagicMock(), "GET", "/nowhere")


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/search", ["POST", "GET", "HEAD"]),
        ("/", ["GET", "HEAD"]),
        ("/products/a%2Fb", ["GET", "HEAD"]),
        ("/products/p-7/similar", ["GET", "HEAD"]),
        ("/products/", []),
        ("/openapi-json", []),
        ("/products/p-7/other", []),
    ],
)
def test_the_methods_of_a_path_are_those_of_its_rows(path: str, methods: list[str]) -> None:
    assert allowed_methods(path) == methods


def test_the_document_describes_every_route_but_what_is_read_in_a_browser() -> None:
    described = {(method.upper(), path) for path, item in openapi.document()["paths"].items() for method in item}

    assert described == {(route.method, route.path) for route in ROUTES if route.operation}
    schemathesis.openapi.from_dict(openapi.document()).validate()


@pytest.mark.parametrize("route", [route for route in ROUTES if route.operation], ids=lambda route: route.operation.id)
def test_the_document_says_where_an_api_key_is_needed(route: Route) -> None:
    operation = openapi.document()["paths"][route.path][route.method.lower()]

    assert operation.get("security") == ([] if route.is_open else None)
    assert ("403" in operation["responses"]) is not route.is_open


def test_an_operation_is_named_once() -> None:
    names = [route.operation.id for route in ROUTES if route.operation]

    assert len(set(names)) == len(names)


def test_the_local_gateway_asks_for_a_key_where_the_table_does() -> None:
    assert {route.path for route in ROUTES if route.is_open} == gateway.OPEN_PATHS
