"""Models of Amazon Bedrock and of Elasticsearch's inference endpoints, against servers that speak their wire format."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from lookalike.adapters.bedrock.encoder import BedrockModel
from lookalike.domain import Embedder, Pixels
from lookalike.errors import LookalikeError, Misconfigured, PictureUnusable, RequestInvalid, TransientError
from lookalike.settings import Settings
from lookalike.wiring.search import SearchWiring

from layers.models import export, remote
from tests.integration.remote_models import ENDPOINT, NOVA, TITAN, Service, serving

MODELS = (f"bedrock/{TITAN}", f"bedrock/{NOVA}@3072", f"elasticsearch/{ENDPOINT}")
BUSY = {"bedrock": (429, "ThrottlingException", "Too many requests"), "elasticsearch": (429, "status_exception", "rate limit")}
BAD = {
    "bedrock": (400, "ValidationException", "Malformed input request: the picture cannot be read"),
    "elasticsearch": (400, "validation_exception", "cannot be read"),
}


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as served:
        yield served


@pytest.fixture(params=MODELS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def embedder(name: str, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Embedder:
    """As the functions have it: by the manifest that the export command writes."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", service.url)
    for variable, value in {"REGION": "us-east-1", "ACCESS_KEY_ID": "none", "SECRET_ACCESS_KEY": "none"}.items():
        monkeypatch.setenv(f"AWS_{variable}", value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    model = remote.export(name, tmp_path, print)
    assert export.ensure(model, tmp_path, print) == model  # as the image takes it
    return SearchWiring(Settings(elasticsearch_url=service.url, models=tmp_path, model=model)).models.embedder(model)


def _pixels(count: int) -> list[Pixels]:
    small = np.random.default_rng(3).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    return list(small.repeat(64, axis=1).repeat(64, axis=2))


def _kind(name: str) -> str:
    return name.partition("/")[0]


def test_pictures_and_texts_get_unit_vectors_of_their_own(embedder: Embedder, service: Service) -> None:
    pixels = _pixels(5)

    vectors = embedder.embed(pixels)

    assert vectors.shape == (5, embedder.model.dimensions)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.array_equal(embedder.embed(pixels[3:]), vectors[3:])
    assert embedder.embed([]).shape == (0, embedder.model.dimensions)
    words = embedder.embed_text("a red hat")
    assert words.shape == (embedder.model.dimensions,)
    assert np.isclose(np.linalg.norm(words), 1)
    assert len(service.requests) == 8


def test_what_is_throttled_is_repeated_by_the_client_and_then_transient(embedder: Embedder, service: Service, name: str) -> None:
    service.faults = [BUSY[_kind(name)]]
    assert np.isclose(np.linalg.norm(embedder.embed_text("hat")), 1)
    assert len(service.requests) == 2

    service.faults = [BUSY[_kind(name)]] * 10
    with pytest.raises(TransientError):
        embedder.embed_text("hat")


def test_what_the_service_refuses_to_embed_is_the_picture_s_or_the_text_s_fault(embedder: Embedder, service: Service, name: str) -> None:
    service.faults = [BAD[_kind(name)]] * 2

    with pytest.raises(PictureUnusable, match="cannot be read"):
        embedder.embed(_pixels(1))
    with pytest.raises(RequestInvalid, match="cannot be read") as refused:
        embedder.embed_text("hat")

    assert refused.value.field == "text"


def test_a_right_that_is_missing_names_the_setting(embedder: Embedder, service: Service, name: str) -> None:
    service.faults = [(403, "AccessDeniedException" if _kind(name) == "bedrock" else "security_exception", "not authorized")]

    with pytest.raises(Misconfigured, match="BedrockModelArns" if _kind(name) == "bedrock" else "monitor_inference"):
        embedder.embed_text("hat")


def test_another_number_of_dimensions_than_the_manifest_s_is_refused(embedder: Embedder, service: Service) -> None:
    service.added_dimensions = 1

    with pytest.raises(Misconfigured, match="export it again"):
        embedder.embed_text("hat")


@pytest.mark.parametrize(
    ("name", "fault", "expected"),
    [
        (f"bedrock/{TITAN}", (400, "ValidationException", "The provided model identifier is invalid."), Misconfigured),
        (f"bedrock/{TITAN}", (404, "ResourceNotFoundException", "Could not resolve the foundation model"), Misconfigured),
        (f"bedrock/{NOVA}", (500, "InternalServerException", "sorry"), TransientError),
        (f"elasticsearch/{ENDPOINT}", (404, "resource_not_found_exception", "Inference endpoint not found"), Misconfigured),
        (f"elasticsearch/{ENDPOINT}", (500, "status_exception", "the service behind it fails"), TransientError),
    ],
)
def test_other_faults_say_who_has_to_act(
    embedder: Embedder, service: Service, fault: tuple[int, str, str], expected: type[LookalikeError]
) -> None:
    service.faults = [fault] * 3

    with pytest.raises(expected):
        embedder.embed(_pixels(1))


def test_a_service_that_is_away_is_transient(embedder: Embedder, service: Service) -> None:
    service.server_close()

    with pytest.raises(TransientError):
        embedder.embed_text("hat")


def test_a_model_of_bedrock_that_is_not_known_is_refused() -> None:
    with pytest.raises(Misconfigured, match="no model that is known here"):
        BedrockModel(None, "cohere.embed-v4:0", 1024)
