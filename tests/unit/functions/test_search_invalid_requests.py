"""The HTTP API: a request that is wrong is a 400 that names the field."""

from typing import Any

import pytest

from tests.fakes import picture
from tests.unit.functions.search_function import SearchFunction


@pytest.fixture
def api() -> SearchFunction:
    return SearchFunction()


BY_URL = {"image_url": "https://a/7.jpg"}
REFUSED: dict[str, tuple[Any, str]] = {
    "no JSON": ("{", "body"),
    "no text": ("", "body"),
    "a list": ([], "body"),
    "null": ("null", "body"),
    "a very deep list": ("[" * 100_000, "body"),
    "NaN": ('{"product_id": "p", "min_score": NaN}', "body"),
    "no picture": ({}, "image_url"),
    "two pictures": (BY_URL | {"product_id": "p-7"}, "product_id"),
    "three pictures": (BY_URL | {"product_id": "p-7", "image": "AA=="}, "image"),
    "an unknown field": (BY_URL | {"sise": 3}, "sise"),
    "half a sign as a name": ('{"product_id": "p-7", "\\ud83d": 1}', "body"),
    "half a sign as a value": ('{"product_id": "\\ud83d"}', "body"),
    "half a sign in a filter": ('{"product_id": "p-7", "filter": {"\\ud83d": 1}}', "body"),
    "a picture that is a number": ({"image": 3}, "image"),
    "a picture that is not base64": ({"image": "data:image/png;base64,!"}, "image"),
    "a data URL without data": ({"image_url": "data:image/png;base64"}, "image_url"),
    "a size as text": (BY_URL | {"size": "3"}, "size"),
    "an empty crop box": (BY_URL | {"crop": {"left": 0.5, "top": 0, "right": 0.5, "bottom": 1}}, "crop"),
    "a crop box outside": (BY_URL | {"crop": {"left": -0.1, "top": 0, "right": 0.5, "bottom": 1}}, "crop.left"),
    "a crop box without an edge": (BY_URL | {"crop": {"left": 0, "top": 0, "right": 0.5}}, "crop.bottom"),
    "a crop of a product": ({"product_id": "p-7", "crop": {"left": 0, "top": 0, "right": 0.5, "bottom": 1}}, "crop"),
    "no pictures": ({"images": []}, "images"),
    "too many pictures": ({"images": [{"product_id": "p-7"}] * 11}, "images"),
    "pictures of which one is none": ({"images": [{"product_id": "p-7"}, {"weight": 2}]}, "images"),
    "pictures of which one is two": ({"images": [{"product_id": "p-7", "image_id": "x"}]}, "images"),
    "pictures and a picture": (BY_URL | {"images": [{"product_id": "p-7"}]}, "images"),
    "a weight too many": ({"images": [{"product_id": "p-7", "weight": 11}]}, "images.0.weight"),
    "only what is not liked": ({"images": [{"product_id": "p-7", "weight": -1}]}, "images"),
    "what cancels itself": ({"images": [{"product_id": "p-7"}, {"product_id": "p-7", "weight": -1}]}, "images"),
    "copies of several pictures": ({"images": [{"product_id": "p-7"}], "near_duplicates": True}, "near_duplicates"),
    "copies that are diverse": (BY_URL | {"near_duplicates": True, "diversity": 0.5}, "diversity"),
    "a diversity above 1": (BY_URL | {"diversity": 2}, "diversity"),
    "a unit that is none": (BY_URL | {"per": "category"}, "per"),
    "a picture that is not ASCII": ({"image": "grün"}, "image"),
    "no hits": (BY_URL | {"size": 0}, "size"),
    "too many hits": (BY_URL | {"size": 101}, "size"),
    "a size in words": (BY_URL | {"size": "ten"}, "size"),
    "a minimum above 1": (BY_URL | {"min_score": 1.5}, "min_score"),
    "exact in words": (BY_URL | {"exact": "maybe"}, "exact"),
    "include_self without a product": (BY_URL | {"include_self": True}, "include_self"),
    "an unknown field of hits": (BY_URL | {"fields": ["vector"]}, "fields"),
    "a filter that is a text": (BY_URL | {"filter": "dress"}, "filter"),
    "a filter of too many clauses": (BY_URL | {"filter": {"any": [{"any": [{"a": 1}] * 100}] * 100}}, "filter"),
    "exists with a number": (BY_URL | {"filter": {"price": {"exists": 1}}}, "filter.price"),
    "a filter's unknown bound": (BY_URL | {"filter": {"price": {"above": 3}}}, "filter.price"),
    "a filter's value that is none": (BY_URL | {"filter": {"any": [{"price": None}]}}, "filter.any[0].price"),
}


@pytest.mark.parametrize(("body", "field"), REFUSED.values(), ids=REFUSED.keys())
def test_a_wrong_request_is_a_400_that_names_the_field(body: Any, field: str, api: SearchFunction) -> None:
    status, code, named = api.post(body).refused

    assert (status, code) == (400, "request_invalid")
    assert named is not None
    assert named.startswith(field)


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({}, "image_url"),
        ({"image_url": "https://a/7.jpg", "product_id": "p-7"}, "product_id"),
        ({"image_url": ["https://a/7.jpg", "https://a/8.jpg"]}, "image_url"),
        ({"image_url": "https://a/7.jpg", "size": ["1", "2"]}, "size"),
        ({"image_url": "https://a/7.jpg", "size": "many"}, "size"),
        ({"image_url": "https://a/7.jpg", "min_score": "nan"}, "min_score"),
        ({"image_url": "https://a/7.jpg", "filter": "category:dress"}, "filter"),
        ({"image_url": "https://a/7.jpg", "filter": '["dress"]'}, "filter"),
        ({"image_url": "https://a/7.jpg", "filter": '{"\\udca9": 1}'}, "filter"),
        ({"image_url": "https://a/7.jpg", "fields": ""}, "fields"),
        ({"image_url": "https://a/7.jpg", "colour": "red"}, "colour"),
    ],
)
def test_a_wrong_parameter_is_a_400_that_names_it(parameters: dict[str, str | list[str]], field: str, api: SearchFunction) -> None:
    assert api.get(**parameters).refused == (400, "request_invalid", field)


def test_the_options_of_a_raw_picture_are_checked_and_hold_no_second_picture(api: SearchFunction) -> None:
    assert api.post_picture(picture(7), size="0").refused == (400, "request_invalid", "size")
    assert api.post_picture(picture(7), image_url="https://a/7.jpg").refused == (400, "request_invalid", "image_url")


@pytest.mark.parametrize("kind", [None, "", "text/plain", "image/svg+xml", "image/*", "application/x-www-form-urlencoded"])
def test_another_content_type_is_a_400_that_names_those_that_are_taken(kind: str | None, api: SearchFunction) -> None:
    answer = api.post({"product_id": "p-7"}, kind=kind)

    assert answer.refused == (400, "request_invalid", "Content-Type")
    assert "application/json" in answer.error["message"]
    assert "image/webp" in answer.error["message"]


def test_the_bytes_of_a_picture_decide_and_not_the_content_type(api: SearchFunction) -> None:
    assert api.post(picture(1), kind="image/heic", is_base64=True).status == 200


def test_json_bytes_that_are_not_utf_8_are_a_400(api: SearchFunction) -> None:
    assert api.post(b'{"product_id": "\xff"}', is_base64=True).refused == (400, "request_invalid", "body")
