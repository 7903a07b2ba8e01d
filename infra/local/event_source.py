"""Lambda's event source mapping for SQS: polls a queue, invokes a function with batches, deletes what succeeded."""

import base64
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from infra.local.aws import REGION
from infra.local.invocation import Invoke
from infra.local.resources import Queue, Resources, Trigger

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

SQS_BATCH = 10
"""How many messages one call of SQS receives or deletes."""

WAIT_S = 1
"""How long one receive waits for messages; SQS allows 20, but this also bounds how long stopping takes."""
PAUSE_AFTER_ERROR_S = 1

_logger = logging.getLogger(__name__)


class EventSource:
    """Polls until its ``with`` block ends; an invocation that runs then is waited for.

    Args:
        sqs: client for the queue; used by several threads, which boto3's clients allow.
        invoke: calls the function, see `infra.local.invocation`.
        function: its name.
        queue_url: the queue.
        queue_arn: its Amazon Resource Name, which the records carry.
        batch_size: most messages of one invocation; more than SQS gives at once are collected within the window.
        window_s: how long to collect after the first message came, unless the batch is full.
        concurrency: how many invocations may run at once.
    """

    def __init__(
        self,
        sqs: "SQSClient",
        invoke: Invoke,
        function: str,
        *,
        queue_url: str,
        queue_arn: str,
        batch_size: int = 10,
        window_s: float = 0,
        concurrency: int = 1,
    ) -> None:
        self._sqs = sqs
        self._invoke = invoke
        self._function = function
        self._queue_url = queue_url
        self._queue_arn = queue_arn
        self._batch_size = batch_size
        self._window_s = window_s
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, name=f"{function}-{number}", daemon=True) for number in range(concurrency)]

    @classmethod
    def of(cls, trigger: Trigger, resources: Resources, sqs: "SQSClient", invoke: Invoke, *, concurrency: int = 1) -> Self:
        """The one of a trigger."""
        queue: Queue = getattr(resources, trigger.queue)
        return cls(
            sqs,
            invoke,
            trigger.function,
            queue_url=queue.url,
            queue_arn=queue.arn,
            batch_size=trigger.batch_size,
            window_s=trigger.window_s,
            concurrency=concurrency,
        )

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop_polling()
        for thread in self._threads:
            thread.join()

    def stop_polling(self) -> None:
        """Takes no more messages; returns at once."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if messages := self._collect():
                    self._handle(messages)
            except Exception as error:  # the queue or the function is away, or the function failed: the messages come back by themselves
                if not self._stopping.wait(PAUSE_AFTER_ERROR_S):
                    _logger.error("%s: %s", self._function, error)

    def _collect(self) -> list["MessageTypeDef"]:
        messages = self._receive(self._batch_size, WAIT_S)
        ends_at = time.monotonic() + self._window_s
        while messages and len(messages) < self._batch_size and time.monotonic() < ends_at and not self._stopping.is_set():
            more = self._receive(self._batch_size - len(messages), 0)
            messages += more
            if not more:
                time.sleep(0.05)
        return messages

    def _receive(self, most: int, wait_s: int) -> list["MessageTypeDef"]:
        received = self._sqs.receive_message(
            QueueUrl=self._queue_url,
            MaxNumberOfMessages=min(most, SQS_BATCH),
            WaitTimeSeconds=wait_s,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return received.get("Messages", [])

    def _handle(self, messages: Sequence["MessageTypeDef"]) -> None:
        answer = self._invoke(self._function, sqs_event(messages, self._queue_arn))
        failed = failed_ids(answer, {message["MessageId"] for message in messages})
        done = [message for message in messages if message["MessageId"] not in failed]
        if failed:
            _logger.warning("%s: %d of %d messages failed and will come back", self._function, len(failed), len(messages))
        for start in range(0, len(done), SQS_BATCH):
            batch = done[start : start + SQS_BATCH]
            entries = [{"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]} for number, message in enumerate(batch)]
            self._sqs.delete_message_batch(QueueUrl=self._queue_url, Entries=entries)  # type: ignore[arg-type]


def sqs_event(messages: Sequence["MessageTypeDef"], queue_arn: str) -> dict[str, Any]:
    """The event that Lambda makes of messages as boto3 receives them."""
    return {"Records": [_record(message, queue_arn) for message in messages]}


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


def _record(message: "MessageTypeDef", queue_arn: str) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes", {})),
        "messageAttributes": {name: _attribute(value) for name, value in message.get("MessageAttributes", {}).items()},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": REGION,
    }


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    attribute: dict[str, Any] = {"dataType": value["DataType"], "stringListValues": [], "binaryListValues": []}
    if "StringValue" in value:
        attribute["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        attribute["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    return attribute
