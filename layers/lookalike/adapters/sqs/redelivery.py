"""Messages come back soon by a change of their visibility."""

from collections.abc import Iterable
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from more_itertools import chunked

from lookalike.redelivery import ReceivedMessage

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MAX_ENTRIES = 10


class SqsRedelivery:
    """Changes the visibility of messages; where SQS does not take the change, the queue's own timeout holds.

    Args:
        client: SQS.
        first_delay_s: seconds until a message comes back that failed for the first time.
    """

    def __init__(self, client: "SQSClient", first_delay_s: int) -> None:
        self._client = client
        self._first_delay_s = first_delay_s
        self._url = lru_cache(self._find_url)

    def redeliver(self, messages: Iterable[ReceivedMessage]) -> None:
        """Has messages come back, each after its `ReceivedMessage.delay_s`."""
        of_queue = attrgetter("queue_arn")
        for queue_arn, group in groupby(sorted(messages, key=of_queue), key=of_queue):
            for some in chunked(group, MAX_ENTRIES):
                self._change(queue_arn, some)

    def _change(self, queue_arn: str, messages: list[ReceivedMessage]) -> None:
        entries: Any = [
            {"Id": str(number), "ReceiptHandle": message.receipt_handle, "VisibilityTimeout": message.delay_s(self._first_delay_s)}
            for number, message in enumerate(messages)
        ]
        try:
            self._client.change_message_visibility_batch(QueueUrl=self._url(queue_arn), Entries=entries)
        except (ClientError, BotoCoreError):
            return

    def _find_url(self, queue_arn: str) -> str:
        return self._client.get_queue_url(QueueName=queue_arn.rpartition(":")[2])["QueueUrl"]
