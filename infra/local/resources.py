"""The AWS resources that template.yaml declares, made with boto3: bucket, queues with dead-letter queues, notification, secret.

`TRIGGERS` are its event sources, which are not made but polled (`infra.local.event_source`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.local import aws

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import QueueConfigurationTypeDef
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True)
class Queue:
    """A queue and the one that takes what failed too often."""

    url: str
    arn: str
    dead_letter_url: str


@dataclass(frozen=True)
class Resources:
    """What the functions are told about by their environment."""

    bucket: str
    uploads: Queue
    backfill: Queue
    products: Queue
    secret_arn: str | None


@dataclass(frozen=True)
class Trigger:
    """Which queue invokes which function.

    Args:
        queue: its name in `Resources`.
        batch_size: most messages of one invocation.
        window_s: how long they are collected.
    """

    function: str
    queue: str
    batch_size: int
    window_s: float


TRIGGERS = (
    Trigger("lookalike-on-upload", "uploads", batch_size=100, window_s=1),
    Trigger("lookalike-backfill", "backfill", batch_size=1, window_s=0),
    Trigger("lookalike-index-products", "products", batch_size=4, window_s=1),
)


def create(
    aws_url: str,
    *,
    name: str = "lookalike",
    visibility_timeout_s: int = 30,
    max_receive_count: int = 5,
    secret: Mapping[str, str] | None = None,
) -> Resources:
    """Creates them all.

    Args:
        aws_url: endpoint of S3, SQS and Secrets Manager.
        name: the first part of every resource's name.
        visibility_timeout_s: after how long a message that failed comes back.
        max_receive_count: how often a message is tried before it goes to the dead-letter queue.
        secret: credentials for Elasticsearch; None creates no secret.
    """
    session = aws.session()
    sqs = session.client("sqs", endpoint_url=aws_url)
    uploads, backfill, products = (
        _create_queue(sqs, f"{name}-{queue}", visibility_timeout_s, max_receive_count) for queue in ("uploads", "backfill", "products")
    )
    bucket = f"{name}-images"
    _create_bucket(session.client("s3", endpoint_url=aws_url), bucket, uploads)
    secret_arn = None
    if secret is not None:
        secrets = session.client("secretsmanager", endpoint_url=aws_url)
        secret_arn = secrets.create_secret(Name=f"{name}-elasticsearch", SecretString=json.dumps(dict(secret)))["ARN"]
    return Resources(bucket, uploads, backfill, products, secret_arn)


def _create_bucket(s3: "S3Client", name: str, uploads: Queue) -> None:
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": aws.REGION})
    notification: QueueConfigurationTypeDef = {
        "QueueArn": uploads.arn,
        "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:LifecycleExpiration:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "images/"}]}},
    }
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={"QueueConfigurations": [notification]})


def _create_queue(sqs: "SQSClient", name: str, visibility_timeout_s: int, max_receive_count: int) -> Queue:
    dead_letter_url = sqs.create_queue(QueueName=f"{name}-dlq")["QueueUrl"]
    redrive_policy = {"deadLetterTargetArn": _arn(sqs, dead_letter_url), "maxReceiveCount": max_receive_count}
    attributes = {"VisibilityTimeout": str(visibility_timeout_s), "RedrivePolicy": json.dumps(redrive_policy)}
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]  # type: ignore[arg-type]
    return Queue(url, _arn(sqs, url), dead_letter_url)


def _arn(sqs: "SQSClient", queue_url: str) -> str:
    return sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
