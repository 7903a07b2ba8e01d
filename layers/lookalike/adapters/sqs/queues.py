"""The products queue, the backfill queue and their dead-letter queues in SQS."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from more_itertools import batched, constrained_batches

from lookalike.adapters.sqs import backfill_messages, messages
from lookalike.backfill.messages import BackfillMessage
from lookalike.domain import Product
from lookalike.errors import Misconfigured, TransientError
from lookalike.indexing.messages import Message, PutProducts

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

MAX_ENTRIES = 10
MAX_BATCH_BYTES = 262_144
"""Size of a call's bodies together; SQS takes four times as much since 2025, not every server that speaks its language does."""

MAX_PEEKED = 1000
"""Messages of a dead-letter queue that are looked through for those of one backfill."""

PEEK_S = 30
"""How long messages that are looked at stay invisible if nobody makes them visible again."""

PEEK_WAIT_S = 1
"""A receive that waits asks all of SQS's servers; one that does not may miss messages."""

_REFUSED = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "AccessDenied", "AccessDeniedException")


class SqsQueues:
    """Sends to two queues, given by their URLs, and looks into their dead-letter queues."""

    def __init__(self, client: "SQSClient", products_queue_url: str, backfill_queue_url: str) -> None:
        self._client = client
        self._products_queue_url = products_queue_url
        self._backfill_queue_url = backfill_queue_url
        self._dead_letter_urls: dict[str, str] = {}

    def send(self, messages: Iterable[Message], *, delay_s: int = 0) -> Sequence[Product]:
        """Sends to the products queue; messages that are too large are sent in halves.

        Returns:
            The products that were not sent, because each alone is more than a message can carry.

        Raises:
            TransientError: SQS did not take all of them.
            Misconfigured: there is no such queue, or the role may not send to it.
        """
        too_large: list[Product] = []
        bodies = ((body, message.backfill_id) for message in messages for body in _bodies(message, too_large))
        self._send_all(self._products_queue_url, bodies, delay_s)
        return too_large

    def send_backfill(self, messages: Iterable[BackfillMessage], *, delay_s: int = 0) -> None:
        """Sends to the backfill queue. Raises as `send`."""
        bodies = ((backfill_messages.encode(message), message.backfill_id) for message in messages)
        self._send_all(self._backfill_queue_url, bodies, delay_s)

    def waiting(self) -> int:
        """About how many messages wait in the products queue. Raises as `send`."""
        with _translate_errors(self._products_queue_url):
            return self._waiting(self._products_queue_url)

    def dead_letters(self, backfill_id: str) -> Mapping[str, int]:
        """The number of a backfill's messages in the two dead-letter queues, of each queue's first `MAX_PEEKED` messages.

        Raises:
            TransientError: SQS does not answer.
            Misconfigured: there is no such queue, or the role may not read it.
        """
        queues = {"products": self._products_queue_url, "backfill": self._backfill_queue_url}
        return {name: sum(_is_of(backfill_id, body) for body in self._dead_bodies(url)) for name, url in queues.items()}

    def _dead_bodies(self, queue_url: str) -> Sequence[str]:
        """The bodies of the messages in a queue's dead-letter queue."""
        with _translate_errors(queue_url):
            url = self._dead_letter_url(queue_url)
            return self._peek(url) if url else []

    def _peek(self, url: str) -> Sequence[str]:
        """The bodies of a queue's messages, which are made visible again: they are counted by the next call too."""
        expected = min(self._waiting(url), MAX_PEEKED)
        peeked: dict[str, MessageTypeDef] = {}
        while len(peeked) < expected:
            received = self._client.receive_message(
                QueueUrl=url, MaxNumberOfMessages=MAX_ENTRIES, VisibilityTimeout=PEEK_S, WaitTimeSeconds=PEEK_WAIT_S
            )
            if not received.get("Messages"):
                break
            peeked |= {message["MessageId"]: message for message in received["Messages"]}
        for batch in batched(peeked.values(), MAX_ENTRIES):
            entries: Any = [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"], "VisibilityTimeout": 0} for i, m in enumerate(batch)]
            self._client.change_message_visibility_batch(QueueUrl=url, Entries=entries)
        return [message["Body"] for message in peeked.values()]

    def _waiting(self, url: str) -> int:
        attributes = self._client.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
        return int(attributes["ApproximateNumberOfMessages"])

    def _dead_letter_url(self, queue_url: str) -> str | None:
        if queue_url not in self._dead_letter_urls:
            policy = self._client.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["RedrivePolicy"]).get("Attributes", {})
            if "RedrivePolicy" not in policy:
                return None
            name = json.loads(policy["RedrivePolicy"])["deadLetterTargetArn"].rpartition(":")[2]
            self._dead_letter_urls[queue_url] = self._client.get_queue_url(QueueName=name)["QueueUrl"]
        return self._dead_letter_urls[queue_url]

    def _send_all(self, queue_url: str, bodies: Iterable[tuple[str, str | None]], delay_s: int) -> None:
        for batch in constrained_batches(bodies, MAX_BATCH_BYTES, MAX_ENTRIES, get_len=lambda body: len(body[0])):
            self._send(queue_url, batch, delay_s)

    def _send(self, queue_url: str, bodies: Sequence[tuple[str, str | None]], delay_s: int) -> None:
        entries: Any = [_entry(number, body, group, delay_s) for number, (body, group) in enumerate(bodies)]
        with _translate_errors(queue_url):
            answer = self._client.send_message_batch(QueueUrl=queue_url, Entries=entries)
        if answer.get("Failed"):
            raise TransientError(f"SQS refused {len(answer['Failed'])} messages: {answer['Failed'][0].get('Message')}")


def _entry(number: int, body: str, group: str | None, delay_s: int) -> dict[str, Any]:
    """A message of a batch; by its group, a backfill's id, SQS lets others overtake a backfill's backlog (a fair queue)."""
    entry = {"Id": str(number), "MessageBody": body, "DelaySeconds": delay_s}
    return entry | {"MessageGroupId": group} if group else entry


@contextmanager
def _translate_errors(queue_url: str) -> Iterator[None]:
    """Raises a `LookalikeError` in place of boto's errors."""
    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in _REFUSED:
            raise Misconfigured(f"the queue {queue_url!r} cannot be used: {error}") from error
        raise TransientError(f"SQS did not take or give the messages: {error}") from error
    except BotoCoreError as error:
        raise TransientError(f"SQS did not take or give the messages: {error}") from error


def _bodies(message: Message, too_large: list[Product]) -> Iterator[str]:
    """The message's body, or those of its halves if it is too large; a product that is too large alone is added to ``too_large``."""
    body = messages.encode(message)
    if len(body) <= MAX_BATCH_BYTES:
        yield body
    elif len(message.items) > 1:
        for half in message.split((len(message.items) + 1) // 2):
            yield from _bodies(half, too_large)
    elif isinstance(message, PutProducts):
        too_large += message.items


def _is_of(backfill_id: str, body: str) -> bool:
    """Whether a message is a backfill's; a shop's own message may be anything."""
    try:
        return bool(json.loads(body).get("backfill_id") == backfill_id)
    except (ValueError, AttributeError):
        return False
