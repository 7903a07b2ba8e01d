"""Servers that all tests of a session share; each is started by the first test that asks for it."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from infra.local.aws import AwsServer
from infra.local.elasticsearch.server import ElasticsearchServer
from tests.server_folder import server_folder

pytest_plugins = ["tests.workers"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--system", choices=["processes", "sam"], default="processes", help="what the end-to-end tests run on")


def pytest_configure(config: pytest.Config) -> None:
    settings.register_profile("without_deadline", deadline=None)  # how fast an example is depends on what else the machine does
    settings.load_profile("without_deadline")
    config.addinivalue_line("markers", "processes: an end-to-end test of what `sam local` does differently from API Gateway, or has not")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--system") == "sam":
        left_out = [item for item in items if item.get_closest_marker("processes")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def elasticsearch_url() -> Iterator[str]:
    """A real Elasticsearch: the one at ES_URL, or one started for this session. A test takes index names of its own."""
    if os.environ.get("ES_URL"):
        yield os.environ["ES_URL"]
        return
    with server_folder("elasticsearch") as folder, ElasticsearchServer(folder) as server:
        yield server.url


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsServer]:
    """S3, SQS and Secrets Manager: `aws.url` is their endpoint, `aws.environment` what boto3 needs. A test takes names of its own."""
    with AwsServer(tmp_path_factory.mktemp("aws") / "moto.log") as server:
        yield server
