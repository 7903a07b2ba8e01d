"""The products queue and the backfill queue in SQS."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from more_itertools import constrained_batches

from lookalike.adapters.sqs import backfill_messages, messages
from lookalike.backfill.messages import BackfillMessage
from lookalike.domain import Product
from lookalike.errors import Misconfigured, TransientError
from lookalike.indexing.messages import Message, PutProducts

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MAX_ENTRIES = 10
MAX_BATCH_BYTES = 262_144
"""Total size of the bodies of one call; SQS accepts four times as much since 2025, compatible servers may not."""

_GROUP = re.compile(r"[!-~]{1,128}")
"""What SQS takes as the id of a message group; a shop's own message may name any backfill."""

_REFUSED = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "AccessDenied", "AccessDeniedException")


class SqsQueues:
    """Sends to the two queues, which are given by their URLs."""

    def __init__(self, client: "SQSClient", products_queue_url: str, backfill_queue_url: str) -> None:
        self._client = client
        self._products_queue_url = products_queue_url
        self._backfill_queue_url = backfill_queue_url

    def send(self, messages: Iterable[Message], *, delay_s: int = 0) -> Sequence[Product]:
        """Sends to the products queue; messages that are too large are sent in halves.

        Returns:
            The products that were not sent, because each is larger than a message may be.

        Raises:
            TransientError: SQS did not take all of them.
            Misconfigured: there is no such queue, or the role may not send to it.
        """
        too_large: list[Product] = []
        entries = ((body, message.backfill_id) for message in messages for body in bodies(message, too_large))
        send_all(self._client, self._products_queue_url, entries, delay_s)
        return too_large

    def send_backfill(self, messages: Iterable[BackfillMessage], *, delay_s: int = 0) -> None:
        """Sends to the backfill queue. Raises as `send`."""
        bodies = ((backfill_messages.encode(message), message.backfill_id) for message in messages)
        send_all(self._client, self._backfill_queue_url, bodies, delay_s)

    def waiting(self) -> int:
        """The approximate number of messages in the products queue. Raises as `send`."""
        with translate_errors(self._products_queue_url):
            return number_waiting(self._client, self._products_queue_url)


def number_waiting(client: "SQSClient", queue_url: str) -> int:
    """The approximate number of messages in a queue. Raises boto's errors."""
    attributes = client.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    return int(attributes["ApproximateNumberOfMessages"])


@dataclass(frozen=True, slots=True)
class RedrivePolicy:
    """How often a message may be received, and the URL of the dead-letter queue that gets it afterwards."""

    max_receives: int
    dead_letter_url: str


def redrive_policy(client: "SQSClient", queue_url: str) -> RedrivePolicy | None:
    """A queue's redrive policy; None if it has no dead-letter queue. Raises boto's errors."""
    attributes = client.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["RedrivePolicy"]).get("Attributes", {})
    if "RedrivePolicy" not in attributes:
        return None
    policy = json.loads(attributes["RedrivePolicy"])
    return RedrivePolicy(int(policy["maxReceiveCount"]), url_of(client, policy["deadLetterTargetArn"]))


def url_of(client: "SQSClient", queue_arn: str) -> str:
    """The URL of a queue by its ARN. Raises boto's errors."""
    return client.get_queue_url(QueueName=queue_arn.rpartition(":")[2])["QueueUrl"]


def send_all(client: "SQSClient", queue_url: str, bodies: Iterable[tuple[str, str | None]], delay_s: int = 0) -> None:
    """Sends messages, given as body and group id, in batches as large as SQS allows. Raises as `SqsQueues.send`."""
    for batch in constrained_batches(bodies, MAX_BATCH_BYTES, MAX_ENTRIES, get_len=lambda body: len(body[0]), strict=False):
        entries: Any = [_entry(number, body, group, delay_s) for number, (body, group) in enumerate(batch)]
        with translate_errors(queue_url):
            answer = client.send_message_batch(QueueUrl=queue_url, Entries=entries)
        if answer.get("Failed"):
            raise TransientError(f"SQS refused {len(answer['Failed'])} messages: {answer['Failed'][0].get('Message')}")


def _entry(number: int, body: str, group: str | None, delay_s: int) -> dict[str, Any]:
    """An entry of a batch; with a backfill's id as group, SQS delivers other messages before a backfill's backlog (fair queues)."""
    entry = {"Id": str(number), "MessageBody": body, "DelaySeconds": delay_s}
    return entry | {"MessageGroupId": group} if group and _GROUP.fullmatch(group) else entry


@contextmanager
def translate_errors(queue_url: str) -> Iterator[None]:
    """Raises a `LookalikeError` in place of boto's errors."""
    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in _REFUSED:
            raise Misconfigured(f"the queue {queue_url!r} cannot be used: {error}") from error
        raise TransientError(f"SQS did not take or give the messages: {error}") from error
    except BotoCoreError as error:
        raise TransientError(f"SQS did not take or give the messages: {error}") from error


def bodies(message: Message, too_large: list[Product]) -> Iterator[str]:
    """The message's body, or those of its halves if it is too large; a product that is too large alone is added to ``too_large``."""
    body = messages.encode(message)
    if len(body) <= MAX_BATCH_BYTES:
        yield body
    elif len(message.items) > 1:
        for half in message.split((len(message.items) + 1) // 2):
            yield from bodies(half, too_large)
    elif isinstance(message, PutProducts):
        too_large += message.items
