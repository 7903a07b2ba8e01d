"""Lambda's event source mapping for SQS: polls a queue, invokes a function with batches, deletes what succeeded."""

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from more_itertools import chunked

from infra.local.aws import REGION, Queue, Resources, Trigger, session
from infra.local.invocation import Invoke

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

SQS_BATCH = 10
"""How many messages one call of SQS receives or deletes."""

WAIT_S = 1
"""How long one receive waits for messages; SQS allows 20, but this also bounds how long stopping takes."""
PAUSE_AFTER_ERROR_S = 1

_logger = logging.getLogger(__name__)


@dataclass(eq=False)
class EventSource:
    """Polls until its ``with`` block ends, and waits then for running invocations.

    Args:
        sqs: client for the queue; used by several threads, which boto3's clients allow.
        invoke: calls the function, see `infra.local.invocation`.
        trigger: which function, and in what batches: more messages than SQS gives at once are collected within the window.
        queue: the trigger's queue.
    """

    sqs: "SQSClient"
    invoke: Invoke
    trigger: Trigger
    queue: Queue

    def __post_init__(self) -> None:
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(self.trigger.concurrency)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_polling()
        for thread in self._threads:
            thread.join()

    def stop_polling(self) -> None:
        """Stops receiving messages; returns at once."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if messages := self._collect():
                    self._handle(messages)
            except Exception as error:  # the queue or the function is away, or the function failed: the messages come back by themselves
                if not self._stopping.wait(PAUSE_AFTER_ERROR_S):
                    _logger.error("%s: %s", self.trigger.function, error)

    def _collect(self) -> list["MessageTypeDef"]:
        size = self.trigger.batch_size
        messages = self._receive(size, WAIT_S)
        ends_at = time.monotonic() + self.trigger.window_s
        while messages and len(messages) < size and time.monotonic() < ends_at and not self._stopping.is_set():
            more = self._receive(size - len(messages), 0)
            messages += more
            if not more:
                time.sleep(0.05)
        return messages

    def _receive(self, most: int, wait_s: int) -> list["MessageTypeDef"]:
        most = min(most, SQS_BATCH)
        received = self.sqs.receive_message(
            QueueUrl=self.queue.url, MaxNumberOfMessages=most, WaitTimeSeconds=wait_s, MessageSystemAttributeNames=["All"]
        )
        return received.get("Messages", [])

    def _handle(self, messages: Sequence["MessageTypeDef"]) -> None:
        function = self.trigger.function
        answer = self.invoke(function, sqs_event(messages, self.queue.arn))
        failed = failed_ids(answer, {message["MessageId"] for message in messages})
        if failed:
            _logger.warning("%s: %d of %d messages failed and will come back", function, len(failed), len(messages))
        for batch in chunked([message for message in messages if message["MessageId"] not in failed], SQS_BATCH):
            entries = [{"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]} for number, message in enumerate(batch)]
            self.sqs.delete_message_batch(QueueUrl=self.queue.url, Entries=entries)  # type: ignore[arg-type]


def event_sources(resources: Resources, aws_url: str, invoke: Invoke, triggers: Iterable[Trigger]) -> list[EventSource]:
    """One for each trigger."""
    sqs = session().client("sqs", endpoint_url=aws_url)
    return [EventSource(sqs, invoke, trigger, getattr(resources, trigger.queue)) for trigger in triggers]


def sqs_event(messages: Sequence["MessageTypeDef"], queue_arn: str) -> dict[str, Any]:
    """Lambda's event for messages as boto3 receives them, without message attributes, which nothing here uses."""
    source = {"messageAttributes": {}, "eventSource": "aws:sqs", "eventSourceARN": queue_arn, "awsRegion": REGION}
    records: Iterable[dict[str, Any]] = (
        {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": dict(message.get("Attributes", {})),
            "md5OfBody": message["MD5OfBody"],
        }
        for message in messages
    )
    return {"Records": [record | source for record in records]}


def failed_ids(answer: Any, message_ids: set[str]) -> set[str]:
    """The messages that stay in the queue, by the rules of ``ReportBatchItemFailures``.

    An empty answer means that all succeeded. An id that was not in the batch, or an answer of another shape, means that all failed.
    """
    if answer is None or answer == {}:
        return set()
    try:
        failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"] or []}
    except (TypeError, KeyError):
        return message_ids
    return failed if failed.issubset(message_ids) else message_ids
