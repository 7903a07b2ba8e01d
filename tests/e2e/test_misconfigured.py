"""An index that the deployed models cannot serve: the caller is given an incident id, and nothing else."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
import requests
from aws_lambda_powertools.utilities.typing import LambdaContext
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.indices import definition_of
from lookalike.domain import IndexOptions, Model
from lookalike.settings import Settings
from lookalike.wiring.search import SearchWiring

from functions.search import app
from infra.local.gateway import Gateway
from infra.local.running_system import RunningSystem
from infra.local.runtime import Context
from tests.e2e.conftest import MODEL

pytestmark = [pytest.mark.processes, pytest.mark.filterwarnings("ignore:No application metrics to publish")]

MODELS = Path("build/models")
PICTURE = {"Content-Type": "image/png"}

Create = Callable[[Mapping[str, str]], str]


@pytest.fixture
def alias(elasticsearch: Elasticsearch) -> Iterator[str]:
    """An alias beside that of the system, which the other tests use."""
    drawn = f"misconfigured-{uuid4().hex[:12]}"
    yield drawn
    elasticsearch.options(ignore_status=404).indices.delete(index=f"{drawn}-1")


@pytest.fixture
def wiring(system: RunningSystem, alias: str, monkeypatch: pytest.MonkeyPatch) -> SearchWiring:
    for name, value in {"AWS_ENDPOINT_URL": system.aws_url, "AWS_DEFAULT_REGION": "eu-central-1"}.items():
        monkeypatch.setenv(name, value)
    return SearchWiring(Settings(elasticsearch_url=system.elasticsearch_url, alias=alias, models=MODELS, model=MODEL))


@pytest.fixture
def url(wiring: SearchWiring, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The search function in this process, behind a gateway of its own."""
    monkeypatch.setattr(app.metrics, "namespace", "lookalike")
    handler = app.create(wiring.search, wiring.browse, wiring.health, "*")

    def invoke(name: str, event: Mapping[str, Any]) -> Any:
        return handler(dict(event), cast(LambdaContext, Context("id", time.time() + 29, name, "1769", "arn")))

    with Gateway(invoke, "search") as gateway:
        yield gateway.url


@pytest.fixture
def create(elasticsearch: Elasticsearch, wiring: SearchWiring, alias: str) -> Create:
    """Makes the index behind the alias, filled by another model."""

    def make(change: Mapping[str, str]) -> str:
        other: Model = replace(wiring.models.embedder(MODEL).model, **change)  # type: ignore[arg-type]
        elasticsearch.indices.create(index=f"{alias}-1", aliases={alias: {}}, **definition_of(other, IndexOptions()))
        return f"{alias}-1"

    return make


@pytest.mark.parametrize("change", [{"id": "bought_elsewhere"}, {"weights_sha256": "e" * 64}], ids=["model", "weights"])
@pytest.mark.parametrize(
    "ask",
    [
        lambda url: requests.get(f"{url}/products/hat/similar", timeout=30),
        lambda url: requests.post(f"{url}/search", json={"product_id": "hat"}, timeout=30),
        lambda url: requests.post(f"{url}/search", data=b"a picture", headers=PICTURE, timeout=30),
    ],
    ids=["similar", "json", "picture"],
)
def test_the_caller_is_given_an_incident_id_and_no_detail(
    url: str, create: Create, change: Mapping[str, str], ask: Callable[[str], requests.Response]
) -> None:
    index = create(change)

    answer = ask(url)

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (500, "misconfigured")
    assert error["request_id"] in error["message"]
    assert error["request_id"] == answer.headers["x-amzn-RequestId"]
    assert not any(detail in answer.text for detail in (index, MODEL, "bought_elsewhere", "eeee", "weights", "Traceback"))


def test_health_tells_the_operator_what_disagrees(url: str, create: Create) -> None:
    index = create({"id": "bought_elsewhere"})

    answer = requests.get(f"{url}/health", timeout=30)

    assert answer.status_code == 503
    assert all(name in answer.json()["fault"] for name in (index, MODEL, "bought_elsewhere"))
