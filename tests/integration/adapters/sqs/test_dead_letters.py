"""Dead letters: drained from their queues once they are recorded, with reason, first time and backfill, and sent again."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from lookalike.adapters.sqs import backfill_messages, messages
from lookalike.adapters.sqs.dead_letters import UNKNOWN_REASON, SqsDeadLetters
from lookalike.adapters.sqs.redelivery import SqsRedelivery
from lookalike.backfill.dead_letters import DeadLetter
from lookalike.backfill.messages import ReadSlice
from lookalike.domain import Product
from lookalike.errors import IndexUnavailable, Misconfigured
from lookalike.indexing.messages import DeleteProducts, PutProducts
from lookalike.redelivery import ReceivedMessage

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

FIRST_SENT_MS = 1_764_000_000_000


@dataclass(frozen=True)
class RedriveQueue:
    """A queue and its dead-letter queue, by their URLs."""

    url: str
    dead_letter_url: str


class Queues:
    """The three queues, what drains their dead letters, and what was recorded."""

    def __init__(self, sqs: "SQSClient") -> None:
        self.sqs = sqs
        self.uploads, self.products, self.backfill = (_queue(sqs) for _ in range(3))
        urls = {"uploads": self.uploads.url, "products": self.products.url, "backfill": self.backfill.url}
        self.dead_letters = SqsDeadLetters(sqs, urls)  # type: ignore[arg-type]
        self.recorded: list[DeadLetter] = []

    def drain(self) -> list[DeadLetter]:
        self.dead_letters.drain(self.recorded.extend, time.monotonic() + 60)
        return self.recorded


@pytest.fixture
def queues(sqs: "SQSClient") -> Queues:
    return Queues(sqs)


def _queue(sqs: "SQSClient") -> RedriveQueue:
    name = f"test-{uuid4().hex[:12]}"
    dead_letter_url = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    policy = json.dumps({"deadLetterTargetArn": _arn(sqs, dead_letter_url), "maxReceiveCount": 5})
    return RedriveQueue(sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": policy})["QueueUrl"], dead_letter_url)


def _arn(sqs: "SQSClient", url: str) -> str:
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def _received(sqs: "SQSClient", url: str) -> list[str]:
    bodies: list[str] = []
    while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=600).get("Messages"):
        bodies += [message["Body"] for message in batch]
    return sorted(bodies)


def _put(backfill_id: str | None, number: int = 0) -> str:
    return messages.encode(PutProducts((Product(f"p-{number}", ("http://a/1",)),), backfill_id=backfill_id, run=1))


def _failed(queues: Queues, body: str, *, receives: int = 5, is_poison: bool = False, reason: str = "index_away: gone") -> ReceivedMessage:
    """A message that was received from the products queue and failed."""
    queues.sqs.send_message(QueueUrl=queues.products.url, MessageBody=body)
    [received] = queues.sqs.receive_message(QueueUrl=queues.products.url, VisibilityTimeout=600)["Messages"]
    arn = _arn(queues.sqs, queues.products.url)
    return ReceivedMessage(arn, received["MessageId"], received["ReceiptHandle"], receives, body, FIRST_SENT_MS, reason, is_poison)


def test_empty_dead_letter_queues_give_nothing(queues: Queues) -> None:
    assert queues.drain() == []


def test_each_dead_letter_is_recorded_with_its_queue_and_backfill_and_deleted(queues: Queues) -> None:
    bodies = [*(_put("b", number) for number in range(12)), _put(None), "poison", "[]", '{"backfill_id": ["b"]}']
    for body in bodies:
        queues.sqs.send_message(QueueUrl=queues.products.dead_letter_url, MessageBody=body)
    queues.sqs.send_message(QueueUrl=queues.backfill.dead_letter_url, MessageBody=backfill_messages.encode(ReadSlice("b", 1)))
    queues.sqs.send_message(QueueUrl=queues.uploads.dead_letter_url, MessageBody="{}")

    recorded = queues.drain()

    assert sorted(each.body for each in recorded if each.queue == "products") == sorted(bodies)
    assert sorted((each.queue, each.backfill_id) for each in recorded if each.queue != "products") == [("backfill", "b"), ("uploads", None)]
    assert sum(each.backfill_id == "b" for each in recorded if each.queue == "products") == 12
    assert [each.reason for each in recorded if each.body == "poison"] == [
        "request_invalid: this is not JSON: Expecting value: line 1 column 1 (char 0)"
    ]
    assert _received(queues.sqs, queues.products.dead_letter_url) == []


def test_what_could_not_be_recorded_stays_in_its_queue(queues: Queues) -> None:
    queues.sqs.send_message(QueueUrl=queues.products.dead_letter_url, MessageBody=_put("b"))

    def refuse(letters: Sequence[DeadLetter]) -> None:
        raise IndexUnavailable("gone")

    with pytest.raises(IndexUnavailable):
        queues.dead_letters.drain(refuse, time.monotonic() + 60)
    held = queues.sqs.get_queue_attributes(
        QueueUrl=queues.products.dead_letter_url, AttributeNames=["ApproximateNumberOfMessagesNotVisible"]
    )
    assert held["Attributes"]["ApproximateNumberOfMessagesNotVisible"] == "1"


def test_a_message_received_as_often_as_allowed_goes_to_the_dead_letters_with_its_reason_and_first_time(queues: Queues) -> None:
    message = _failed(queues, _put("b"), reason="index_away: the \x00 odd reason")

    assert SqsRedelivery(queues.sqs, 10).redeliver([message]) == {message.message_id}

    [letter] = queues.drain()
    assert (letter.reason, letter.sent_ms, letter.backfill_id) == ("index_away: the \x00 odd reason", FIRST_SENT_MS, "b")


def test_a_hopeless_message_goes_there_at_once_and_one_that_may_succeed_comes_back(queues: Queues) -> None:
    poison, other = _failed(queues, "{", receives=1, is_poison=True), _failed(queues, _put(None), receives=4)

    assert SqsRedelivery(queues.sqs, 0).redeliver([poison, other]) == {poison.message_id}
    assert _received(queues.sqs, queues.products.url) == [other.body]


def test_a_dead_letter_that_has_no_room_for_its_reason_keeps_no_other_from_coming_back(queues: Queues) -> None:
    queues.sqs.set_queue_attributes(QueueUrl=queues.products.dead_letter_url, Attributes={"MaximumMessageSize": "1024"})
    full, other = _failed(queues, "{" * 1025, receives=1, is_poison=True), _failed(queues, _put(None), receives=1)

    assert SqsRedelivery(queues.sqs, 0).redeliver([full, other]) == set()
    assert _received(queues.sqs, queues.products.url) == [other.body]


def test_a_shop_s_own_attributes_of_a_message_are_no_reason_and_no_time(queues: Queues) -> None:
    """SQS keeps them when its redrive policy makes the message a dead letter."""
    text: Any = {"DataType": "String", "StringValue": "nightly"}
    queues.sqs.send_message(
        QueueUrl=queues.products.dead_letter_url, MessageBody=_put("b"), MessageAttributes={"reason": text, "sent_ms": text}
    )

    [letter] = queues.drain()

    assert letter.reason == UNKNOWN_REASON


def test_a_command_that_the_scheduler_could_not_post_has_its_reason(queues: Queues) -> None:
    told: Any = {
        name: {"DataType": "String", "StringValue": value} for name, value in {"ERROR_CODE": "AccessDenied", "ERROR_MESSAGE": "no"}.items()
    }
    for url in (queues.backfill.dead_letter_url, queues.products.dead_letter_url):
        queues.sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"action": "start"}), MessageAttributes=told)

    reasons = {letter.queue: letter.reason for letter in queues.drain()}

    assert reasons["backfill"] == "AccessDenied: no"
    assert "AccessDenied" not in reasons["products"]  # the shop's own


@pytest.mark.parametrize("backfill_id", ["b" * 40_000, "", "\ud800", 7])
def test_a_backfill_that_could_not_be_recorded_is_none(queues: Queues, backfill_id: object) -> None:
    queues.sqs.send_message(QueueUrl=queues.products.dead_letter_url, MessageBody=json.dumps({"backfill_id": backfill_id}))

    assert [letter.backfill_id for letter in queues.drain()] == [None]


def test_a_queue_without_dead_letters_keeps_its_messages(queues: Queues) -> None:
    url = queues.sqs.create_queue(QueueName=f"test-{uuid4().hex[:12]}")["QueueUrl"]
    message = ReceivedMessage(_arn(queues.sqs, url), "m", "no-such-handle", 99, "{", FIRST_SENT_MS, "why", True)

    assert SqsRedelivery(queues.sqs, 10).redeliver([message]) == set()


def test_a_redriven_message_says_how_old_it_is(queues: Queues) -> None:
    """SQS gives it a new time, with which it would count as newer than what the shop sent since."""
    both = json.dumps({"put": [{"product_id": "a", "image_urls": ["http://a/1"]}], "delete": ["c"]})
    letters = [DeadLetter("products", "1", both, FIRST_SENT_MS, "why"), DeadLetter("products", "2", "poison", FIRST_SENT_MS, "why")]
    letters.append(DeadLetter("backfill", "3", backfill_messages.encode(ReadSlice("b", 1)), FIRST_SENT_MS, "why"))
    letters.append(DeadLetter("uploads", "4", '{"Records": []}', FIRST_SENT_MS, "why"))

    queues.dead_letters.send_again(letters)

    bodies = _received(queues.sqs, queues.products.url)
    sent = [message for body in bodies if body != "poison" for message in messages.decode(body)]
    assert "poison" in bodies
    assert {type(message) for message in sent} == {PutProducts, DeleteProducts}
    assert {message.as_of for message in sent} == {FIRST_SENT_MS}
    assert _received(queues.sqs, queues.backfill.url) == [letters[2].body]
    assert _received(queues.sqs, queues.uploads.url) == ['{"Records": []}']


def test_a_queue_that_does_not_exist_is_misconfigured(sqs: "SQSClient", queues: Queues) -> None:
    with pytest.raises(Misconfigured, match="gone"):
        SqsDeadLetters(sqs, {"products": f"{queues.products.url}-gone"}).drain(lambda _: None, time.monotonic() + 60)


def test_a_redriven_message_that_is_larger_than_it_was_is_sent_in_parts(queues: Queues) -> None:
    product = {"product_id": "a", "image_urls": ["http://a/1"], "attributes": {"text": "ж" * 4000}}
    body = json.dumps({"put": [product | {"product_id": str(n)} for n in range(50)]}, ensure_ascii=False)

    queues.dead_letters.send_again([DeadLetter("products", "1", body, FIRST_SENT_MS, "why")])

    sent = [message for body in _received(queues.sqs, queues.products.url) for message in messages.decode(body)]
    assert len(sent) > 1
    assert {product.product_id for message in sent if isinstance(message, PutProducts) for product in message.items} == {
        str(n) for n in range(50)
    }
    assert {message.as_of for message in sent} == {FIRST_SENT_MS}
