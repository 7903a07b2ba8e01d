"""Clients of the real servers, and names that no other test uses."""

from collections.abc import Iterator
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from elasticsearch import Elasticsearch

from infra.local.aws import AwsServer, session
from tests.integration.samples import own_name

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient


@pytest.fixture(scope="session")
def elasticsearch(elasticsearch_url: str) -> Iterator[Elasticsearch]:
    """A client for the session's server."""
    with Elasticsearch(elasticsearch_url, request_timeout=60) as client:
        yield client


@pytest.fixture
def name(elasticsearch: Elasticsearch) -> Iterator[str]:
    """As `own_name` gives it."""
    with own_name(elasticsearch) as drawn:
        yield drawn


@pytest.fixture(scope="session")
def s3(aws: AwsServer) -> "S3Client":
    """A client for the session's server."""
    return session().client("s3", endpoint_url=aws.url)


@pytest.fixture(scope="session")
def sqs(aws: AwsServer) -> "SQSClient":
    """A client for the session's server."""
    return session().client("sqs", endpoint_url=aws.url)


@pytest.fixture
def bucket_name(s3: "S3Client") -> str:
    """Of a bucket of the test's own."""
    drawn = f"test-{uuid4().hex[:12]}"
    s3.create_bucket(Bucket=drawn, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return drawn
