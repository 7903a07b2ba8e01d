"""Time and answers of the functions that receive batches from SQS."""

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
"""Kept of the function's time for what was begun: a download, and its picture's way into the index."""

LAST_S = 10.0
"""Kept for having the messages come back; nothing else goes on then."""

REDELIVERY_S = 5.0


def within_time(context: LambdaContext, work: Callable[[], T]) -> T:
    """Returns what ``work`` returns, however silent or slow Elasticsearch or AWS is.

    Work that does not end in time is left to the time limits of its sockets. What it still writes is as good as what another function
    writes at the same time: the newest truth wins.

    Raises:
        TransientError: the time is over, but for `LAST_S`.
    """
    return run_within(context.get_remaining_time_in_millis() / 1000 - LAST_S, work, "Elasticsearch or AWS")


def stop_at(context: LambdaContext) -> float:
    """The time, by `time.monotonic`, after which no download is begun."""
    return time.monotonic() + context.get_remaining_time_in_millis() / 1000 - RESERVE_S


def answer(
    records: Iterable[SQSRecord], failed: Mapping[str, str], redeliver: Redeliver, poison: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The answer of ``ReportBatchItemFailures``.

    Args:
        records: the batch.
        failed: reasons of messages that are made to come back soon, by their ids.
        redeliver: does so, and moves others to the dead-letter queue.
        poison: reasons of messages that would fail however often they come back.
    """
    poison = poison or {}
    reasons = {**failed, **poison}
    received = [
        _received(record, reasons[record.message_id], record.message_id in poison) for record in records if record.message_id in reasons
    ]
    moved: Collection[str] = ()
    with suppress(TransientError):  # the queue's own timeout and redrive policy hold then
        moved = run_within(REDELIVERY_S, lambda: redeliver(received), "SQS")
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in sorted(reasons.keys() - set(moved))]}


def counted(reasons: Mapping[str, str]) -> dict[str, int]:
    """How many messages failed for each reason."""
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
