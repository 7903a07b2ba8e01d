"""Messages through SQS: cut to the sizes that it takes, and nothing silently left out."""

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from botocore.config import Config
from lookalike.adapters.sqs_outbox import MAX_BATCH_BYTES, SqsOutbox
from lookalike.domain import Product
from lookalike.errors import Misconfigured, Unavailable
from lookalike.products import PRODUCTS_A_MESSAGE, Message

from functions.index_products import messages
from infra.local.aws import session

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@pytest.fixture
def queue_url(sqs: "SQSClient") -> str:
    return sqs.create_queue(QueueName=f"test-{uuid4().hex[:12]}")["QueueUrl"]


@pytest.fixture
def outbox(sqs: "SQSClient", queue_url: str) -> SqsOutbox:
    return SqsOutbox(sqs, queue_url, queue_url)


def _product(number: int, size: int) -> Product:
    return Product(f"p-{number}", (f"http://a/{number}",), {"text": "x" * size})


def _bodies(sqs: "SQSClient", url: str) -> list[str]:
    bodies: list[str] = []
    while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=600).get("Messages"):
        bodies += [message["Body"] for message in batch]
    return bodies


def test_a_message_too_large_for_sqs_is_cut_and_loses_nothing(sqs: "SQSClient", queue_url: str, outbox: SqsOutbox) -> None:
    whole = Message(tuple(_product(n, 10_000) for n in range(PRODUCTS_A_MESSAGE)), ("gone",), backfill_id="b", run=2, attempt=1)

    outbox.post_products([whole])

    bodies = _bodies(sqs, queue_url)
    parts = [messages.read(body) for body in bodies]
    assert max(map(len, bodies)) <= MAX_BATCH_BYTES
    assert sorted(product.product_id for part in parts for product in part.put) == sorted(product.product_id for product in whole.put)
    assert [product_id for part in parts for product_id in part.delete] == ["gone"]
    assert {(part.backfill_id, part.run, part.attempt) for part in parts} == {("b", 2, 1)}


def test_messages_that_are_too_large_together_are_sent_in_several_calls(sqs: "SQSClient", queue_url: str, outbox: SqsOutbox) -> None:
    outbox.post_products(Message(put=(_product(number, 100_000),)) for number in range(7))

    assert len(_bodies(sqs, queue_url)) == 7


def test_letters_outside_ascii_count_by_the_bytes_that_they_take(sqs: "SQSClient", queue_url: str, outbox: SqsOutbox) -> None:
    products = tuple(Product(f"p-{number}", (), {"text": "ü" * 2000}) for number in range(PRODUCTS_A_MESSAGE))

    outbox.post_products([Message(put=products)])

    bodies = _bodies(sqs, queue_url)
    assert max(len(body.encode()) for body in bodies) <= MAX_BATCH_BYTES
    assert sum(len(messages.read(body).put) for body in bodies) == PRODUCTS_A_MESSAGE


def test_a_delay_is_the_queues_and_not_the_senders(sqs: "SQSClient", queue_url: str, outbox: SqsOutbox) -> None:
    outbox.post_products([Message(delete=("hat",))], delay_s=900)

    asked = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["ApproximateNumberOfMessagesDelayed"])
    assert asked["Attributes"]["ApproximateNumberOfMessagesDelayed"] == "1"


def test_a_queue_that_does_not_exist_is_our_fault(sqs: "SQSClient", queue_url: str) -> None:
    outbox = SqsOutbox(sqs, f"{queue_url}-gone", f"{queue_url}-gone")

    with pytest.raises(Misconfigured, match="gone"):
        outbox.post_products([Message(delete=("hat",))])
    with pytest.raises(Misconfigured):
        outbox.post_slices("b", [0])


def test_a_message_that_sqs_does_not_take_is_an_error(outbox: SqsOutbox) -> None:
    with pytest.raises(Unavailable):
        outbox.post_products([Message(delete=("hat",))], delay_s=901)


def test_an_sqs_that_is_not_there_passes() -> None:
    nobody = session().client("sqs", endpoint_url="http://127.0.0.1:9", config=Config(retries={"total_max_attempts": 1}))
    outbox = SqsOutbox(nobody, "http://127.0.0.1:9/queue", "http://127.0.0.1:9/queue")

    with pytest.raises(Unavailable):
        outbox.post_slices("b", [0])
