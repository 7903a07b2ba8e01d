"""The HTTP API: what is asked, what is answered, and how each failure ends."""

import json
import sys
from typing import Any

import pytest
from lookalike.domain import Product
from lookalike.errors import DownloadFailed, IndexAway, IndexMissing, LookalikeError, Misconfigured, PictureUnreachable
from lookalike.filters import Terms, conditions
from lookalike.indexing import Indexing
from lookalike.indexing import Target as Written

from functions.search import app
from tests.fakes import picture
from tests.unit.functions.conftest import Counted
from tests.unit.functions.events import REQUEST_ID, http
from tests.unit.functions.search_shop import ORIGIN, Shop, in_base64

PICTURE_TYPES = ["image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp", "IMAGE/JPEG", "image/jpeg; charset=binary"]


@pytest.fixture
def shop() -> Shop:
    return Shop()


# What is asked


def test_an_answer_has_hits_with_everything_the_model_and_timings(shop: Shop) -> None:
    answer = shop.get(image_url="https://a/7.jpg", size="3")

    assert (answer.status, set(answer.body)) == (200, {"hits", "next_cursor", "model", "timings_ms"})
    assert (len(answer.products), answer.products[0], answer.body["model"]) == (3, "p-7", "fake")
    first = answer.body["hits"][0]
    assert set(first) == {"product_id", "image_id", "image_url", "score", "attributes"}
    assert (first["image_url"], first["score"], first["attributes"]) == ("https://a/7.jpg?signed", 1.0, {"category": "dress", "price": 7})
    assert set(answer.body["timings_ms"]) == {"fetch", "decode", "embed", "search"}


def test_the_same_picture_finds_the_same_through_every_door(shop: Shop) -> None:
    content, url = shop.pictures.files["https://a/7.jpg"], "https://a/7.jpg"
    assert isinstance(content, bytes)
    answers = [
        shop.get(image_url=url),
        shop.post({"image_url": url}),
        shop.post({"image": in_base64(content)}),
        shop.post({"product_id": "p-7", "include_self": True}),
        shop.post_picture(content),
        shop.similar("p-7", include_self="true"),
    ]

    assert {tuple(answer.products) for answer in answers} == {tuple(answers[0].products)}
    assert len(answers[0].products) == 10


@pytest.mark.parametrize("name", ["search_post_picture", "search_post_json", "search_post_form"])
def test_the_examples_that_carry_a_picture_are_answered(name: str, shop: Shop) -> None:
    assert len(shop.call(http(name)).products) == 5


@pytest.mark.parametrize("kind", PICTURE_TYPES)
def test_a_raw_picture_is_taken_by_its_content_type(kind: str, shop: Shop) -> None:
    assert shop.post_picture(picture(7), kind, size="1").products == ["p-7"]


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON", "application/json; charset=utf-8"])
@pytest.mark.parametrize("is_base64", [True, False])
def test_json_is_taken_as_text_and_inin_base64(kind: str, is_base64: bool, shop: Shop) -> None:
    assert shop.post({"product_id": "p-7", "size": 2}, kind=kind, is_base64=is_base64).status == 200


def test_a_query_without_several_values_is_read_too(shop: Shop) -> None:
    event = http("search_get", multiValueQueryStringParameters=None, queryStringParameters={"image_url": "https://a/7.jpg", "size": "1"})

    assert shop.call(event).products == ["p-7"]


def test_a_product_is_left_out_of_its_look_alikes_unless_it_is_asked_for(shop: Shop) -> None:
    assert "p-7" not in shop.similar("p-7", size="100").products
    assert "p-7" not in shop.post({"product_id": "p-7", "size": 100}).products
    assert shop.similar("p-7", size="100", include_self="true").products[0] == "p-7"


@pytest.mark.parametrize("product_id", ["Kleid grün 42", "a/b", "100%", "a+b", "images/p?x=1&y", "[1] {2}"])
def test_a_product_s_id_in_the_path_is_decoded(product_id: str, shop: Shop) -> None:
    indexing = Indexing(lambda: [Written(shop.index, shop.embedder)], shop.pictures)
    list(indexing.put([Product(product_id, ("https://a/7.jpg",))]))

    assert shop.similar(product_id, size="1").products == ["p-7"]


def test_filter_minimum_and_exact_are_taken_from_the_body_and_from_the_query(shop: Shop) -> None:
    options = {"filter": {"category": "dress"}, "min_score": 0.999, "exact": True}
    answers = [
        shop.post({"image_url": "https://a/7.jpg"} | options),
        shop.get(image_url="https://a/7.jpg", filter=json.dumps(options["filter"]), min_score="0.999", exact="true"),
        shop.post_picture(picture(7), filter=json.dumps(options["filter"]), min_score="0.999", exact="true"),
    ]

    assert [answer.products for answer in answers] == [["p-7"]] * 3
    assert [list(conditions(given)) for given in shop.index.filters] == [[Terms("category", ("dress",))]] * 3


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
def test_only_the_fields_that_are_asked_for_come_back(fields: list[str], expected: dict[str, Any], shop: Shop) -> None:
    assert shop.post({"image_url": "https://a/7.jpg", "size": 1, "fields": fields}).body["hits"] == [expected]


@pytest.mark.parametrize("given", ["product_id,score", " product_id , score", ["product_id", "score"]])
def test_fields_in_the_query_are_separated_by_commas_or_repeated(given: str | list[str], shop: Shop) -> None:
    assert shop.get(image_url="https://a/7.jpg", size="1", fields=given).body["hits"] == [{"product_id": "p-7", "score": 1.0}]


# What is refused

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
    "a filter's unknown attribute": (BY_URL | {"filter": {"colour": "red"}}, "filter.colour"),
    "a filter's unknown bound": (BY_URL | {"filter": {"price": {"above": 3}}}, "filter.price"),
    "a filter's value that is none": (BY_URL | {"filter": {"any": [{"price": None}]}}, "filter.any[0].price"),
}


@pytest.mark.parametrize(("body", "field"), REFUSED.values(), ids=REFUSED.keys())
def test_a_wrong_request_is_a_400_that_names_the_field(body: Any, field: str, shop: Shop) -> None:
    status, code, named = shop.post(body).refused

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
def test_a_wrong_parameter_is_a_400_that_names_it(parameters: dict[str, str | list[str]], field: str, shop: Shop) -> None:
    assert shop.get(**parameters).refused == (400, "request_invalid", field)


def test_the_options_of_a_raw_picture_are_checked_and_hold_no_second_picture(shop: Shop) -> None:
    assert shop.post_picture(picture(7), size="0").refused == (400, "request_invalid", "size")
    assert shop.post_picture(picture(7), image_url="https://a/7.jpg").refused == (400, "request_invalid", "image_url")


@pytest.mark.parametrize("kind", [None, "", "text/plain", "image/tiff", "image/*", "application/x-www-form-urlencoded"])
def test_another_content_type_is_a_400_that_names_those_that_are_taken(kind: str | None, shop: Shop) -> None:
    answer = shop.post({"product_id": "p-7"}, kind=kind)

    assert answer.refused == (400, "request_invalid", "Content-Type")
    assert "application/json" in answer.error["message"]
    assert "image/webp" in answer.error["message"]


def test_json_bytes_that_are_not_utf_8_are_a_400(shop: Shop) -> None:
    assert shop.post(b'{"product_id": "\xff"}', is_base64=True).refused == (400, "request_invalid", "body")


@pytest.mark.parametrize("content", [b"", b"no picture", picture(1)[:200]], ids=["empty", "no picture", "truncated"])
def test_a_bad_picture_is_a_422(content: bytes, shop: Shop) -> None:
    shop.pictures.files["https://a/bad.jpg"] = content

    answers = [shop.post_picture(content), shop.post({"image": in_base64(content)}), shop.get(image_url="https://a/bad.jpg")]

    assert [answer.refused for answer in answers] == [(422, "picture_unusable", None)] * 3


def test_a_picture_that_is_not_there_is_a_422_with_the_reason(shop: Shop) -> None:
    shop.pictures.files["https://a/gone.jpg"] = PictureUnreachable("the server of the picture answers 410", status=410)

    answer = shop.get(image_url="https://a/gone.jpg")

    assert answer.refused == (422, "picture_unreachable", None)
    assert "410" in answer.error["message"]


def test_an_unknown_product_is_a_404(shop: Shop) -> None:
    assert shop.similar("nobody").refused == (404, "not_found", "product_id")
    assert shop.post({"product_id": "nobody"}).refused == (404, "not_found", "product_id")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/products/p-7/other"), ("GET", "/x/ü"), ("DELETE", "/nowhere"), ("GET", "/products/")],
)
def test_a_route_that_there_is_not_is_a_404_that_names_it(method: str, path: str, shop: Shop) -> None:
    answer = shop.call(http("search_get", httpMethod=method, path=path))

    assert answer.refused == (404, "not_found", None)
    assert f"{method} {path}" in answer.error["message"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/search", "POST, GET, OPTIONS"),
        ("PUT", "/search", "POST, GET, OPTIONS"),
        ("POST", "/health", "GET, OPTIONS"),
        ("POST", "/", "GET, OPTIONS"),
        ("POST", "/products/p-7/similar", "GET, OPTIONS"),
    ],
)
def test_another_method_is_a_405_that_names_those_that_are_taken(method: str, path: str, allowed: str, shop: Shop) -> None:
    answer = shop.call(http("search_get", httpMethod=method, path=path))

    assert answer.refused == (405, "method_refused", None)
    assert answer.headers["allow"] == allowed
    assert allowed.split(", ")[0] in answer.error["message"]


# What fails


@pytest.mark.parametrize(
    ("error", "code"), [(IndexAway("away", retry_after_s=7), "index_away"), (IndexMissing("nothing yet", retry_after_s=7), "index_missing")]
)
def test_an_index_that_is_away_is_a_503_with_retry_after(error: LookalikeError, code: str, shop: Shop) -> None:
    shop.index.away = error

    answer = shop.get(image_url="https://a/7.jpg")

    assert answer.refused == (503, code, None)
    assert answer.headers["retry-after"] == "7"


def test_a_download_that_may_pass_is_a_503_with_retry_after(shop: Shop) -> None:
    shop.pictures.files["https://a/slow.jpg"] = DownloadFailed("the server of the picture is slow")

    answer = shop.get(image_url="https://a/slow.jpg")

    assert answer.refused == (503, "download_failed", None)
    assert answer.headers["retry-after"] == "2"


@pytest.mark.parametrize(
    ("error", "code"), [(Misconfigured("the role lacks s3:GetObject"), "misconfigured"), (ZeroDivisionError("a defect in s3"), "internal")]
)
def test_our_own_fault_is_a_500_with_an_incident_id_and_the_log_says_what_to_mend(
    error: Exception, code: str, shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(shop.index, "check", fail)
    monkeypatch.setattr(app.logger.registered_handler, "stream", sys.stdout)

    answer = shop.get(image_url="https://a/7.jpg")

    assert answer.refused == (500, code, None)
    assert REQUEST_ID in answer.error["message"]
    assert "s3" not in answer.error["message"]
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert any(str(error) in line.get("reason", "") and line["request_id"] == REQUEST_ID for line in logged)


# Beside the search


def test_health_tells_what_agrees(shop: Shop) -> None:
    answer = shop.call(http("search_health"))

    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.body == {
        "status": "ok",
        "elasticsearch": "9.4.3 green",
        "index": "lookalike-fake-1",
        "model": "fake",
        "models": ["fake"],
        "fault": None,
    }


def test_health_is_a_503_that_tells_what_does_not_agree(shop: Shop) -> None:
    shop.index.away = Misconfigured("the index needs the model 'other'")

    answer = shop.call(http("search_health"))

    assert (answer.status, answer.body["status"], answer.body["fault"]) == (503, "unhealthy", "the index needs the model 'other'")
    assert (answer.body["elasticsearch"], answer.body["index"]) == ("9.4.3 green", None)


@pytest.mark.parametrize(
    ("name", "status"), [("search_health", 200), ("search_post_picture", 200), ("search_get", 422), ("search_similar", 404)]
)
def test_the_allowed_origin_may_read_answers_and_failures(name: str, status: int, shop: Shop) -> None:
    answer = shop.call(_from_origin(http(name), ORIGIN))

    assert (answer.status, answer.headers["access-control-allow-origin"]) == (status, ORIGIN)
    assert "X-Api-Key" in answer.headers["access-control-allow-headers"]
    assert "Retry-After" in answer.headers["access-control-expose-headers"]


def test_another_origin_may_not_read(shop: Shop) -> None:
    assert "access-control-allow-origin" not in shop.call(_from_origin(http("search_health"), "https://other.example")).headers


def test_every_origin_may_read_where_that_is_the_setting() -> None:
    answer = Shop(origin="*").call(_from_origin(http("search_health"), "https://other.example"))

    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_preflight_is_answered(shop: Shop) -> None:
    answer = shop.call(_from_origin(http("search_get", httpMethod="OPTIONS"), ORIGIN))

    assert (answer.status, answer.body) == (204, None)
    assert {"GET", "POST"} <= set(answer.headers["access-control-allow-methods"].split(","))
    assert answer.headers["access-control-max-age"] == "3600"


def _from_origin(event: dict[str, Any], origin: str) -> dict[str, Any]:
    event["headers"]["Origin"] = origin
    event["multiValueHeaders"]["Origin"] = [origin]
    return event


def test_searches_and_failures_are_counted(shop: Shop, counted: Counted) -> None:
    shop.get(image_url="https://a/7.jpg")
    published = counted()
    assert (published["Search"], "SearchEmbed" in published) == (1, True)

    shop.get()
    assert counted() == {"Error400": 1}
