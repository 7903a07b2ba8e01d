"""Messages to the products queue and the backfill's own, through SQS."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from lookalike.domain import Product
from lookalike.errors import Misconfigured, Unavailable
from lookalike.mending import Walk
from lookalike.products import Message

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MAX_ENTRIES = 10
MAX_BATCH_BYTES = 262_144
"""Size of a call's bodies together; SQS takes four times as much since 2025, not every server that speaks its language does."""

_REFUSED = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "AccessDenied", "AccessDeniedException")


class SqsOutbox:
    """Posts to two queues, given by their URLs."""

    def __init__(self, client: "SQSClient", products_queue_url: str, backfill_queue_url: str) -> None:
        self._client = client
        self._products_queue_url = products_queue_url
        self._backfill_queue_url = backfill_queue_url
        self._dead_letter_urls: dict[str, str] = {}

    def post_products(self, messages: Iterable[Message], *, delay_s: int = 0) -> Sequence[Product]:
        """Posts messages; all are taken, or it raises.

        Returns:
            The products that were not posted, because each alone is more than a message can carry.

        Raises:
            Unavailable: SQS did not take them all.
            Misconfigured: there is no such queue, or we may not post to it.
        """
        too_large: list[Product] = []
        bodies = (body for message in messages for body in _bodies(message, too_large))
        for batch in _batches(bodies):
            self._send(self._products_queue_url, batch, delay_s)
        return too_large

    def post_slices(self, backfill_id: str, numbers: Iterable[int]) -> None:
        """Posts the messages that have slices read on. Raises as `post_products`."""
        bodies = (json.dumps({"action": "slice", "backfill_id": backfill_id, "slice": number}) for number in numbers)
        for batch in _batches(bodies):
            self._send(self._backfill_queue_url, batch)

    def post_walk(self, walk: Walk) -> None:
        """Posts the message that has a walk go on. Raises as `post_products`."""
        self._send(self._backfill_queue_url, [json.dumps({"action": "walk", **asdict(walk)})])

    def dead_letters(self) -> dict[str, int]:
        """How many messages failed too often, of products and of slices.

        Raises:
            Unavailable: SQS does not say.
            Misconfigured: there is no such queue, or we may not ask.
        """
        return {"products": self._dead_letters_of(self._products_queue_url), "backfill": self._dead_letters_of(self._backfill_queue_url)}

    def _dead_letters_of(self, queue_url: str) -> int:
        with _explained(queue_url):
            policy = self._client.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["RedrivePolicy"]).get("Attributes", {})
            if "RedrivePolicy" not in policy:
                return 0
            name = json.loads(policy["RedrivePolicy"])["deadLetterTargetArn"].rpartition(":")[2]
            if name not in self._dead_letter_urls:
                self._dead_letter_urls[name] = self._client.get_queue_url(QueueName=name)["QueueUrl"]
            counted = self._client.get_queue_attributes(
                QueueUrl=self._dead_letter_urls[name], AttributeNames=["ApproximateNumberOfMessages"]
            )
            return int(counted["Attributes"]["ApproximateNumberOfMessages"])

    def _send(self, queue_url: str, bodies: list[str], delay_s: int = 0) -> None:
        entries: Any = [{"Id": str(i), "MessageBody": body, "DelaySeconds": delay_s} for i, body in enumerate(bodies)]
        with _explained(queue_url):
            answer = self._client.send_message_batch(QueueUrl=queue_url, Entries=entries)
        if answer.get("Failed"):
            raise Unavailable(f"SQS refused {len(answer['Failed'])} messages: {answer['Failed'][0].get('Message')}")


@contextmanager
def _explained(queue_url: str) -> Iterator[None]:
    """Raises our errors for boto's."""
    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in _REFUSED:
            raise Misconfigured(f"the queue {queue_url!r} cannot be posted to or asked: {error}") from error
        raise Unavailable(f"SQS did not take or give the messages: {error}") from error
    except BotoCoreError as error:
        raise Unavailable(f"SQS did not take or give the messages: {error}") from error


def message_body(message: Message) -> str:
    """A message as JSON; what it has none of is left out."""
    body: dict[str, Any] = {}
    if message.put:
        body["put"] = [{"product_id": p.product_id, "image_urls": list(p.image_urls), "attributes": p.attributes} for p in message.put]
    if message.delete:
        body["delete"] = list(message.delete)
    if message.mirror:
        body["mirror"] = list(message.mirror)
    if message.copy:
        body |= {"copy": list(message.copy), "copy_from": message.copy_from}
    if message.into is not None:
        body["into"] = message.into
    if message.backfill_id is not None:
        body |= {"backfill_id": message.backfill_id, "run": message.run}
    if message.attempt:
        body["attempt"] = message.attempt
    return json.dumps(body)


def _bodies(message: Message, too_large: list[Product]) -> Iterator[str]:
    """The message's body; products too large to travel together are sent in halves, one that is too large alone is put aside."""
    body = message_body(message)
    if len(body) <= MAX_BATCH_BYTES:
        yield body
    elif len(message.put) > 1:
        middle = len(message.put) // 2
        yield from _bodies(replace(message, put=message.put[:middle]), too_large)
        yield from _bodies(replace(message, put=message.put[middle:], delete=(), mirror=(), copy=()), too_large)
    else:
        too_large += message.put
        if message.delete or message.mirror or message.copy:
            yield message_body(replace(message, put=()))


def _batches(bodies: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for body in bodies:
        if batch and (len(batch) == MAX_ENTRIES or size + len(body) > MAX_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(body)
        size += len(body)
    if batch:
        yield batch
