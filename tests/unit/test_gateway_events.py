import base64
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from infra.local.gateway import proxy_event, refusal, response
from infra.local.invocation import FunctionFailed


def event(path: str, body: bytes = b"", **options: Any) -> dict[str, Any]:
    builder = EnvironBuilder(path=path, environ_base={"REMOTE_ADDR": "10.0.0.7"}, **options)
    environ = builder.get_environ() | {"RAW_URI": path}
    return proxy_event(Request(environ), body, request_id="r-1", at_s=1_800_000_000)


def test_a_get_becomes_a_proxy_event() -> None:
    got = event("/products/a%2Fb%20c/similar?size=3&brand=a&brand=b%26c", headers={"X-Colour": "red"})
    assert got["httpMethod"] == "GET"
    assert got["path"] == "/products/a%2Fb%20c/similar"
    assert got["resource"] == "/{proxy+}"
    assert got["pathParameters"] == {"proxy": "products/a/b c/similar"}
    assert got["queryStringParameters"] == {"size": "3", "brand": "b&c"}
    assert got["multiValueQueryStringParameters"] == {"size": ["3"], "brand": ["a", "b&c"]}
    assert got["headers"]["X-Colour"] == "red"
    assert got["multiValueHeaders"]["X-Colour"] == ["red"]
    assert (got["body"], got["isBase64Encoded"]) == (None, False)


def test_the_request_context_names_request_stage_and_caller() -> None:
    context = event("/search")["requestContext"]
    assert context["requestId"] == "r-1"
    assert context["stage"] == "local"
    assert context["identity"]["sourceIp"] == "10.0.0.7"
    assert context["path"] == "/local/search"
    assert context["requestTimeEpoch"] == 1_800_000_000_000


def test_the_root_has_no_path_parameters() -> None:
    got = event("/")
    assert (got["resource"], got["path"], got["pathParameters"], got["queryStringParameters"]) == ("/", "/", None, None)


@pytest.mark.parametrize("content_type", ["image/jpeg", "image/webp", "multipart/form-data; boundary=x", "IMAGE/PNG"])
def test_binary_media_types_travel_as_base64(content_type: str) -> None:
    got = event("/search", b"\xff\xd8\x00", method="POST", content_type=content_type)
    assert got["isBase64Encoded"]
    assert base64.b64decode(got["body"]) == b"\xff\xd8\x00"


@pytest.mark.parametrize("content_type", ["application/json", "image/jxl", "text/plain; charset=utf-8"])
def test_other_media_types_travel_as_text(content_type: str) -> None:
    got = event("/search", "grün".encode(), method="POST", content_type=content_type)
    assert (got["body"], got["isBase64Encoded"]) == ("grün", False)


def test_a_proxy_answer_becomes_a_response() -> None:
    answer = {"statusCode": 404, "headers": {"Retry-After": 2}, "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]}, "body": "{}"}
    made = response(answer, accept="", request_id="r-1")
    assert made.status_code == 404
    assert made.headers["Retry-After"] == "2"
    assert made.headers.getlist("Set-Cookie") == ["a=1", "b=2"]
    assert made.headers["x-amzn-RequestId"] == "r-1"
    assert made.get_data() == b"{}"


@pytest.mark.parametrize(
    ("accept", "body"),
    [("image/png", b"\x89PNG"), ("image/png;q=0.9, */*", b"\x89PNG"), ("*/*, image/png", b"iVBORw=="), ("", b"iVBORw==")],
)
def test_base64_is_decoded_where_accept_begins_with_a_binary_type(accept: str, body: bytes) -> None:
    made = response({"statusCode": 200, "isBase64Encoded": True, "body": "iVBORw=="}, accept=accept, request_id="r-1")
    assert made.get_data() == body


@pytest.mark.parametrize("answer", [None, "text", [], {}, {"body": "no status"}, {"statusCode": "200"}])
def test_an_answer_without_a_status_is_malformed(answer: Any) -> None:
    with pytest.raises(FunctionFailed):
        response(answer, accept="", request_id="r-1")


def test_a_refusal_has_the_shape_of_all_errors() -> None:
    made = refusal(413, "body_too_large", "Send less.", "r-1")
    assert made.status_code == 413
    assert made.json == {"error": {"code": "body_too_large", "message": "Send less.", "request_id": "r-1"}}
