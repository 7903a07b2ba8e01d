"""Events as AWS sends them, made from the examples of `tests/events`."""

import json
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from aws_lambda_powertools.utilities.typing import LambdaContext

FOLDER = Path(__file__).parents[2] / "events"
BUCKET = "lookalike-pictures-123456789012-eu-central-1"
SENT_MS = 1764000000000
"""When the example messages were sent."""

REQUEST_ID = "8b5e0b4c-6f3b-4a0e-9d6f-1f2b7c8d9e0a"
"""Of the invocation and, in the examples, of the HTTP request."""


class Context(LambdaContext):
    """What Lambda says of an invocation."""

    def __init__(self) -> None:
        self._function_name = "lookalike"
        self._memory_limit_in_mb = 3008
        self._invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:lookalike"
        self._aws_request_id = REQUEST_ID

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 110_000


def example(name: str) -> dict[str, Any]:
    """An example by its name."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return found


def sqs(bodies: Mapping[str, str]) -> dict[str, Any]:
    """A batch of messages, by their ids."""
    [record] = example("index_products_put")["Records"]
    return {"Records": [{**record, "messageId": message_id, "body": body} for message_id, body in bodies.items()]}


def s3(*keys: str) -> str:
    """The body of a message about objects, their keys encoded as S3 does."""
    [message] = example("on_upload_put")["Records"]
    body: dict[str, Any] = json.loads(message["body"])
    [template] = body["Records"]
    body["Records"] = []
    for key in keys:
        change = deepcopy(template)
        change["s3"]["object"]["key"] = quote_plus(key, safe="/")
        body["Records"].append(change)
    return json.dumps(body)


def http(name: str, **changes: Any) -> dict[str, Any]:
    """An example of a request, its top-level fields changed."""
    return example(name) | changes


def failed(answer: Any) -> list[str]:
    """Which messages come back; raises if the answer is not a partial batch response."""
    assert set(answer) == {"batchItemFailures"}
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
