"""Time and answers of the functions that receive batches from SQS."""

import time
from collections.abc import Collection, Iterable
from typing import Any

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from lookalike.redelivery import ReceivedMessage, Redeliver

RESERVE_S = 45.0
"""Kept of the function's time for what was begun: a download of 20 s, and its picture's way into the index."""


def stop_at(context: LambdaContext) -> float:
    """The time, by `time.monotonic`, after which no download is begun."""
    return time.monotonic() + context.get_remaining_time_in_millis() / 1000 - RESERVE_S


def answer(records: Iterable[SQSRecord], failed: Collection[str], redeliver: Redeliver, unreadable: Collection[str] = ()) -> dict[str, Any]:
    """The answer of ``ReportBatchItemFailures``.

    Messages with the ids ``failed`` are made to come back soon, those that are ``unreadable`` at once.
    """
    redeliver([_received(record, record.message_id in unreadable) for record in records if record.message_id in failed])
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in sorted(failed)]}


def _received(record: SQSRecord, is_unreadable: bool) -> ReceivedMessage:
    receives = int(record.attributes.approximate_receive_count)
    return ReceivedMessage(record.event_source_arn, record.receipt_handle, receives, is_unreadable)
