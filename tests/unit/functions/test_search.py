"""The HTTP API: searches and their answers."""

import json
from typing import Any

import pytest
from lookalike.domain import Product
from lookalike.filters import Terms, conditions
from lookalike.indexing.indexer import Indexer
from lookalike.indexing.ports import WriteTarget as Written

from tests.fakes import picture
from tests.unit.functions.conftest import Counted
from tests.unit.functions.events import http
from tests.unit.functions.search_function import SearchFunction, in_base64

PICTURE_TYPES = ["image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp", "IMAGE/JPEG", "image/jpeg; charset=binary"]


@pytest.fixture
def api() -> SearchFunction:
    return SearchFunction()


def test_an_answer_has_hits_with_everything_the_model_and_timings(api: SearchFunction) -> None:
    answer = api.get(image_url="https://a/7.jpg", size="3")

    assert (answer.status, set(answer.body)) == (200, {"hits", "next_cursor", "model", "timings_ms", "warnings", "crops"})
    assert (len(answer.products), answer.products[0], answer.body["model"]) == (3, "p-7", "fake")
    first = answer.body["hits"][0]
    assert set(first) == {"product_id", "image_id", "image_url", "score", "attributes"}
    assert (first["image_url"], first["score"], first["attributes"]) == ("https://a/7.jpg?signed", 1.0, {"category": "dress", "price": 7})
    assert set(answer.body["timings_ms"]) == {"fetch", "decode", "embed", "search"}


def test_a_picture_finds_the_same_products_however_it_is_given(api: SearchFunction) -> None:
    content, url = api.fetcher.files["https://a/7.jpg"], "https://a/7.jpg"
    assert isinstance(content, bytes)
    answers = [
        api.get(image_url=url),
        api.post({"image_url": url}),
        api.post({"image": in_base64(content)}),
        api.post({"product_id": "p-7", "include_self": True}),
        api.post_picture(content),
        api.similar("p-7", include_self="true"),
    ]

    assert {tuple(answer.products) for answer in answers} == {tuple(answers[0].products)}
    assert len(answers[0].products) == 10


@pytest.mark.parametrize("name", ["search_post_picture", "search_post_json", "search_post_form"])
def test_the_examples_that_carry_a_picture_are_answered(name: str, api: SearchFunction) -> None:
    assert len(api.call(http(name)).products) == 5


@pytest.mark.parametrize("kind", PICTURE_TYPES)
def test_a_raw_picture_is_taken_by_its_content_type(kind: str, api: SearchFunction) -> None:
    assert api.post_picture(picture(7), kind, size="1").products == ["p-7"]


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON", "application/json; charset=utf-8"])
@pytest.mark.parametrize("is_base64", [True, False])
def test_json_is_taken_as_text_and_in_base64(kind: str, is_base64: bool, api: SearchFunction) -> None:
    assert api.post({"product_id": "p-7", "size": 2}, kind=kind, is_base64=is_base64).status == 200


def test_a_query_without_several_values_is_read_too(api: SearchFunction) -> None:
    event = http("search_get", multiValueQueryStringParameters=None, queryStringParameters={"image_url": "https://a/7.jpg", "size": "1"})

    assert api.call(event).products == ["p-7"]


def test_a_product_is_left_out_of_its_look_alikes_unless_it_is_asked_for(api: SearchFunction) -> None:
    assert "p-7" not in api.similar("p-7", size="100").products
    assert "p-7" not in api.post({"product_id": "p-7", "size": 100}).products
    assert api.similar("p-7", size="100", include_self="true").products[0] == "p-7"


@pytest.mark.parametrize("product_id", ["Kleid grün 42", "a/b", "100%", "a+b", "images/p?x=1&y", "[1] {2}"])
def test_a_product_s_id_in_the_path_is_decoded(product_id: str, api: SearchFunction) -> None:
    indexer = Indexer(lambda: [Written(api.index, api.embedder)], api.fetcher)
    list(indexer.put([Product(product_id, ("https://a/7.jpg",))]))

    assert api.similar(product_id, size="1").products == ["p-7"]


def test_filter_minimum_and_exact_are_taken_from_the_body_and_from_the_query(api: SearchFunction) -> None:
    options = {"filter": {"category": "dress"}, "min_score": 0.999, "exact": True}
    answers = [
        api.post({"image_url": "https://a/7.jpg"} | options),
        api.get(image_url="https://a/7.jpg", filter=json.dumps(options["filter"]), min_score="0.999", exact="true"),
        api.post_picture(picture(7), filter=json.dumps(options["filter"]), min_score="0.999", exact="true"),
    ]

    assert [answer.products for answer in answers] == [["p-7"]] * 3
    assert [list(conditions(given)) for given in api.index.filters] == [[Terms("category", ("dress",))]] * 3


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (["product_id"], {"product_id": "p-7"}),
        (["score", "product_id"], {"product_id": "p-7", "score": 1.0}),
        (["attributes"], {"attributes": {"category": "dress", "price": 7}}),
        (["attributes.price", "score"], {"score": 1.0, "attributes": {"price": 7}}),
        (["attributes", "attributes.price"], {"attributes": {"category": "dress", "price": 7}}),
        (["attributes.unknown"], {"attributes": {}}),
        ([], {}),
    ],
)
def test_only_the_fields_that_are_asked_for_come_back(fields: list[str], expected: dict[str, Any], api: SearchFunction) -> None:
    assert api.post({"image_url": "https://a/7.jpg", "size": 1, "fields": fields}).body["hits"] == [expected]


@pytest.mark.parametrize("given", ["product_id,score", " product_id , score", ["product_id", "score"]])
def test_fields_in_the_query_are_separated_by_commas_or_repeated(given: str | list[str], api: SearchFunction) -> None:
    assert api.get(image_url="https://a/7.jpg", size="1", fields=given).body["hits"] == [{"product_id": "p-7", "score": 1.0}]


def test_searches_and_failures_are_counted(api: SearchFunction, counted: Counted) -> None:
    api.get(image_url="https://a/7.jpg")
    published = counted()
    assert (published["Search"], "SearchEmbed" in published) == (1, True)

    api.get()
    assert counted() == {"Error400": 1}
