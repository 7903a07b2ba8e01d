"""Servers that all tests of a session share; each is started by the first test that asks for it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.elasticsearch.server import ElasticsearchServer
from infra.local.aws import AwsServer


@pytest.fixture(scope="session")
def elasticsearch_url() -> Iterator[str]:
    """A real Elasticsearch: the one at ES_URL, or one started for this session. A test takes index names of its own."""
    if os.environ.get("ES_URL"):
        yield os.environ["ES_URL"]
        return
    # Not below pytest's own folder: when root runs the tests, the server runs as another user, who may not enter it.
    folder = Path(tempfile.mkdtemp(prefix="lookalike-elasticsearch-"))
    try:
        with ElasticsearchServer(folder) as server:
            yield server.url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsServer]:
    """S3, SQS and Secrets Manager: `aws.url` is their endpoint, `aws.environment` what boto3 needs. A test takes names of its own."""
    with AwsServer(tmp_path_factory.mktemp("aws") / "moto.log") as server:
        yield server
