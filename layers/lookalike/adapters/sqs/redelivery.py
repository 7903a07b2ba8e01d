"""Failed messages come back soon, by a change of their visibility, or end in the dead-letter queue together with their reasons."""

import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from more_itertools import chunked, partition

from lookalike.redelivery import ReceivedMessage, backoff_s

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MAX_ENTRIES = 10
MAX_REASON = 1000
REASON, SENT_MS = "lookalike.reason", "lookalike.sent_ms"
"""Names of a dead letter's message attributes; a shop's own message keeps its own, whatever they are called."""


@dataclass(frozen=True, slots=True)
class _Queue:
    """A queue's address, how often a message may be received, and the address of its dead-letter queue, if it has one."""

    url: str
    max_receives: int = sys.maxsize
    dead_letter_url: str | None = None

    def gives_up(self, message: ReceivedMessage) -> bool:
        return self.dead_letter_url is not None and (message.is_hopeless or message.receives >= self.max_receives)


class SqsRedelivery:
    """Settles failed messages; where SQS does not take a change, the queue's own timeout and redrive policy hold.

    Args:
        client: SQS.
        first_delay_s: seconds until a message comes back that failed for the first time; twice as many each time.
    """

    def __init__(self, client: "SQSClient", first_delay_s: int) -> None:
        self._client = client
        self._first_delay_s = first_delay_s
        self._queue = lru_cache(self._find_queue)

    def redeliver(self, messages: Iterable[ReceivedMessage]) -> set[str]:
        """Has messages come back, or moves them to the dead-letter queue; returns the ids of those that were moved."""
        moved: set[str] = set()
        of_queue = attrgetter("queue_arn")
        for queue_arn, group in groupby(sorted(messages, key=of_queue), key=of_queue):
            with suppress(ClientError, BotoCoreError):
                self._settle(self._queue(queue_arn), group, moved)
        return moved

    def _settle(self, queue: _Queue, messages: Iterable[ReceivedMessage], moved: set[str]) -> None:
        others, last = partition(queue.gives_up, messages)
        for message in last:
            with suppress(ClientError, BotoCoreError):  # such as one that has no room for its reason
                self._move(queue.dead_letter_url or "", message)
                moved.add(message.message_id)
        for some in chunked(others, MAX_ENTRIES):
            self._change_visibility(queue, some)

    def _move(self, dead_letter_url: str, message: ReceivedMessage) -> None:
        attributes: Any = {
            REASON: {"DataType": "String", "StringValue": json.dumps(message.reason[:MAX_REASON])},  # SQS takes no control characters
            SENT_MS: {"DataType": "Number", "StringValue": str(message.sent_ms)},
        }
        self._client.send_message(QueueUrl=dead_letter_url, MessageBody=message.body, MessageAttributes=attributes)

    def _change_visibility(self, queue: _Queue, messages: Sequence[ReceivedMessage]) -> None:
        entries: Any = [
            {"Id": str(number), "ReceiptHandle": message.receipt_handle, "VisibilityTimeout": self._delay_s(message)}
            for number, message in enumerate(messages)
        ]
        self._client.change_message_visibility_batch(QueueUrl=queue.url, Entries=entries)

    def _delay_s(self, message: ReceivedMessage) -> int:
        return backoff_s(self._first_delay_s, message.receives - 1)

    def _find_queue(self, queue_arn: str) -> _Queue:
        url = self._client.get_queue_url(QueueName=queue_arn.rpartition(":")[2])["QueueUrl"]
        attributes = self._client.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"]).get("Attributes", {})
        if "RedrivePolicy" not in attributes:
            return _Queue(url)
        policy = json.loads(attributes["RedrivePolicy"])
        name = policy["deadLetterTargetArn"].rpartition(":")[2]
        return _Queue(url, int(policy["maxReceiveCount"]), self._client.get_queue_url(QueueName=name)["QueueUrl"])
