"""The dead letters of one backfill: found among those of others and of the shop, and left where they are."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from lookalike.adapters.sqs import backfill_messages, messages
from lookalike.adapters.sqs.queues import SqsQueues
from lookalike.backfill.messages import ContinueRetry, ReadSlice
from lookalike.domain import Product
from lookalike.indexing.messages import DeleteProducts, PutProducts

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True)
class RedriveQueue:
    """A queue and its dead-letter queue, by their URLs."""

    url: str
    dead_letter_url: str


@pytest.fixture
def products(sqs: "SQSClient") -> RedriveQueue:
    return _queue(sqs)


@pytest.fixture
def backfill(sqs: "SQSClient") -> RedriveQueue:
    return _queue(sqs)


@pytest.fixture
def queues(sqs: "SQSClient", products: RedriveQueue, backfill: RedriveQueue) -> SqsQueues:
    return SqsQueues(sqs, products.url, backfill.url)


def _queue(sqs: "SQSClient") -> RedriveQueue:
    name = f"test-{uuid4().hex[:12]}"
    dead_letter_url = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead_letter_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
    return RedriveQueue(sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": policy})["QueueUrl"], dead_letter_url)


def _send(sqs: "SQSClient", url: str, *bodies: str) -> None:
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=body)


def _received(sqs: "SQSClient", url: str) -> list[str]:
    bodies: list[str] = []
    while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=600, WaitTimeSeconds=2).get("Messages"):
        bodies += [message["Body"] for message in batch]
    return sorted(bodies)


def _put(backfill_id: str | None, number: int = 0) -> str:
    return messages.encode(PutProducts((Product(f"p-{number}", ()),), backfill_id=backfill_id, run=1))


def test_where_there_are_no_dead_letters_there_are_none_of_a_backfill(queues: SqsQueues) -> None:
    assert queues.dead_letters("b") == {"products": 0, "backfill": 0}


def test_only_the_dead_letters_of_the_backfill_are_counted(
    sqs: "SQSClient", products: RedriveQueue, backfill: RedriveQueue, queues: SqsQueues
) -> None:
    _send(sqs, products.dead_letter_url, *(_put("b", number) for number in range(12)), *(_put("other", number) for number in range(3)))
    _send(sqs, products.dead_letter_url, _put(None), messages.encode(DeleteProducts(("hat",))))
    for message in (ReadSlice("b", 1), ContinueRetry("b", 1), ReadSlice("other", 1)):
        _send(sqs, backfill.dead_letter_url, backfill_messages.encode(message))
    _send(sqs, products.url, _put("b"))

    assert queues.dead_letters("b") == {"products": 12, "backfill": 2}


def test_a_shops_message_that_is_not_json_or_not_an_object_is_not_counted(
    sqs: "SQSClient", products: RedriveQueue, queues: SqsQueues
) -> None:
    _send(sqs, products.dead_letter_url, "poison", '"b"', "[]", "null", '{"backfill_id": ["b"]}', _put("b"))

    assert queues.dead_letters("b") == {"products": 1, "backfill": 0}


def test_dead_letters_stay_in_their_queue_and_are_counted_again_at_once(
    sqs: "SQSClient", products: RedriveQueue, queues: SqsQueues
) -> None:
    sent = [*(_put("b", number) for number in range(11)), "poison"]
    _send(sqs, products.dead_letter_url, *sent)

    assert [queues.dead_letters("b")["products"] for _ in range(2)] == [11, 11]
    assert _received(sqs, products.dead_letter_url) == sorted(sent)


def test_a_queue_without_a_dead_letter_queue_has_none(sqs: "SQSClient") -> None:
    url = sqs.create_queue(QueueName=f"test-{uuid4().hex[:12]}")["QueueUrl"]

    assert SqsQueues(sqs, url, url).dead_letters("b") == {"products": 0, "backfill": 0}
