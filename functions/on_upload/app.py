"""The function that keeps the index in sync with the bucket: it receives S3 events through SQS."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.data_classes import SQSEvent
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from lookalike.errors import RequestInvalid, TransientError
from lookalike.indexing.outcomes import BatchResult
from lookalike.indexing.uploads import Uploads
from lookalike.keys import DEFAULT_KEYS, KeyPatterns
from lookalike.redelivery import Redeliver

from functions import batches
from functions.on_upload import changes

logger = Logger()
metrics = Metrics()

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


def create(uploads: Uploads, redeliver: Redeliver, keys: KeyPatterns = DEFAULT_KEYS) -> Handler:
    """Returns the handler of the function; ``redeliver`` has failed messages redelivered soon, ``keys`` find product ids in keys."""

    @logger.inject_lambda_context
    @metrics.log_metrics
    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        records = list(SQSEvent(event).records)
        objects: dict[str, dict[str, str]] = {}
        unreadable: dict[str, str] = {}
        for record in records:
            try:
                objects[record.message_id] = dict(_objects(record, keys))
            except (RequestInvalid, AttributeError, KeyError, TypeError) as error:
                logger.error("message_unreadable", message_id=record.message_id, reason=repr(error))
                unreadable[record.message_id] = f"request_invalid: {error!r}"
        urls = {url: id_ for of_message in objects.values() for url, id_ in of_message.items()}
        try:
            result = batches.within_time(context, lambda: uploads.sync(urls, batches.stop_at(context)))
        except TransientError as error:
            result = BatchResult.returning(urls, error)
        failed = {id_: reason for id_, of_message in objects.items() for url, reason in result.returned.items() if url in of_message}
        _report(result, failed | unreadable, list(objects))
        return batches.answer(records, failed, redeliver, unreadable)

    return handler


def _objects(record: SQSRecord, keys: KeyPatterns) -> Iterator[tuple[str, str]]:
    """The objects that a message names, as pairs of ``s3://`` URL and product id."""
    for bucket, key in changes.read(record.body):
        product_id = keys.product_of_key(key)
        if product_id is None:
            logger.warning("key_ignored", key=key, reason=f"keys are {keys}")
        else:
            yield f"s3://{bucket}/{key}", product_id


def _report(result: BatchResult, returned: Mapping[str, str], message_ids: list[str]) -> None:
    states = Counter(outcome.state for outcome in result.outcomes)
    for state, count in states.items():
        metrics.add_metric(f"Picture{state.capitalize()}", MetricUnit.Count, count)
    metrics.add_metric("MessagesReturned", MetricUnit.Count, len(returned))
    codes = Counter(outcome.error.code for outcome in result.outcomes if outcome.error)
    log = logger.warning if returned or codes else logger.info
    reasons = batches.counted(returned)
    log("uploads", message_ids=message_ids, returned=len(returned), pictures=dict(states), failed=dict(codes), reasons=reasons)
