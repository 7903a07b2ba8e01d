"""The HTTP API: health, and which web origins may read answers."""

import re
from typing import Any

import pytest
from lookalike.errors import IndexUnavailable, LookalikeError, Misconfigured, RequestInvalid

from tests.unit.functions.events import http
from tests.unit.functions.search_function import ORIGIN, SearchFunction


@pytest.fixture
def api() -> SearchFunction:
    return SearchFunction()


def test_health_tells_what_agrees(api: SearchFunction) -> None:
    answer = api.call(http("search_health"))

    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.body == {
        "status": "ok",
        "elasticsearch": "9.4.3 green",
        "index": "lookalike-fake-1",
        "model": "fake",
        "models": ["fake"],
        "fault": None,
    }


SECRET_FAULT = (
    "the secret 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:es-AbCdEf' cannot be read: User: "
    "arn:aws:sts::123456789012:assumed-role/lookalike-SearchRole-1X/lookalike-search is not authorized to perform GetSecretValue"
)


@pytest.mark.parametrize("error", [Misconfigured(SECRET_FAULT), IndexUnavailable(SECRET_FAULT), RequestInvalid(SECRET_FAULT)])
@pytest.mark.parametrize("event", ["search_health", "search_similar"])
def test_no_stranger_is_told_an_arn_a_role_or_an_account(error: LookalikeError, event: str, api: SearchFunction) -> None:
    api.index.away = error

    status, _, text = api.raw(http(event))

    assert status >= 400
    assert not re.search(r"arn:|123456789012|SearchRole", text)


BUSY = "Elasticsearch is busy: [node-1][10.0.3.7:9300] at https://es.internal:9200/: certificate is not valid for 'es.internal'"


@pytest.mark.parametrize("event", ["search_health", "search_similar"])
def test_no_stranger_is_told_where_elasticsearch_is(event: str, api: SearchFunction) -> None:
    api.index.away = IndexUnavailable(f"{BUSY}: check LOOKALIKE_ELASTICSEARCH_URL")

    status, _, text = api.raw(http(event))

    assert status == 503
    assert not re.search(r"internal|10\.0\.3\.7|9300", text)
    assert ("LOOKALIKE_" in text) == (event == "search_health")


def test_health_is_a_503_that_tells_what_does_not_agree(api: SearchFunction) -> None:
    api.index.away = Misconfigured("the index needs the model 'other'")

    answer = api.call(http("search_health"))

    assert (answer.status, answer.body["status"], answer.body["fault"]) == (503, "unhealthy", "the index needs the model 'other'")
    assert (answer.body["elasticsearch"], answer.body["index"]) == ("9.4.3 green", None)


@pytest.mark.parametrize(
    ("name", "status"), [("search_health", 200), ("search_post_picture", 200), ("search_get", 422), ("search_similar", 404)]
)
def test_the_allowed_origin_may_read_answers_and_failures(name: str, status: int, api: SearchFunction) -> None:
    answer = api.call(_from_origin(http(name), ORIGIN))

    assert (answer.status, answer.headers["access-control-allow-origin"]) == (status, ORIGIN)
    assert "X-Api-Key" in answer.headers["access-control-allow-headers"]
    assert "Retry-After" in answer.headers["access-control-expose-headers"]


def test_another_origin_may_not_read(api: SearchFunction) -> None:
    assert "access-control-allow-origin" not in api.call(_from_origin(http("search_health"), "https://other.example")).headers


def test_every_origin_may_read_where_that_is_the_setting() -> None:
    answer = SearchFunction(origin="*").call(_from_origin(http("search_health"), "https://other.example"))

    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_preflight_is_answered(api: SearchFunction) -> None:
    answer = api.call(_from_origin(http("search_get", httpMethod="OPTIONS"), ORIGIN))

    assert (answer.status, answer.body) == (204, None)
    assert {"GET", "POST"} <= set(answer.headers["access-control-allow-methods"].split(","))
    assert answer.headers["access-control-max-age"] == "3600"


def _from_origin(event: dict[str, Any], origin: str) -> dict[str, Any]:
    event["headers"]["Origin"] = origin
    event["multiValueHeaders"]["Origin"] = [origin]
    return event
