"""The HTTP API's description of itself: the document, and that every answer is as it says."""

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis

from functions.search import answers, openapi
from tests.fakes import picture
from tests.unit.functions.events import http
from tests.unit.functions.search_shop import Answer, Shop
from tests.unit.sam_template import transform


@pytest.fixture
def shop() -> Shop:
    return Shop()


def _get(shop: Shop, path: str) -> Answer:
    return shop.call(http("search_get", path=path, queryStringParameters=None, multiValueQueryStringParameters=None))


def test_the_document_is_served_and_is_openapi_3_1(shop: Shop) -> None:
    answer = _get(shop, "/openapi.json")

    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.body["openapi"] == "3.1.0"
    schemathesis.openapi.from_dict(answer.body).validate()


def test_the_document_describes_the_routes_that_the_template_declares() -> None:
    declared = {
        (path, method)
        for path, item in transform().only("ApiGateway::RestApi")["Body"]["paths"].items()
        for method in item
        if method != "options" and path not in ("/", "/docs", "/openapi.json")
    }
    described = {(path, method) for path, item in openapi.document()["paths"].items() for method in item}

    assert described == declared


def test_the_document_says_where_no_key_is_asked_for_as_the_template_does() -> None:
    paths = transform().only("ApiGateway::RestApi")["Body"]["paths"]

    for path, item in openapi.document()["paths"].items():
        for method, operation in item.items():
            assert (operation.get("security") == []) == (paths[path][method]["security"] == []), (path, method)


@pytest.mark.parametrize(
    ("ask", "model"),
    [
        (lambda shop: shop.get(image_url="https://a/7.jpg"), answers.SearchAnswer),
        (lambda shop: shop.get(image_url="https://a/7.jpg", fields="score,attributes.price"), answers.SearchAnswer),
        (lambda shop: shop.post_picture(picture(7), size="100"), answers.SearchAnswer),
        (lambda shop: shop.similar("p-7"), answers.SearchAnswer),
        (lambda shop: _get(shop, "/products/p-7"), answers.ProductAnswer),
        (lambda shop: _get(shop, "/attributes"), answers.AttributesAnswer),
        (lambda shop: _get(shop, "/stats"), answers.StatsAnswer),
        (lambda shop: _get(shop, "/health"), answers.HealthAnswer),
        (lambda shop: shop.similar("nobody"), answers.ErrorAnswer),
        (lambda shop: shop.get(), answers.ErrorAnswer),
    ],
)
def test_an_answer_is_as_its_model_says(ask: Callable[[Shop], Answer], model: Any, shop: Shop) -> None:
    model.model_validate(ask(shop).body)


def test_every_field_of_a_request_is_described() -> None:
    schemas = openapi.document()["components"]["schemas"]

    for name in ("SearchRequest", "PictureOptions", "WeightedPicture", "NextRequest"):
        for field, schema in schemas[name]["properties"].items():
            described = [schema, *schema.get("anyOf", ())]
            assert any("description" in each or "$ref" in each for each in described), (name, field)


def test_the_page_runs_and_loads_nothing_but_what_is_in_it(shop: Shop) -> None:
    event = http("search_get", path="/docs", queryStringParameters=None, multiValueQueryStringParameters=None)
    status, headers, html = shop.raw(event)

    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = headers["content-security-policy"]
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(scripts) == 2
    for text in [*scripts, *re.findall(r"<style>(.*?)</style>", html, re.DOTALL)]:
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy
    assert "unsafe" not in policy
    assert not re.search(r"""<(script|link|img)[^>]+(src|href)=["']?https?:""", html)
    assert len(html.encode()) < 5_000_000
