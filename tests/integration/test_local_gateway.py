import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from infra.local import invocation
from infra.local.functions import Function, FunctionDefinition
from infra.local.gateway import Gateway
from infra.local.invocation import Invoke
from infra.local.lambda_api import LambdaApi


@pytest.fixture(scope="module")
def invoke(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Invoke]:
    definition = FunctionDefinition("mirror", "tests.integration.echo_functions.mirror", timeout_s=20, concurrency=2)
    function = Function(definition, {}, tmp_path_factory.mktemp("functions") / "mirror.log")
    function.start()
    with LambdaApi({"mirror": function}) as api:
        yield invocation.through(invocation.client(api.url))
    function.stop()


@pytest.fixture(scope="module")
def url(invoke: Invoke) -> Iterator[str]:
    with Gateway(invoke, "mirror") as gateway:
        yield gateway.url


def test_text_goes_to_the_function_and_back(url: str) -> None:
    answer = requests.post(f"{url}/search?size=3", json={"image_url": "http://a.example/ü.jpg"}, timeout=30)
    event = answer.json()
    assert answer.status_code == 201
    assert answer.raw.headers.getlist("X-Colour") == ["red", "blue"]
    assert (event["httpMethod"], event["path"], event["queryStringParameters"]) == ("POST", "/search", {"size": "3"})
    assert event["requestContext"]["requestId"] == answer.headers["x-amzn-RequestId"]
    assert not event["isBase64Encoded"]


def test_a_picture_arrives_byte_by_byte(url: str) -> None:
    picture = bytes(range(256)) * 100
    event = requests.post(f"{url}/search", data=picture, headers={"Content-Type": "image/jpeg"}, timeout=30).json()
    assert event["isBase64Encoded"]
    assert base64.b64decode(event["body"]) == picture


def test_a_binary_answer_is_decoded_only_for_who_accepts_it(url: str) -> None:
    assert requests.get(f"{url}/?binary=1", headers={"Accept": "image/png,*/*"}, timeout=30).content == b"\x89PNG\x00\xff"
    assert base64.b64decode(requests.get(f"{url}/?binary=1", timeout=30).text) == b"\x89PNG\x00\xff"


def test_a_picture_of_4_mb_fits(url: str) -> None:
    picture = b"\xff" * 4_000_000
    answer = requests.post(f"{url}/search?binary=1", data=picture, headers={"Content-Type": "image/png"}, timeout=60)
    assert answer.status_code == 200


@pytest.mark.parametrize("size", [5_000_000, 11_000_000, 60_000_000])
def test_a_body_that_does_not_fit_is_refused_and_told_what_to_do(url: str, size: int) -> None:
    answer = requests.post(f"{url}/search", data=bytes(size), headers={"Content-Type": "image/jpeg"}, timeout=60)
    error = answer.json()["error"]
    assert answer.status_code == 413
    assert error["code"] == "body_too_large"
    assert "image_url" in error["message"]
    assert error["request_id"]


@pytest.mark.parametrize("query", ["raise=no", "malformed=1"])
def test_a_function_that_fails_is_a_502_that_tells_nothing_of_its_inside(url: str, query: str) -> None:
    answer = requests.get(f"{url}/search?{query}", timeout=30)
    assert answer.status_code == 502
    assert answer.json()["error"]["code"] == "function_failed"
    assert "RuntimeError" not in answer.text


def test_a_function_that_takes_too_long_is_a_504(invoke: Invoke) -> None:
    with Gateway(invoke, "mirror", timeout_s=0.2) as gateway:
        answer = requests.get(f"{gateway.url}/search?sleep_s=2", timeout=30)
    assert answer.status_code == 504
    assert answer.json()["error"]["code"] == "gateway_timeout"


def test_with_an_api_key_only_the_open_routes_answer_without_it(invoke: Invoke) -> None:
    with Gateway(invoke, "mirror", api_key="opensesame") as gateway:
        refused = requests.get(f"{gateway.url}/stats", timeout=30)
        assert refused.status_code == 403
        assert refused.json()["error"]["code"] == "api_key_refused"
        assert requests.get(f"{gateway.url}/stats", headers={"x-api-key": "opensesame"}, timeout=30).status_code == 201
        for path in ("/", "/docs", "/openapi.json", "/health"):
            assert requests.get(gateway.url + path, timeout=30).status_code == 201


def test_a_gateway_without_a_function_behind_it_answers_502() -> None:
    with LambdaApi({}) as api, Gateway(invocation.through(invocation.client(api.url)), "absent") as gateway:
        assert requests.get(gateway.url, timeout=30).status_code == 502


def test_logs_stay_where_they_are_asked_for(tmp_path: Path) -> None:
    definition = FunctionDefinition("mirror", "tests.integration.echo_functions.mirror", timeout_s=20)
    function = Function(definition, {}, tmp_path / "mirror.log")
    try:
        function.invoke('{"queryStringParameters": {"raise": "for the log"}}')
    finally:
        function.stop()
    assert "RuntimeError: for the log" in (tmp_path / "mirror.log").read_text()
