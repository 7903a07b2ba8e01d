"""Messages through SQS: split to the sizes that it takes, and nothing silently left out."""

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from botocore.config import Config
from lookalike.adapters.sqs.messages import decode
from lookalike.adapters.sqs.queues import MAX_BATCH_BYTES, SqsQueues
from lookalike.backfill.messages import ReadSlice
from lookalike.domain import Product
from lookalike.errors import Misconfigured, TransientError
from lookalike.indexing.messages import MAX_ITEMS, DeleteProducts, Message, PutProducts

from infra.local.aws import session

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

DELETE_HAT = DeleteProducts(("hat",))


@pytest.fixture
def queue_url(sqs: "SQSClient") -> str:
    return sqs.create_queue(QueueName=f"test-{uuid4().hex[:12]}")["QueueUrl"]


@pytest.fixture
def queues(sqs: "SQSClient", queue_url: str) -> SqsQueues:
    return SqsQueues(sqs, queue_url, queue_url)


def _product(number: int, size: int) -> Product:
    return Product(f"p-{number}", (f"http://a/{number}",), {"text": "x" * size})


def _bodies(sqs: "SQSClient", url: str) -> list[str]:
    bodies: list[str] = []
    while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=600).get("Messages"):
        bodies += [message["Body"] for message in batch]
    return bodies


def _put_ids(messages: list[Message]) -> list[str]:
    return sorted(product.product_id for message in messages if isinstance(message, PutProducts) for product in message.items)


def test_a_message_too_large_for_sqs_is_split_and_loses_nothing(sqs: "SQSClient", queue_url: str, queues: SqsQueues) -> None:
    put = PutProducts(tuple(_product(n, 10_000) for n in range(MAX_ITEMS)), backfill_id="b", run=2, attempt=1)
    delete = DeleteProducts(("gone",), backfill_id="b", run=2, attempt=1)

    assert list(queues.send([put, delete])) == []

    bodies = _bodies(sqs, queue_url)
    received = [message for body in bodies for message in decode(body)]
    assert max(map(len, bodies)) <= MAX_BATCH_BYTES
    assert _put_ids(received) == _put_ids([put])
    assert [message for message in received if isinstance(message, DeleteProducts)] == [delete]
    assert {(message.backfill_id, message.run, message.attempt) for message in received} == {("b", 2, 1)}


def test_messages_that_are_too_large_together_are_sent_in_several_calls(sqs: "SQSClient", queue_url: str, queues: SqsQueues) -> None:
    queues.send(PutProducts((_product(number, 100_000),)) for number in range(7))

    assert len(_bodies(sqs, queue_url)) == 7


def test_letters_outside_ascii_count_by_the_bytes_that_they_take(sqs: "SQSClient", queue_url: str, queues: SqsQueues) -> None:
    products = tuple(Product(f"p-{number}", (), {"text": "ü" * 2000}) for number in range(MAX_ITEMS))

    queues.send([PutProducts(products)])

    bodies = _bodies(sqs, queue_url)
    assert max(len(body.encode()) for body in bodies) <= MAX_BATCH_BYTES
    assert len(_put_ids([message for body in bodies for message in decode(body)])) == MAX_ITEMS


def test_a_delay_is_the_queues_and_not_the_senders(sqs: "SQSClient", queue_url: str, queues: SqsQueues) -> None:
    queues.send([DELETE_HAT], delay_s=900)

    asked = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["ApproximateNumberOfMessagesDelayed"])
    assert asked["Attributes"]["ApproximateNumberOfMessagesDelayed"] == "1"


def test_a_queue_that_does_not_exist_is_misconfigured(sqs: "SQSClient", queue_url: str) -> None:
    queues = SqsQueues(sqs, f"{queue_url}-gone", f"{queue_url}-gone")

    with pytest.raises(Misconfigured, match="gone"):
        queues.send([DELETE_HAT])
    with pytest.raises(Misconfigured):
        queues.send_backfill([ReadSlice("b", 0)])


def test_a_message_that_sqs_does_not_take_is_an_error(queues: SqsQueues) -> None:
    with pytest.raises(TransientError):
        queues.send([DELETE_HAT], delay_s=901)


def test_an_sqs_that_cannot_be_reached_is_a_transient_error() -> None:
    nobody = session().client("sqs", endpoint_url="http://127.0.0.1:9", config=Config(retries={"total_max_attempts": 1}))
    queues = SqsQueues(nobody, "http://127.0.0.1:9/queue", "http://127.0.0.1:9/queue")

    with pytest.raises(TransientError):
        queues.send_backfill([ReadSlice("b", 0)])
