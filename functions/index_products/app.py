"""The function that indexes and deletes products: it receives messages from backfills and from the shop through SQS."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.data_classes import SQSEvent
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from lookalike.errors import RequestInvalid, TransientError
from lookalike.indexing.messages import DeleteProducts, Message
from lookalike.indexing.outcomes import BatchResult
from lookalike.indexing.products_queue import ProductsQueue
from lookalike.redelivery import Redeliver

from functions import batches

logger = Logger()
metrics = Metrics()

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


def create(products_queue: ProductsQueue, decode: Callable[[str, int], Sequence[Message]], redeliver: Redeliver) -> Handler:
    """Returns the handler of the function.

    Args:
        products_queue: processes the messages of a batch.
        decode: decodes a message's body; raises `RequestInvalid` if it is invalid.
        redeliver: has failed messages redelivered soon.
    """

    @logger.inject_lambda_context
    @metrics.log_metrics
    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        records = list(SQSEvent(event).records)
        readable, unreadable = _read(records, decode)
        try:
            result = batches.within_time(context, lambda: products_queue.receive(readable, batches.stop_at(context)))
        except TransientError as error:
            result = BatchResult.returning(readable, error)
        _report(readable, result.returned | unreadable)
        return batches.answer(records, result.returned, redeliver, unreadable)

    return handler


def _read(
    records: Iterable[SQSRecord], decode: Callable[[str, int], Sequence[Message]]
) -> tuple[dict[str, Sequence[Message]], dict[str, str]]:
    """The decoded messages by SQS message id, and the reasons why others cannot be decoded."""
    readable: dict[str, Sequence[Message]] = {}
    unreadable: dict[str, str] = {}
    for record in records:
        try:
            readable[record.message_id] = decode(record.body, int(record.attributes.sent_timestamp))
        except RequestInvalid as error:
            logger.error("message_unreadable", message_id=record.message_id, reason=str(error), field=error.field)
            unreadable[record.message_id] = f"{error.code}: {error}"
    return readable, unreadable


def _report(readable: Mapping[str, Sequence[Message]], failed: Mapping[str, str]) -> None:
    messages = [message for of_one in readable.values() for message in of_one]
    backfill_ids = sorted({message.backfill_id for message in messages if message.backfill_id})
    metrics.add_metric("Products", MetricUnit.Count, sum(len(m.items) for m in messages if not isinstance(m, DeleteProducts)))
    metrics.add_metric("MessagesReturned", MetricUnit.Count, len(failed))
    metrics.add_metadata("backfill_ids", backfill_ids)
    log = logger.warning if failed else logger.info
    reasons = batches.counted(failed)
    log("messages", message_ids=list(readable), returned=len(failed), reasons=reasons, backfill_ids=backfill_ids)
