"""The HTTP API: statuses and codes of everything that can fail but the request's fields."""

import json
import sys

import pytest
from lookalike.errors import DownloadFailed, IndexMissing, IndexUnavailable, LookalikeError, Misconfigured, PictureUnreachable

from functions.search import app
from tests.fakes import picture
from tests.unit.functions.events import REQUEST_ID, http
from tests.unit.functions.search_function import SearchFunction, in_base64


@pytest.fixture
def api() -> SearchFunction:
    return SearchFunction()


@pytest.mark.parametrize("content", [b"", b"no picture", picture(1)[:200]], ids=["empty", "no picture", "truncated"])
def test_a_bad_picture_is_a_422(content: bytes, api: SearchFunction) -> None:
    api.fetcher.files["https://a/bad.jpg"] = content

    answers = [api.post_picture(content), api.post({"image": in_base64(content)}), api.get(image_url="https://a/bad.jpg")]

    assert [answer.refused for answer in answers] == [(422, "picture_unusable", None)] * 3


def test_a_picture_that_is_not_there_is_a_422_with_the_reason(api: SearchFunction) -> None:
    api.fetcher.files["https://a/gone.jpg"] = PictureUnreachable("the server of the picture answers 410", status=410)

    answer = api.get(image_url="https://a/gone.jpg")

    assert answer.refused == (422, "picture_unreachable", None)
    assert "410" in answer.error["message"]


def test_an_unknown_product_is_a_404(api: SearchFunction) -> None:
    assert api.similar("nobody").refused == (404, "not_found", "product_id")
    assert api.post({"product_id": "nobody"}).refused == (404, "not_found", "product_id")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/products/p-7/other"), ("GET", "/x/ü"), ("DELETE", "/nowhere"), ("GET", "/products/")],
)
def test_a_route_that_there_is_not_is_a_404_that_names_it(method: str, path: str, api: SearchFunction) -> None:
    answer = api.call(http("search_get", httpMethod=method, path=path))

    assert answer.refused == (404, "not_found", None)
    assert f"{method} {path}" in answer.error["message"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/search", "POST, GET, HEAD, OPTIONS"),
        ("PUT", "/search", "POST, GET, HEAD, OPTIONS"),
        ("POST", "/health", "GET, HEAD, OPTIONS"),
        ("POST", "/", "GET, HEAD, OPTIONS"),
        ("POST", "/products/p-7/similar", "GET, HEAD, OPTIONS"),
    ],
)
def test_another_method_is_a_405_that_names_those_that_are_taken(method: str, path: str, allowed: str, api: SearchFunction) -> None:
    answer = api.call(http("search_get", httpMethod=method, path=path))

    assert answer.refused == (405, "method_refused", None)
    assert answer.headers["allow"] == allowed
    assert allowed.split(", ")[0] in answer.error["message"]


@pytest.mark.parametrize(
    ("error", "code"),
    [(IndexUnavailable("away", retry_after_s=7), "index_away"), (IndexMissing("nothing yet", retry_after_s=7), "index_missing")],
)
def test_an_unavailable_index_is_a_503_with_retry_after(error: LookalikeError, code: str, api: SearchFunction) -> None:
    api.index.away = error

    answer = api.get(image_url="https://a/7.jpg")

    assert answer.refused == (503, code, None)
    assert answer.headers["retry-after"] == "7"


def test_a_download_that_may_succeed_later_is_a_503_with_retry_after(api: SearchFunction) -> None:
    api.fetcher.files["https://a/slow.jpg"] = DownloadFailed("the server of the picture is slow")

    answer = api.get(image_url="https://a/slow.jpg")

    assert answer.refused == (503, "download_failed", None)
    assert answer.headers["retry-after"] == "2"


@pytest.mark.parametrize(
    ("error", "code"), [(Misconfigured("the role lacks s3:GetObject"), "misconfigured"), (ZeroDivisionError("a defect in s3"), "internal")]
)
def test_a_misconfiguration_is_a_500_with_an_incident_id_and_the_log_says_what_to_correct(
    error: Exception, code: str, api: SearchFunction, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(api.index, "warnings", fail)
    monkeypatch.setattr(app.logger.registered_handler, "stream", sys.stdout)

    answer = api.get(image_url="https://a/7.jpg")

    assert answer.refused == (500, code, None)
    assert REQUEST_ID in answer.error["message"]
    assert "s3" not in answer.error["message"]
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert any(str(error) in line.get("reason", "") and line["request_id"] == REQUEST_ID for line in logged)


def test_each_request_is_one_line_of_the_log_with_its_status_time_and_key_and_the_id_that_its_client_saw(
    api: SearchFunction, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(app.logger.registered_handler, "stream", sys.stdout)
    event = http("search_get", path="/nowhere")
    event["requestContext"]["identity"]["apiKeyId"] = "a1b2c3"

    api.call(event)

    [line] = [line for line in map(json.loads, capsys.readouterr().out.splitlines()) if line.get("message") == "request"]
    assert (line["method"], line["path"], line["status"], line["api_key_id"]) == ("GET", "/nowhere", 404, "a1b2c3")
    assert line["ms"] >= 0
    assert line["correlation_id"] == REQUEST_ID
