"""What every outbox promises: a message is posted whole, once, not before its time."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from lookalike.adapters.sqs_outbox import SqsOutbox
from lookalike.domain import Product
from lookalike.products import Message, Outbox

from functions.index_products import messages
from tests.fakes import FakeOutbox

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True)
class Bench:
    """An outbox and what came out of it: products' messages that may be had now, how many may later, and slices."""

    outbox: Outbox
    products: Callable[[], list[Message]]
    delayed: Callable[[], int]
    slices: Callable[[], list[tuple[str, int]]]


@pytest.fixture(params=["fake", "sqs"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    if request.param == "fake":
        fake = FakeOutbox()
        yield Bench(
            fake,
            lambda: [message for message, delay_s in fake.products if not delay_s],
            lambda: sum(delay_s > 0 for _, delay_s in fake.products),
            lambda: fake.slices,
        )
        return
    client: SQSClient = request.getfixturevalue("sqs")
    products, slices = (client.create_queue(QueueName=f"test-{uuid4().hex[:12]}")["QueueUrl"] for _ in range(2))
    yield Bench(
        SqsOutbox(client, products, slices),
        lambda: [messages.read(body) for body in _received(client, products)],
        lambda: _delayed(client, products),
        lambda: [(body["backfill_id"], body["slice"]) for body in map(json.loads, _received(client, slices))],
    )


def test_every_message_is_posted_whole(bench: Bench) -> None:
    posted = [
        Message(put=(Product("hat", ("http://a/1", "s3://b/2"), {"price": 19.9, "ü": [{"a": None}]}), Product("mug", ()))),
        Message(delete=("lamp", "vase")),
        Message(put=(Product("cap", ("http://a/3",)),), backfill_id="b", run=3, attempt=2),
        Message(mirror=("s3://b/images/1.jpg",), backfill_id="b", run=1),
        Message(copy=("0" * 32,), copy_from="lookalike-1", into="lookalike-2", backfill_id="b", run=1),
    ]
    bench.outbox.post_products(posted)

    assert bench.products() == posted


def test_many_messages_are_posted_each_once(bench: Bench) -> None:
    bench.outbox.post_products(Message(put=(Product(f"p-{number}", ()),)) for number in range(25))

    assert [message.put[0].product_id for message in bench.products()] == [f"p-{number}" for number in range(25)]


def test_a_product_that_no_message_can_carry_is_handed_back_and_stops_no_other(bench: Bench) -> None:
    large = Product("large", ("http://a/1",), {"text": "x" * 300_000})
    posted = [
        Message(put=(Product("hat", ()), large, Product("mug", ()))),
        Message(put=(large,)),
        Message(put=(large,), delete=("gone",)),
        Message(put=(Product("cap", ()),)),
    ]

    assert list(bench.outbox.post_products(posted)) == [large, large, large]
    received = bench.products()
    assert [product.product_id for message in received for product in message.put] == ["hat", "mug", "cap"]
    assert [product_id for message in received for product_id in message.delete] == ["gone"]


def test_no_messages_are_no_post(bench: Bench) -> None:
    bench.outbox.post_products([])

    assert bench.products() == []


def test_a_delayed_message_is_not_to_be_had_before_its_time(bench: Bench) -> None:
    bench.outbox.post_products([Message(delete=("hat",))], delay_s=900)

    assert (bench.products(), bench.delayed()) == ([], 1)


def test_slices_are_posted_by_their_number(bench: Bench) -> None:
    bench.outbox.post_slices("b", range(25))
    bench.outbox.post_slices("b", [])

    assert bench.slices() == [("b", number) for number in range(25)]
    assert bench.products() == []


def _received(client: "SQSClient", url: str) -> list[str]:
    """The bodies of a queue's messages, in the order in which they were posted."""
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
