"""The HTTP API: products, attributes and statistics."""

from datetime import datetime
from typing import Any
from urllib.parse import quote

import pytest
from lookalike.errors import IndexMissing

from tests.unit.functions.events import http
from tests.unit.functions.search_function import COUNT, HttpAnswer, SearchFunction


@pytest.fixture
def api() -> SearchFunction:
    return SearchFunction()


@pytest.mark.parametrize(("name", "status"), [("search_product", 404), ("search_attributes", 200), ("search_stats", 200)])
def test_the_examples_are_answered(name: str, status: int, api: SearchFunction) -> None:
    assert api.call(http(name)).status == status


def _get(api: SearchFunction, path: str) -> HttpAnswer:
    return api.call(http("search_get", path=path, queryStringParameters=None, multiValueQueryStringParameters=None))


def test_a_product_is_shown_with_its_pictures_and_attributes(api: SearchFunction) -> None:
    answer = _get(api, "/products/p-7")

    assert answer.status == 200
    assert (answer.body["product_id"], answer.body["attributes"]) == ("p-7", {"category": "dress", "price": 7})
    [picture] = answer.body["pictures"]
    assert set(picture) == {"image_id", "image_url", "width", "height", "attributes", "indexed_at"}
    assert (picture["image_url"], picture["width"], picture["height"]) == ("https://a/7.jpg?signed", 32, 32)
    assert datetime.fromisoformat(picture["indexed_at"]).tzinfo


def test_the_picture_of_a_product_can_be_searched_by(api: SearchFunction) -> None:
    [picture] = _get(api, "/products/p-7").body["pictures"]

    assert api.post({"image_id": picture["image_id"], "include_self": True}).products[0] == "p-7"


@pytest.mark.parametrize("product_id", ["nobody", "a/b", "grün", "%"])
def test_an_unknown_product_is_a_404(product_id: str, api: SearchFunction) -> None:
    assert _get(api, f"/products/{quote(product_id, safe='')}").refused == (404, "not_found", "product_id")


def test_attributes_tell_how_they_can_be_filtered_and_their_most_frequent_values(api: SearchFunction) -> None:
    answer = _get(api, "/attributes")

    found: dict[str, Any] = {each["name"]: each for each in answer.body["attributes"]}
    assert set(found) == {"category", "price"}
    assert found["category"] == {
        "name": "category",
        "pictures": COUNT,
        "filters": ["value", "values", "exists"],
        "values": [{"value": "dress", "pictures": COUNT}],
        "least": None,
        "most": None,
    }
    assert (found["price"]["filters"][-1], found["price"]["least"], found["price"]["most"]) == ("range", 0, COUNT - 1)
    assert answer.headers["cache-control"] == "private, max-age=60"


def test_stats_tell_how_much_there_is(api: SearchFunction) -> None:
    answer = _get(api, "/stats")

    assert {name: answer.body[name] for name in ("products", "pictures", "index", "model")} == {
        "products": COUNT,
        "pictures": COUNT,
        "index": "lookalike-fake-1",
        "model": "fake",
    }
    assert datetime.fromisoformat(answer.body["last_indexed_at"])


@pytest.mark.parametrize("path", ["/stats", "/attributes", "/products/p-7"])
def test_where_nothing_was_indexed_yet_there_is_nothing_to_look_at(path: str, api: SearchFunction, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> None:
        raise IndexMissing("nothing is behind the alias")

    for name in ("totals", "attributes", "pictures_of"):
        monkeypatch.setattr(api.index, name, missing)

    assert _get(api, path).refused == (503, "index_missing", None)
