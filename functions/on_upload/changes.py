"""Parses S3 events: as S3 sends them, inside an SNS notification, or as EventBridge sends them."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

from aws_lambda_powertools.utilities.data_classes import S3Event
from lookalike.validation import parsed


def read(body: str) -> Iterator[tuple[str, str]]:
    """The bucket and the key of each object that may have changed; none for S3's test event.

    Raises:
        RequestInvalid, AttributeError, KeyError, TypeError: the message is none of these.
    """
    event: Any = parsed(body, field="body")
    while event.get("Type") == "Notification":
        event = parsed(event["Message"], field="body")
    if event.get("Event") == "s3:TestEvent":
        return
    if event.get("source") == "aws.s3":  # EventBridge does not percent-encode keys, unlike S3
        yield event["detail"]["bucket"]["name"], event["detail"]["object"]["key"]
        return
    for change in S3Event(event).records:
        yield change.s3.bucket.name, unquote_plus(change.s3.get_object.key)
