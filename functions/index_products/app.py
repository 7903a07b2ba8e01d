"""Batches of products through SQS: what the backfill posts, and what a shop's own service may."""

from collections.abc import Callable, Iterable
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.data_classes import SQSEvent
from aws_lambda_powertools.utilities.typing import LambdaContext
from lookalike.errors import RequestInvalid
from lookalike.products import Message, Products

from functions.index_products import messages

logger = Logger()
metrics = Metrics()

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


def create(products: Products) -> Handler:
    """The function's handler."""

    @logger.inject_lambda_context
    @metrics.log_metrics
    def handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
        readable: dict[str, Message] = {}
        back: set[str] = set()
        for record in SQSEvent(event).records:
            try:
                readable[record.message_id] = messages.read(record.body)
            except RequestInvalid as error:
                logger.error("message_unreadable", message_id=record.message_id, reason=str(error), field=error.field)
                back.add(record.message_id)
        back |= products.receive(readable)
        metrics.add_metric("Products", MetricUnit.Count, sum(len(m.put) + len(m.mirror) + len(m.copy) for m in readable.values()))
        metrics.add_metric("MessagesReturned", MetricUnit.Count, len(back))
        metrics.add_metadata("backfill_ids", _backfills(readable.values()))
        logger.info("messages", received=len(readable), returned=len(back), backfill_ids=_backfills(readable.values()))
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in sorted(back)]}

    return handler


def _backfills(received: Iterable[Message]) -> list[str]:
    return sorted({message.backfill_id for message in received if message.backfill_id})
