"""Time limits and answers of the functions that receive batches from SQS."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from lookalike.concurrency import run_within
from lookalike.errors import TransientError
from lookalike.redelivery import ReceivedMessage, Redeliver

T = TypeVar("T")

RESERVE_S = 45.0
"""Time that is reserved for finishing what was started: a download, and the indexing of its picture."""

LAST_S = 10.0
"""Time that is reserved at the end for redelivering messages; no other work runs then."""

REDELIVERY_S = 5.0


def within_time(context: LambdaContext, work: Callable[[], T]) -> T:
    """Returns what ``work`` returns, or raises if it takes too long because Elasticsearch or AWS does not answer.

    Work that does not end in time is abandoned, and ends with the timeouts of its sockets. What it still writes does no harm: as with any
    concurrent write, the newest state wins.

    Raises:
        TransientError: only `LAST_S` of the function's time are left.
    """
    return run_within(context.get_remaining_time_in_millis() / 1000 - LAST_S, work, "Elasticsearch or AWS")


def stop_at(context: LambdaContext) -> float:
    """The time, by `time.monotonic`, after which no download is started."""
    return time.monotonic() + context.get_remaining_time_in_millis() / 1000 - RESERVE_S


def answer(
    records: Iterable[SQSRecord], failed: Mapping[str, str], redeliver: Redeliver, poison: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The answer of ``ReportBatchItemFailures``.

    Args:
        records: the batch.
        failed: reasons of messages to be redelivered soon, by message id.
        redeliver: has messages redelivered, or moves them to the dead-letter queue.
        poison: reasons of messages that would fail however often they are redelivered, by message id.
    """
    poison = poison or {}
    reasons = {**failed, **poison}
    received = [
        _received(record, reasons[record.message_id], record.message_id in poison) for record in records if record.message_id in reasons
    ]
    moved: Collection[str] = ()
    with suppress(TransientError):  # then the queue's visibility timeout and redrive policy apply
        moved = run_within(REDELIVERY_S, lambda: redeliver(received), "SQS")
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in sorted(reasons.keys() - set(moved))]}


def counted(reasons: Mapping[str, str]) -> dict[str, int]:
    """The number of messages by reason of failure."""
    return dict(Counter(reasons.values()))


def _received(record: SQSRecord, reason: str, is_poison: bool) -> ReceivedMessage:
    return ReceivedMessage(
        record.event_source_arn,
        record.message_id,
        record.receipt_handle,
        int(record.attributes.approximate_receive_count),
        record.body,
        int(record.attributes.sent_timestamp),
        reason,
        is_poison,
    )
