from typing import Any

import pytest

from infra.local.event_source import failed_ids, sqs_event

ARN = "arn:aws:sqs:eu-central-1:123456789012:lookalike-uploads"


def test_a_received_message_becomes_a_record() -> None:
    message: Any = {
        "MessageId": "m-1",
        "ReceiptHandle": "handle",
        "Body": '{"put": []}',
        "MD5OfBody": "d41d8cd9",
        "Attributes": {"ApproximateReceiveCount": "2", "SentTimestamp": "1800000000000"},
    }
    assert sqs_event([message], ARN) == {
        "Records": [
            {
                "messageId": "m-1",
                "receiptHandle": "handle",
                "body": '{"put": []}',
                "attributes": {"ApproximateReceiveCount": "2", "SentTimestamp": "1800000000000"},
                "messageAttributes": {},
                "md5OfBody": "d41d8cd9",
                "eventSource": "aws:sqs",
                "eventSourceARN": ARN,
                "awsRegion": "eu-central-1",
            }
        ]
    }


def test_a_message_without_system_attributes_has_empty_ones() -> None:
    message: Any = {"MessageId": "m-1", "ReceiptHandle": "h", "Body": "", "MD5OfBody": "x"}
    record = sqs_event([message], ARN)["Records"][0]
    assert record["attributes"] == {}


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (None, set()),
        ({}, set()),
        ({"batchItemFailures": []}, set()),
        ({"batchItemFailures": None}, set()),
        ({"batchItemFailures": [{"itemIdentifier": "b"}]}, {"b"}),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, {"a", "b"}),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, {"a", "b"}),
        ({"batchItemFailures": [{"itemIdentifier": "unknown"}]}, {"a", "b"}),
        ({"batchItemFailures": [{"wrong": "b"}]}, {"a", "b"}),
        ({"batchItemFailures": "b"}, {"a", "b"}),
        ({"other": 1}, {"a", "b"}),
        ("text", {"a", "b"}),
    ],
)
def test_which_messages_stay_in_the_queue(answer: Any, failed: set[str]) -> None:
    assert failed_ids(answer, {"a", "b"}) == failed
