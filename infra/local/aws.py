"""S3, SQS and Secrets Manager on this machine: moto's server as a child process, with the resources that template.yaml declares.

Its data are in memory and lost when it ends. `TRIGGERS` are the template's event sources, which are polled (`infra.local.event_source`).
"""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import boto3
import moto.server

from infra.local import moto_fixes
from infra.local.child_process import ChildProcess
from infra.local.loopback import answers, free_port

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

READY_WITHIN_S = 60
REGION: Final = "eu-central-1"
ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Queue:
    """A queue and its dead-letter queue."""

    url: str
    arn: str
    dead_letter_url: str


@dataclass(frozen=True)
class Resources:
    """The resources that the functions know by their environment."""

    bucket: str
    uploads: Queue
    backfill: Queue
    products: Queue
    secret_arn: str | None


@dataclass(frozen=True)
class Trigger:
    """Which function is invoked by which queue (its name in `Resources`): by at most ``batch_size`` messages, which are collected for
    ``window_s`` seconds, and ``concurrency`` times at once.
    """

    function: str
    queue: str
    batch_size: int
    window_s: float
    concurrency: int = 1


TRIGGERS = (
    Trigger("lookalike-on-upload", "uploads", batch_size=100, window_s=1),
    Trigger("lookalike-backfill", "backfill", batch_size=1, window_s=0),
    Trigger("lookalike-index-products", "products", batch_size=4, window_s=1),
)


class AwsServer:
    """The server; it ends with the process that started it.

    Args:
        log: file to which its log is appended.
        port: 0 for any that is free.
    """

    def __init__(self, log: Path, *, port: int = 0) -> None:
        self._log = log
        self._port = port

    @property
    def url(self) -> str:
        """The endpoint of all services, once it was started."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that boto3 and the AWS CLI need for it."""
        return client_environment(self.url)

    def __enter__(self) -> Self:
        self._port = free_port(self._port)
        command = [sys.executable, "-m", "infra.local.aws", str(self._port)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self._process = ChildProcess(command, log=self._log, environment=environment, grace_s=5)
        self._process.wait_until(lambda: answers(f"{self.url}/moto-api/"), READY_WITHIN_S, "moto's server")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()


def client_environment(url: str) -> dict[str, str]:
    """The environment variables that boto3 and the AWS CLI need for a server at this URL."""
    return {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}


def session() -> boto3.Session:
    """A boto3 session with credentials that the local services accept, independent of the environment; give clients an ``endpoint_url``."""
    return boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)  # noqa: S106 - any will do


def create_resources(
    aws_url: str,
    *,
    name: str = "lookalike",
    visibility_timeout_s: int = 30,
    max_receive_count: int = 5,
    secret: Mapping[str, str] | None = None,
) -> Resources:
    """Creates bucket, queues with dead-letter queues, notification and secret.

    Args:
        aws_url: endpoint of S3, SQS and Secrets Manager.
        name: the first part of every resource's name.
        visibility_timeout_s: seconds after which a failed message is redelivered.
        max_receive_count: how often a message may be received before it is moved to the dead-letter queue.
        secret: credentials for Elasticsearch; None creates no secret.
    """
    sqs, s3 = session().client("sqs", endpoint_url=aws_url), session().client("s3", endpoint_url=aws_url)
    names = (f"{name}-{queue}" for queue in ("uploads", "backfill", "products"))
    uploads, backfill, products = (_create_queue(sqs, queue, visibility_timeout_s, max_receive_count) for queue in names)
    bucket, secret_arn = f"{name}-images", None
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    events = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:LifecycleExpiration:*"]
    images = {"Key": {"FilterRules": [{"Name": "prefix", "Value": "images/"}]}}
    configuration: Any = {"QueueConfigurations": [{"QueueArn": uploads.arn, "Events": events, "Filter": images}]}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)
    if secret is not None:
        secrets = session().client("secretsmanager", endpoint_url=aws_url)
        secret_arn = secrets.create_secret(Name=f"{name}-elasticsearch", SecretString=json.dumps(dict(secret)))["ARN"]
    return Resources(bucket, uploads, backfill, products, secret_arn)


def _create_queue(sqs: "SQSClient", name: str, visibility_timeout_s: int, max_receive_count: int) -> Queue:
    dead_letter_url = sqs.create_queue(QueueName=f"{name}-dlq")["QueueUrl"]
    redrive_policy = {"deadLetterTargetArn": _arn(sqs, dead_letter_url), "maxReceiveCount": max_receive_count}
    attributes = {"VisibilityTimeout": str(visibility_timeout_s), "RedrivePolicy": json.dumps(redrive_policy)}
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]  # type: ignore[arg-type]
    return Queue(url, _arn(sqs, url), dead_letter_url)


def _arn(sqs: "SQSClient", queue_url: str) -> str:
    return sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


if __name__ == "__main__":
    moto_fixes.apply()
    moto.server.main(["--port", sys.argv[1]])
