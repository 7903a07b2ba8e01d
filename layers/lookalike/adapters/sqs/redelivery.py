"""Redelivers failed messages soon, by changing their visibility, or moves them to the dead-letter queue together with their reasons."""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from more_itertools import chunked

from lookalike.adapters.sqs.queues import MAX_ENTRIES, RedrivePolicy, redrive_policy, url_of
from lookalike.redelivery import ReceivedMessage, backoff_s

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MAX_REASON = 1000
REASON, SENT_MS = "lookalike.reason", "lookalike.sent_ms"
"""Names of the message attributes of dead letters; their prefix avoids conflicts with a shop's own attributes."""


class SqsRedelivery:
    """Settles failed messages; if SQS refuses a change, the queue's visibility timeout and redrive policy apply.

    Args:
        client: SQS.
        first_delay_s: seconds until a message is redelivered after its first failure; doubled each time.
    """

    def __init__(self, client: "SQSClient", first_delay_s: int) -> None:
        self._client = client
        self._first_delay_s = first_delay_s
        self._queue = cache(self._find_queue)

    def redeliver(self, messages: Iterable[ReceivedMessage]) -> set[str]:
        """Has messages redelivered, or moves them to the dead-letter queue; returns the ids of those that were moved."""
        moved: set[str] = set()
        of_queue = attrgetter("queue_arn")
        for queue_arn, group in groupby(sorted(messages, key=of_queue), key=of_queue):
            with suppress(ClientError, BotoCoreError):
                self._settle(*self._queue(queue_arn), group, moved)
        return moved

    def _settle(self, queue_url: str, policy: RedrivePolicy | None, messages: Iterable[ReceivedMessage], moved: set[str]) -> None:
        others = []
        for message in messages:
            if policy is None or not (message.is_poison or message.receives >= policy.max_receives):
                others.append(message)
                continue
            with suppress(ClientError, BotoCoreError):  # such as a message that is too large with its reason
                self._move(policy.dead_letter_url, message)
                moved.add(message.message_id)
        for some in chunked(others, MAX_ENTRIES):
            self._change_visibility(queue_url, some)

    def _move(self, dead_letter_url: str, message: ReceivedMessage) -> None:
        attributes: Any = {
            REASON: {"DataType": "String", "StringValue": json.dumps(message.reason[:MAX_REASON])},  # SQS takes no control characters
            SENT_MS: {"DataType": "Number", "StringValue": str(message.sent_ms)},
        }
        self._client.send_message(QueueUrl=dead_letter_url, MessageBody=message.body, MessageAttributes=attributes)

    def _change_visibility(self, queue_url: str, messages: Sequence[ReceivedMessage]) -> None:
        delays_s = [backoff_s(self._first_delay_s, message.receives - 1) for message in messages]
        entries: Any = [
            {"Id": str(number), "ReceiptHandle": message.receipt_handle, "VisibilityTimeout": delay_s}
            for number, (message, delay_s) in enumerate(zip(messages, delays_s, strict=True))
        ]
        self._client.change_message_visibility_batch(QueueUrl=queue_url, Entries=entries)

    def _find_queue(self, queue_arn: str) -> tuple[str, RedrivePolicy | None]:
        url = url_of(self._client, queue_arn)
        return url, redrive_policy(self._client, url)
