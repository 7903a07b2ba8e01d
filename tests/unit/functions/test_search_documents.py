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
from tests.unit.functions.search_function import HttpAnswer, SearchFunction


@pytest.fixture
def api() -> SearchFunction:
    return SearchFunction()


def _get(api: SearchFunction, path: str) -> HttpAnswer:
    return api.call(http("search_get", path=path, queryStringParameters=None, multiValueQueryStringParameters=None))


def test_the_document_is_served_and_is_openapi_3_1(api: SearchFunction) -> None:
    answer = _get(api, "/openapi.json")

    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert answer.body["openapi"] == "3.1.0"
    schemathesis.openapi.from_dict(answer.body).validate()


@pytest.mark.parametrize(
    ("ask", "model"),
    [
        (lambda api: api.get(image_url="https://a/7.jpg"), answers.SearchAnswer),
        (lambda api: api.get(image_url="https://a/7.jpg", fields="score,attributes.price"), answers.SearchAnswer),
        (lambda api: api.post_picture(picture(7), size="100"), answers.SearchAnswer),
        (lambda api: api.similar("p-7"), answers.SearchAnswer),
        (lambda api: _get(api, "/products/p-7"), answers.ProductAnswer),
        (lambda api: _get(api, "/attributes"), answers.AttributesAnswer),
        (lambda api: _get(api, "/stats"), answers.StatsAnswer),
        (lambda api: _get(api, "/health"), answers.HealthAnswer),
        (lambda api: api.similar("nobody"), answers.ErrorAnswer),
        (lambda api: api.get(), answers.ErrorAnswer),
    ],
)
def test_an_answer_is_as_its_model_says(ask: Callable[[SearchFunction], HttpAnswer], model: Any, api: SearchFunction) -> None:
    model.model_validate(ask(api).body)


def test_every_field_of_a_request_is_described() -> None:
    schemas = openapi.document()["components"]["schemas"]

    for name in ("SearchRequest", "PictureOptions", "WeightedPicture", "NextRequest"):
        for field, schema in schemas[name]["properties"].items():
            described = [schema, *schema.get("anyOf", ())]
            assert any("description" in each or "$ref" in each for each in described), (name, field)


def test_the_page_runs_and_loads_nothing_but_what_is_in_it(api: SearchFunction) -> None:
    event = http("search_get", path="/docs", queryStringParameters=None, multiValueQueryStringParameters=None)
    status, headers, html = api.raw(event)

    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = headers["content-security-policy"]
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(scripts) == 1
    for text in [*scripts, *re.findall(r"<style>(.*?)</style>", html, re.DOTALL)]:
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy
    assert "unsafe" not in policy
    assert not re.search(r"""<(script|link|img)[^>]+(src|href)=["']?https?:""", html)
    assert len(html.encode()) < 20_000
