"""S3 events through SQS: the index follows the bucket."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote_plus

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.data_classes import S3Event, SQSEvent
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from lookalike.errors import RequestInvalid
from lookalike.indexing import Outcome, product_of_key
from lookalike.uploads import Uploads

from functions.validation import parsed

logger = Logger()
metrics = Metrics()

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


def create(uploads: Uploads) -> Handler:
    """The function's handler."""

    @logger.inject_lambda_context
    @metrics.log_metrics
    def handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
        objects: dict[str, dict[str, str]] = {}
        back: set[str] = set()
        for record in SQSEvent(event).records:
            try:
                objects[record.message_id] = dict(_objects(record))
            except (RequestInvalid, AttributeError, KeyError, TypeError) as error:
                logger.error("message_unreadable", message_id=record.message_id, reason=repr(error))
                back.add(record.message_id)
        mirrored = uploads.mirror({url: product_id for named in objects.values() for url, product_id in named.items()})
        for outcome in mirrored.outcomes:
            _report(outcome)
        back |= {message_id for message_id, named in objects.items() if named.keys() & mirrored.unsettled}
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in sorted(back)]}

    return handler


def _objects(record: SQSRecord) -> Iterator[tuple[str, str]]:
    """The objects that a message says may have changed: s3 address and product id."""
    body = parsed(record.body, field="body")
    if body.get("Event") == "s3:TestEvent":
        return
    for change in S3Event(body).records:
        key = unquote_plus(change.s3.get_object.key)
        product_id = product_of_key(key)
        if product_id is None:
            logger.warning("key_ignored", key=key, reason="keys are images/PRODUCT_ID/NAME.jpg or images/PRODUCT_ID.jpg")
        else:
            yield f"s3://{change.s3.bucket.name}/{key}", product_id


def _report(outcome: Outcome) -> None:
    metrics.add_metric(f"Picture{outcome.state.capitalize()}", MetricUnit.Count, 1)
    if outcome.error:
        log = logger.error if outcome.error.ending == "fail" else logger.warning
        log("picture_failed", image_url=outcome.image_url, code=outcome.error.code, reason=str(outcome.error))
    else:
        logger.info("picture_done", image_url=outcome.image_url, state=outcome.state)
