"""What every sender to the two queues promises: a message is sent whole, once, and not to be received before its time."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from lookalike.adapters.sqs import backfill_messages, messages
from lookalike.adapters.sqs.queues import SqsQueues
from lookalike.backfill.messages import BackfillMessage, ContinuePrune, ContinueRetry, MergeWhenFinished, ReadSlice, Sender
from lookalike.domain import Product
from lookalike.indexing.messages import CopyPictures, DeleteProducts, Message, PutProducts, SyncObjects

from tests.fakes import FakeQueues

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True)
class QueuesUnderTest:
    """A sender, and what its queues hold: products' messages that can be received now, how many only later, and the backfill's."""

    sender: Sender
    products: Callable[[], list[Message]]
    delayed: Callable[[], int]
    backfill: Callable[[], list[BackfillMessage | None]]


@pytest.fixture(params=["fake", "sqs"])
def under_test(request: pytest.FixtureRequest) -> Iterator[QueuesUnderTest]:
    if request.param == "fake":
        fake = FakeQueues()
        yield QueuesUnderTest(
            fake,
            lambda: [message for message, delay_s in fake.products if not delay_s],
            lambda: sum(delay_s > 0 for _, delay_s in fake.products),
            lambda: [*(ReadSlice(*each) for each in fake.slices), *fake.continuations],
        )
        return
    client: SQSClient = request.getfixturevalue("sqs")
    products, backfill = (client.create_queue(QueueName=f"test-{uuid4().hex[:12]}")["QueueUrl"] for _ in range(2))
    yield QueuesUnderTest(
        SqsQueues(client, products, backfill),
        lambda: [message for body in _received(client, products) for message in messages.decode(body)],
        lambda: _delayed(client, products),
        lambda: [backfill_messages.decode(json.loads(body)) for body in _received(client, backfill)],
    )


def test_every_message_is_sent_whole(under_test: QueuesUnderTest) -> None:
    sent: list[Message] = [
        PutProducts((Product("hat", ("http://a/1", "s3://b/2"), {"price": 19.9, "ü": [{"a": None}]}), Product("mug", ()))),
        DeleteProducts(("lamp", "vase")),
        PutProducts((Product("cap", ("http://a/3",)),), backfill_id="b", run=3, attempt=2),
        SyncObjects(("s3://b/images/1.jpg",), backfill_id="b", run=1),
        CopyPictures(("0" * 32,), source_index="lookalike-1", into="lookalike-2", backfill_id="b", run=1),
    ]
    under_test.sender.send(sent)

    assert under_test.products() == sent


def test_many_messages_are_sent_each_once(under_test: QueuesUnderTest) -> None:
    sent = [PutProducts((Product(f"p-{number}", ()),)) for number in range(25)]

    under_test.sender.send(iter(sent))

    assert under_test.products() == sent


def test_a_product_that_no_message_can_carry_is_returned_and_stops_no_other(under_test: QueuesUnderTest) -> None:
    large = Product("large", ("http://a/1",), {"text": "x" * 300_000})
    sent: list[Message] = [
        PutProducts((Product("hat", ()), large, Product("mug", ()))),
        PutProducts((large,)),
        PutProducts((large,)),
        DeleteProducts(("gone",)),
        PutProducts((Product("cap", ()),)),
    ]

    assert list(under_test.sender.send(sent)) == [large, large, large]
    received = under_test.products()
    put = [product.product_id for message in received if isinstance(message, PutProducts) for product in message.items]
    assert put == ["hat", "mug", "cap"]
    assert [message.items for message in received if isinstance(message, DeleteProducts)] == [("gone",)]


def test_sending_nothing_is_no_error(under_test: QueuesUnderTest) -> None:
    assert list(under_test.sender.send([])) == []
    under_test.sender.send_backfill([])

    assert (under_test.products(), under_test.backfill()) == ([], [])


def test_a_delayed_message_is_not_received_before_its_time(under_test: QueuesUnderTest) -> None:
    under_test.sender.send([DeleteProducts(("hat",))], delay_s=900)

    assert (under_test.products(), under_test.delayed()) == ([], 1)


def test_the_backfills_own_messages_are_sent_whole_to_their_own_queue(under_test: QueuesUnderTest) -> None:
    sent: list[BackfillMessage] = [
        *(ReadSlice("b", number) for number in range(25)),
        ContinueRetry("b", 2, "picture_unusable", "p-9"),
        ContinueRetry("b", 2),
        ContinuePrune("b", 3, "p-9"),
        MergeWhenFinished("b", 3, "node:17"),
    ]
    under_test.sender.send_backfill(iter(sent))

    assert under_test.backfill() == sent
    assert under_test.products() == []


def test_messages_that_wait_are_counted(under_test: QueuesUnderTest) -> None:
    under_test.sender.send([DeleteProducts((f"p-{number}",)) for number in range(12)])

    assert under_test.sender.waiting() == 12


def _received(client: "SQSClient", url: str) -> list[str]:
    """The bodies of a queue's messages, in the order in which they were sent."""
    bodies: list[str] = []
    while batch := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        bodies += [message["Body"] for message in batch]
        client.delete_message_batch(
            QueueUrl=url, Entries=[{"Id": str(number), "ReceiptHandle": each["ReceiptHandle"]} for number, each in enumerate(batch)]
        )
    return bodies


def _delayed(client: "SQSClient", url: str) -> int:
    attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessagesDelayed"])["Attributes"]
    return int(attributes["ApproximateNumberOfMessagesDelayed"])
