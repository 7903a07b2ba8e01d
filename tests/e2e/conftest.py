"""The whole system, once for all end-to-end tests; each test uses product ids of its own."""

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from elasticsearch import Elasticsearch

from infra.demo.catalogue import CatalogueItem, drawn_catalogue
from infra.demo.image_server import ImageServer
from infra.local import aws, invocation
from infra.local.running_system import RunningSystem
from infra.local.system import LocalSystem, ensure_models
from infra.sam.system import SamSystem, running
from tests.e2e.sam.prepare import OPTIONS
from tests.e2e.shop_client import ShopClient
from tests.faulty_image_server import FaultyImageServer
from tests.server_folder import server_folder

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MODEL = "efficientnet_lite0"
WAIT_S = 120
VISIBILITY_TIMEOUT_S = 5
TRIES = 7
FIRST_RETRY_DELAY_S = 1
"""Seven tries then take a minute, which outlasts a restart of Elasticsearch."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The folder of tests of the containers themselves."""
    return True if collection_path.name == "sam" and config.getoption("--system") != "sam" else None


@pytest.fixture(scope="session")
def items(tmp_path_factory: pytest.TempPathFactory) -> list[CatalogueItem]:
    """Drawn products."""
    return list(drawn_catalogue(tmp_path_factory.mktemp("drawn")).items)


@pytest.fixture(scope="session")
def containers(request: pytest.FixtureRequest) -> Iterator[SamSystem | None]:
    """The built image, Elasticsearch and moto, where the tests run on `sam local`; its functions are not started yet."""
    if request.config.getoption("--system") != "sam":
        yield None
        return
    with running(
        MODEL,
        Path("build/sam-test"),
        say=_say_on_the_terminal(request.config),
        parameters=OPTIONS,
        project="lookalike-test",
        visibility_timeout_s=VISIBILITY_TIMEOUT_S,
        max_receive_count=TRIES,
        first_retry_delay_s=FIRST_RETRY_DELAY_S,
    ) as system:
        yield system


def _say_on_the_terminal(config: pytest.Config) -> Callable[[str], None]:
    """What takes minutes is told at once, though pytest keeps what tests print."""
    capture = config.pluginmanager.getplugin("capturemanager")

    def say(line: str) -> None:
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            print(f"\n{line}", end="", flush=True)

    return say


@pytest.fixture(scope="session")
def images(containers: SamSystem | None, items: list[CatalogueItem], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImageServer]:
    """Their pictures at addresses, bad ones and faults among them."""
    folder = tmp_path_factory.mktemp("bad")
    (folder / "text.jpg").write_text("this is no picture")
    (folder / "half.jpg").write_bytes(items[0].path.read_bytes()[:3000])
    (folder / "empty.jpg").write_bytes(b"")
    pictures = {item.path.name: item.path for item in items} | {path.name: path for path in folder.iterdir()}
    host, known_as = containers.server.image_host if containers else ("127.0.0.1", "127.0.0.1")
    with FaultyImageServer(pictures, slow_s=2, host=host, known_as=known_as) as server:
        yield server


@pytest.fixture(scope="session")
def system(containers: SamSystem | None, images: ImageServer) -> Iterator[RunningSystem]:
    """Everything, with messages that come back soon: seven tries outlast a restart of Elasticsearch."""
    if containers:
        containers.serve([images.origin])
        yield containers
        return
    models = Path("build/models")
    model = ensure_models(MODEL, models, print)
    with (
        server_folder("e2e") as data,
        LocalSystem(
            model,
            models,
            data,
            private_image_origins=[images.origin],
            visibility_timeout_s=VISIBILITY_TIMEOUT_S,
            max_receive_count=TRIES,
            first_retry_delay_s=FIRST_RETRY_DELAY_S,
        ) as processes,
    ):
        yield processes


@pytest.fixture(scope="session")
def elasticsearch(system: RunningSystem) -> Elasticsearch:
    """A client for the system's server."""
    return Elasticsearch(system.elasticsearch_url, request_timeout=60)


@pytest.fixture(scope="session")
def invoke(system: RunningSystem) -> invocation.Invoke:
    """Calls a function as the AWS CLI does."""
    return invocation.through(invocation.client(system.lambda_url))


@pytest.fixture(scope="session")
def sqs(system: RunningSystem) -> "SQSClient":
    """A client for the queues."""
    return aws.session().client("sqs", endpoint_url=system.aws_url)


@pytest.fixture(scope="session")
def shop(system: RunningSystem, elasticsearch: Elasticsearch) -> ShopClient:
    """What a shop does with the system."""
    return ShopClient(system, aws.session().client("s3", endpoint_url=system.aws_url), elasticsearch)


@pytest.fixture(scope="session")
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Waits until something holds; fails if it never does."""

    def wait(holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT_S
        while not holds():
            assert time.monotonic() < deadline, f"this did not come to hold within {WAIT_S} s"
            time.sleep(0.2)

    return wait
