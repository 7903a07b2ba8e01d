"""An index and the models at hand that disagree: refused, with both named, before a vector is compared or written."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest
from aws_lambda_powertools import Logger
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.indices import definition_of
from lookalike.adapters.openvino.manifests import read_manifest
from lookalike.domain import IndexOptions, Model, Product
from lookalike.errors import Misconfigured
from lookalike.search.query_vectors import ByProduct
from lookalike.search.search import Query
from lookalike.settings import Settings
from lookalike.wiring.indexing import IndexingWiring
from lookalike.wiring.search import SearchWiring

from infra.local.aws import AwsServer
from layers.models import export
from layers.models.networks import SALIENCY_FOLDER, U2NETP
from tests.fakes import picture

MODELS = Path("build/models")
MODEL = "efficientnet_lite0"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one network."""
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(MODELS / export.ensure(MODEL, MODELS, print), folder / MODEL)
    return folder


@pytest.mark.parametrize(
    ("event", "logged"), [({"requestContext": {"requestId": "of-the-request"}}, "of-the-request"), ({}, "of-the-invocation")]
)
def test_what_elasticsearch_is_told_is_the_id_that_the_log_has(wiring: SearchWiring, event: dict[str, object], logged: str) -> None:
    logger = Logger()

    @logger.inject_lambda_context(correlation_id_path="requestContext.requestId", clear_state=True)
    def handler(_: dict[str, object], __: object) -> str | None:
        return wiring._request_id()

    context = SimpleNamespace(
        function_name="search", memory_limit_in_mb=3008, invoked_function_arn="arn", aws_request_id="of-the-invocation"
    )
    assert handler(event, context) == logged


@pytest.fixture
def wiring(models: Path, elasticsearch_url: str, name: str, aws: AwsServer, monkeypatch: pytest.MonkeyPatch) -> SearchWiring:
    for variable, value in aws.environment.items():
        monkeypatch.setenv(variable, value)
    return SearchWiring(Settings(elasticsearch_url=elasticsearch_url, alias=name, models=models, model=MODEL))


def test_a_silent_secrets_manager_or_elasticsearch_does_not_keep_the_init_phase(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The network is loaded that the first index would have."""
    never = Event()

    def wait(*_: object) -> str:
        never.wait(60)
        raise Misconfigured("it waited")

    monkeypatch.setattr("lookalike.wiring.models.INIT_LIMIT_S", 0.1)
    monkeypatch.setattr("lookalike.wiring.base.secret", wait)
    wiring = SearchWiring(Settings(elasticsearch_url="http://silent", elasticsearch_secret_arn="arn", models=models, model=MODEL))

    wiring._load_model()
    never.set()

    assert MODEL in wiring.models.ids()


@pytest.fixture
def model(models: Path) -> Model:
    return read_manifest(models / MODEL)


@pytest.fixture
def create(elasticsearch: Elasticsearch, name: str) -> Callable[[Model], str]:
    """Makes the index behind the alias, filled by a model."""

    def make(filled_by: Model) -> str:
        elasticsearch.indices.create(index=f"{name}-1", aliases={name: {}}, **definition_of(filled_by, IndexOptions()))
        return f"{name}-1"

    return make


@pytest.mark.parametrize("is_there_at_start", [False, True])
def test_a_search_in_an_index_of_a_model_that_the_image_lacks_is_refused_with_both_named(
    wiring: SearchWiring, create: Callable[[Model], str], model: Model, is_there_at_start: bool
) -> None:
    if not is_there_at_start:
        _ = wiring.search
    index = create(replace(model, id="bought_elsewhere"))
    search = wiring.search

    with pytest.raises(Misconfigured) as fault:
        search.search(Query(ByProduct("hat")))

    assert all(each in str(fault.value) for each in (index, "'bought_elsewhere'", f"'{MODEL}'"))


def test_an_index_filled_with_other_weights_is_refused_with_both_named(
    wiring: SearchWiring, create: Callable[[Model], str], model: Model
) -> None:
    search = wiring.search
    index = create(replace(model, weights_sha256="e" * 64))

    with pytest.raises(Misconfigured) as fault:
        search.search(Query(ByProduct("hat")))

    assert all(each in str(fault.value) for each in (index, "eeeeeeeeeeee", model.weights_sha256[:12]))


def test_two_indices_that_are_being_filled_stop_no_browsing(
    wiring: SearchWiring, create: Callable[[Model], str], model: Model, elasticsearch: Elasticsearch, name: str
) -> None:
    index = create(model)
    for number in (2, 3):
        elasticsearch.indices.create(index=f"{name}-{number}", aliases={f"{name}-next": {}}, **definition_of(model, IndexOptions()))

    assert wiring.browse.attributes() == []
    assert (wiring.browse.stats().index, wiring.browse.stats().next_model) == (index, None)


def test_things_are_found_where_the_image_has_the_network_and_nothing_of_it_is_loaded_before(wiring: SearchWiring, models: Path) -> None:
    assert wiring.detect is None
    export.ensure(U2NETP.id, MODELS, print)
    shutil.copytree(MODELS / SALIENCY_FOLDER, models / SALIENCY_FOLDER)
    with_network = SearchWiring(wiring.settings)
    detect = with_network.detect

    assert detect is not None
    assert with_network._saliency._loaded == {}
    assert detect.detect(picture(1)).model == U2NETP.id
    assert U2NETP.id not in with_network.models.ids()


@pytest.mark.parametrize("change", [{"id": "bought_elsewhere"}, {"weights_sha256": "e" * 64}], ids=["model", "weights"])
def test_nothing_is_written_into_an_index_of_another_model(
    wiring: SearchWiring, create: Callable[[Model], str], model: Model, elasticsearch: Elasticsearch, change: dict[str, str]
) -> None:
    indexer = IndexingWiring(wiring.settings).indexer
    index = create(replace(model, **change))  # type: ignore[arg-type]

    with pytest.raises(Misconfigured):
        list(indexer.put([Product("hat", ("http://127.0.0.1:9/hat.jpg",))]))

    elasticsearch.indices.refresh(index=index)
    assert elasticsearch.count(index=index)["count"] == 0


def test_health_names_what_disagrees(wiring: SearchWiring, create: Callable[[Model], str], model: Model) -> None:
    index = create(replace(model, id="bought_elsewhere"))

    health = wiring.health.check()

    assert (health.index, health.model, list(health.models)) == (index, "bought_elsewhere", [MODEL])
    assert "'bought_elsewhere'" in (health.fault or "")


def test_an_index_of_the_model_at_hand_is_served(wiring: SearchWiring, create: Callable[[Model], str], model: Model) -> None:
    create(model)

    assert wiring.health.check().fault is None


def test_a_network_whose_manifest_names_other_weights_than_the_index_is_noticed(
    wiring: SearchWiring, create: Callable[[Model], str], model: Model, models: Path, tmp_path: Path
) -> None:
    create(model)
    replaced = tmp_path / MODEL
    shutil.copytree(models / MODEL, replaced)
    manifest = json.loads((replaced / "manifest.json").read_text())
    (replaced / "manifest.json").write_text(json.dumps(manifest | {"weights_sha256": "f" * 64}))

    fault = SearchWiring(replace(wiring.settings, models=tmp_path)).health.check().fault

    assert "ffffffffffff" in (fault or "")
