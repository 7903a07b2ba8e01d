"""The HTTP API: whatever is asked, the answer is what was asked for, a 400 or a 404, and never too large to be sent."""

import json
import random
import re
import string
from collections.abc import Callable
from typing import Any

import pytest
from lookalike.domain import Product
from lookalike.indexing.indexer import Indexer
from lookalike.indexing.ports import WriteTarget

from tests.fakes import picture
from tests.unit.functions.events import http
from tests.unit.functions.search_function import COUNT, HttpAnswer, SearchFunction

LAMBDA_LIMIT = 6 * 1024 * 1024
BOUNDARY = "multipart/form-data; boundary=x"


@pytest.fixture
def api() -> SearchFunction:
    return SearchFunction()


def _describe(api: SearchFunction, attributes: dict[str, Any], pictures: int = 1) -> None:
    """Gives every product other attributes."""
    for n in range(COUNT):
        urls = tuple(f"https://a/{n}.jpg" if not name else f"https://a/{n}-{name}.jpg" for name in range(pictures))
        api.fetcher.files |= {url: picture(1000 * n + at) for at, url in enumerate(urls[1:])}
        list(Indexer(lambda: [WriteTarget(api.index, api.embedder)], api.fetcher).put([Product(f"p-{n}", urls, attributes)]))


def test_a_name_that_nobody_has_is_answered_with_a_warning(api: SearchFunction) -> None:
    answer = api.post({"product_id": "p-7", "filter": {"colour": {"exists": False}, "price": {"lt": 3}}})

    assert sorted(answer.products) == ["p-0", "p-1", "p-2"]
    assert [warning["field"] for warning in answer.body["warnings"]] == ["filter.colour"]
    assert api.post({"product_id": "p-7"}).body["warnings"] == []


@pytest.mark.parametrize(
    "text", ['"' * 400_000, "\u00fc" * 400_000, "\n" * 400_000, "x" * 700_000], ids=["quotes", "umlauts", "lines", "x"]
)
def test_hits_that_are_too_large_for_an_answer_come_on_more_pages_and_none_is_missed(api: SearchFunction, text: str) -> None:
    _describe(api, {"text": text})
    found: list[str] = []
    request: dict[str, Any] = {"image_url": "https://a/7.jpg", "size": 100}
    while True:
        status, headers, body = api.raw(http("search_post_json", body=json.dumps(request)))
        assert (
            len(json.dumps({"statusCode": status, "multiValueHeaders": dict(headers), "body": body}, ensure_ascii=False).encode())
            < LAMBDA_LIMIT
        )
        answer = json.loads(body)
        found += [hit["product_id"] for hit in answer["hits"]]
        if not answer["next_cursor"]:
            break
        request = {"cursor": answer["next_cursor"]}

    assert len(found) == len(set(found)) == COUNT


def test_a_product_with_more_text_than_an_answer_carries_shows_fewer_pictures(api: SearchFunction) -> None:
    _describe(api, {"text": '"' * 400_000}, pictures=10)

    status, _, body = api.raw(http("search_product", path="/products/p-7", pathParameters={"id": "p-7"}))

    assert (status, json.loads(body)["product_id"]) == (200, "p-7")
    assert len(json.dumps(body, ensure_ascii=False).encode()) < LAMBDA_LIMIT


def test_attributes_may_be_nested_as_deep_as_elasticsearch_takes_them(api: SearchFunction) -> None:
    deep: dict[str, Any] = {}
    for _ in range(900):
        deep = {"a": deep}
    _describe(api, deep)

    status, _, body = api.raw(http("search_product", path="/products/p-7", pathParameters={"id": "p-7"}))
    assert (status, body.count('{"a": ')) == (200, 2 * 900)
    status, _, body = api.raw(http("search_get", queryStringParameters={"product_id": "p-7"}, multiValueQueryStringParameters=None))
    assert (status, body.count('{"a": ')) == (200, 10 * 900)


HALF = "\ud83d"


@pytest.mark.parametrize(
    "parameters", [{"product_id": HALF}, {"image_url": f"https://a/{HALF}"}, {HALF: "1"}, {"image_id": HALF}], ids=ascii
)
def test_half_a_surrogate_pair_in_a_parameter_is_a_400(api: SearchFunction, parameters: dict[str, str]) -> None:
    status, code, _ = api.get(**parameters).refused

    assert (status, code) in ((400, "request_invalid"), (404, "not_found"), (422, "picture_unreachable"))


@pytest.mark.parametrize(
    "head",
    [
        b'Content-Disposition: form-data; name="image"; filename="gr\xf6\xdfe.jpg"',
        b'Content-Disposition: form-data; name="image"; filename="gr\xc3\xb6.jpg"',
        b"Content-Disposition: form-data; name=\"image\"; filename*=UTF-8''gr%C3%B6.jpg",
        b'Content-Disposition: form-data; name="image"\r\nContent-Type: image/png',
        b'Content-Disposition: form-data; name="image"\r\nContent-Type: application/octet-stream',
        b'content-disposition:form-data; name=image; filename=""',
        b'Content-Disposition: form-data; name="image"',
    ],
)
def test_a_file_of_a_form_may_have_any_name_or_none(api: SearchFunction, head: bytes) -> None:
    body = b"--x\r\n" + head + b"\r\n\r\n" + picture(7) + b"\r\n--x--\r\n"

    assert api.post(body, kind=BOUNDARY, is_base64=True).products[0] == "p-7"


def test_a_part_of_json_without_a_file_s_name_is_a_field(api: SearchFunction) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="filter"\r\nContent-Type: application/json\r\n\r\n{"price": {"lt": 3}}\r\n'
    body = part + b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n' + picture(7) + b"\r\n--x--\r\n"

    assert sorted(api.post(body, kind=BOUNDARY, is_base64=True).products) == ["p-0", "p-1", "p-2"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE"])
def test_another_method_is_a_405_with_those_that_there_are(api: SearchFunction, method: str) -> None:
    answer = api.call(http("search_get", httpMethod=method))

    assert answer.refused[:2] == (405, "method_refused")
    assert answer.headers["allow"] == "POST, GET, HEAD, OPTIONS"


@pytest.mark.parametrize("edges", ["0,0,5e-324,1", "0.5,0.5,0.5000001,0.5000001", "0,0,1e-9,1e-9", "0.9999999999,0.9999999999,1,1"])
def test_a_crop_box_smaller_than_a_pixel_is_a_pixel_or_a_400(api: SearchFunction, edges: str) -> None:
    assert api.get(image_url="https://a/7.jpg", crop=edges).status in (200, 400)


@pytest.mark.parametrize("text", ["\u202e" * 900_000, "\x00" * 600_000, "x" * 5_000_000], ids=["escaped", "control", "x"])
@pytest.mark.parametrize("request_of", [lambda text: {"product_id": text}, lambda text: {text: 1}, lambda text: {"filter": {text: 1}}])
def test_an_error_is_told_in_few_words_however_long_the_request_is(
    api: SearchFunction, text: str, request_of: Callable[[str], dict[str, Any]]
) -> None:
    answer = api.post(request_of(text))

    assert answer.status in (400, 404)
    assert len(json.dumps(json.dumps(answer.body))) < 20_000


def test_a_filter_has_150_000_characters_at_most_because_cursors_carry_it(api: SearchFunction) -> None:
    text = "".join(random.Random(0).choices(string.printable, k=149_000))

    answer = api.post({"product_id": "p-7", "size": 1, "filter": {"not": {"category": text}}})

    assert api.post({"cursor": answer.body["next_cursor"]}).status == 200
    assert api.post({"product_id": "p-7", "filter": {"not": {"category": text + "x" * 1000}}}).refused == (400, "request_invalid", "filter")
    assert api.post({"product_id": "p-7", "filter": {"any": [{text + "x" * 1000: 1}]}}).refused == (400, "request_invalid", "filter")


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (None, "body"),
        ([], "body"),
        ({"product_id": "p-7", "filter": "x"}, "filter"),
        ({"images": ["p-7"]}, "images.0"),
        ({"image_url": "https://a/7.jpg", "crop": "centre"}, "crop"),
        ({"image_url": "https://a/7.jpg", "crop": [0, 0, 1, 1]}, "crop"),
        ({"images": [{"image_url": "https://a/7.jpg", "crop": 1}]}, "crop"),
    ],
)
def test_a_value_that_is_no_object_is_told_without_names_of_this_code(api: SearchFunction, request_: Any, field: str) -> None:
    answer = api.post(json.dumps(request_))

    assert answer.refused == (400, "request_invalid", field)
    assert "object" in answer.error["message"]
    assert not re.search("instance|Request|Picture|CropBox|dictionary", answer.error["message"])


@pytest.mark.parametrize("ask", [lambda api: api.get(cursor="x"), lambda api: api.similar("p-7", cursor="x")])
def test_a_cursor_among_query_parameters_is_told_its_place(api: SearchFunction, ask: Callable[[SearchFunction], HttpAnswer]) -> None:
    answer = ask(api)

    assert answer.refused == (400, "request_invalid", "cursor")
    assert "body of POST /search" in answer.error["message"]


def test_headers_of_a_part_that_would_take_long_to_read_are_refused(api: SearchFunction) -> None:
    head = b'Content-Disposition: form-data; name="' + b";" * 80_000
    answer = api.post(b"--x\r\n" + head + b"\r\n\r\nx\r\n--x--\r\n", kind=BOUNDARY, is_base64=True)

    assert answer.refused == (400, "request_invalid", "body")
    assert "too long" in answer.error["message"]
