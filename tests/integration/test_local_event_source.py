import json
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest

from infra.local import invocation
from infra.local.aws import AwsServer, Queue, Resources, Trigger, create_resources, session
from infra.local.event_source import EventSource
from infra.local.functions import Function, FunctionDefinition
from infra.local.lambda_api import LambdaApi
from tests.integration.processes import wait_for


class OutcomeStore:
    """What the ledger function wrote down."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def lines(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in self._file.read_text().splitlines()] if self._file.exists() else []

    def bodies(self) -> list[str]:
        return [line["body"] for line in self.lines()]


@pytest.fixture
def made(aws: AwsServer) -> Resources:
    return create_resources(aws.url, name=f"test-{uuid.uuid4().hex[:8]}", visibility_timeout_s=2, max_receive_count=3)


@pytest.fixture
def outcomes(tmp_path: Path) -> OutcomeStore:
    return OutcomeStore(tmp_path / "ledger.jsonl")


@pytest.fixture
def lambda_url(tmp_path: Path) -> Iterator[str]:
    definition = FunctionDefinition("ledger", "tests.integration.echo_functions.ledger", timeout_s=20)
    function = Function(definition, {"LOOKALIKE_TEST_LEDGER": str(tmp_path / "ledger.jsonl")}, tmp_path / "ledger.log")
    with LambdaApi({"ledger": function}) as api:
        yield api.url
    function.stop()


def trigger(function: str, batch_size: int = 10, window_s: float = 0, concurrency: int = 1) -> Trigger:
    return Trigger(function, "any", batch_size=batch_size, window_s=window_s, concurrency=concurrency)


def source(url: str, lambda_url: str, queue: Queue, **options: Any) -> EventSource:
    invoke = invocation.through(invocation.client(lambda_url))
    return EventSource(session().client("sqs", endpoint_url=url), invoke, trigger("ledger", **options), queue)


def send(url: str, queue: Queue, *bodies: str) -> None:
    sqs = session().client("sqs", endpoint_url=url)
    for body in bodies:
        sqs.send_message(QueueUrl=queue.url, MessageBody=body)


def remaining(url: str, queue_url: str) -> int:
    names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = session().client("sqs", endpoint_url=url).get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)["Attributes"]
    return sum(int(count) for count in counts.values())


def test_a_picture_put_or_deleted_in_the_bucket_reaches_the_function(
    aws: AwsServer, made: Resources, lambda_url: str, outcomes: OutcomeStore
) -> None:
    s3 = session().client("s3", endpoint_url=aws.url)
    with source(aws.url, lambda_url, made.uploads):
        s3.put_object(Bucket=made.bucket, Key="images/42/front side.jpg", Body=b"picture")
        s3.put_object(Bucket=made.bucket, Key="elsewhere/42.jpg", Body=b"picture")
        s3.delete_object(Bucket=made.bucket, Key="images/42/front side.jpg")
        wait_for(lambda: len(_s3_records(outcomes)) == 2 and remaining(aws.url, made.uploads.url) == 0)
    seen = [(record["eventName"], unquote_plus(record["s3"]["object"]["key"])) for record in _s3_records(outcomes)]
    assert sorted(seen) == [("ObjectCreated:Put", "images/42/front side.jpg"), ("ObjectRemoved:Delete", "images/42/front side.jpg")]
    assert {record["s3"]["bucket"]["name"] for record in _s3_records(outcomes)} == {made.bucket}


def test_of_a_batch_only_the_failed_message_comes_back_and_ends_in_the_dead_letter_queue(
    aws: AwsServer, made: Resources, lambda_url: str, outcomes: OutcomeStore
) -> None:
    send(aws.url, made.products, "good", "fail", "fine")
    with source(aws.url, lambda_url, made.products):
        wait_for(lambda: remaining(aws.url, made.products.dead_letter_url) == 1)
    assert sorted(outcomes.bodies()) == ["fail", "fail", "fail", "fine", "good"]
    assert [line["tries"] for line in outcomes.lines() if line["body"] == "fail"] == ["1", "2", "3"]
    assert remaining(aws.url, made.products.url) == 0


def test_a_function_that_crashes_leaves_the_whole_batch_in_the_queue(
    aws: AwsServer, made: Resources, lambda_url: str, outcomes: OutcomeStore
) -> None:
    send(aws.url, made.products, "good", "crash")
    with source(aws.url, lambda_url, made.products):
        wait_for(lambda: remaining(aws.url, made.products.dead_letter_url) == 2)
    assert outcomes.bodies().count("crash") == 3


def test_a_batch_is_as_large_as_asked_for(aws: AwsServer, made: Resources) -> None:
    batches: list[int] = []

    def invoke(name: str, event: Any) -> None:
        batches.append(len(event["Records"]))

    send(aws.url, made.products, *(str(number) for number in range(25)))
    sqs = session().client("sqs", endpoint_url=aws.url)
    with EventSource(sqs, invoke, trigger("any", window_s=0.2), made.products):
        wait_for(lambda: sum(batches) == 25)
    assert batches == [10, 10, 5]


def test_a_source_outlives_the_absence_of_its_function(aws: AwsServer, made: Resources) -> None:
    calls: list[str] = []

    def invoke(name: str, event: Any) -> None:
        calls.append(event["Records"][0]["body"])
        if len(calls) == 1:
            raise ConnectionError("nobody there")

    send(aws.url, made.backfill, "slice")
    sqs = session().client("sqs", endpoint_url=aws.url)
    with EventSource(sqs, invoke, trigger("any", batch_size=1), made.backfill):
        wait_for(lambda: calls == ["slice", "slice"] and remaining(aws.url, made.backfill.url) == 0)


def test_no_message_is_lost_while_others_are_deleted(aws: AwsServer, made: Resources) -> None:
    seen: set[str] = set()

    def invoke(name: str, event: Any) -> None:
        seen.update(record["body"] for record in event["Records"])

    def post(first: int) -> None:
        send(aws.url, made.products, *(str(number) for number in range(first, first + 100)))

    sqs = session().client("sqs", endpoint_url=aws.url)
    with EventSource(sqs, invoke, trigger("any", concurrency=3), made.products):
        senders = [threading.Thread(target=post, args=(first,)) for first in (0, 100, 200)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        wait_for(lambda: len(seen) == 300 and remaining(aws.url, made.products.url) == 0)


def test_the_secret_can_be_read_by_its_arn(aws: AwsServer) -> None:
    made = create_resources(aws.url, name=f"test-{uuid.uuid4().hex[:8]}", secret={"username": "lookalike", "password": "opensesame"})
    assert made.secret_arn
    secrets = session().client("secretsmanager", endpoint_url=aws.url)
    assert json.loads(secrets.get_secret_value(SecretId=made.secret_arn)["SecretString"])["password"] == "opensesame"


def _s3_records(outcomes: OutcomeStore) -> list[Any]:
    return [record for body in outcomes.bodies() for record in json.loads(body).get("Records", [])]
