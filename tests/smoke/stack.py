"""A running stack, deployed or local, as its users reach it: by HTTP, bucket, queue and command."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3
import requests

from infra.local.invocation import PATIENT

TIMEOUT_S = 60
WAIT_S = 300
"""For what goes through a queue, a cold start included."""


@dataclass(frozen=True)
class Stack:
    """Where it is; boto3 finds its services by the environment.

    Args:
        url: of the API.
        key: for ``x-api-key``; empty where none is asked for.
        bucket: of pictures.
        name: what its queues and functions begin with.
        has_gateway_responses: whether the gateway's own answers have our shape; those of `sam local` do not.
    """

    url: str
    key: str
    bucket: str
    name: str
    has_gateway_responses: bool = True

    def ask(self, method: str, path: str, *, key: str | None = None, **request: Any) -> requests.Response:
        """A request with the stack's key, or with another."""
        headers = {"x-api-key": self.key if key is None else key, **request.pop("headers", {})}
        return requests.request(method, self.url.rstrip("/") + path, headers=headers, timeout=TIMEOUT_S, **request)

    def upload(self, key: str, content: bytes, metadata: dict[str, str]) -> None:
        """Puts a picture into the bucket."""
        self._s3.put_object(Bucket=self.bucket, Key=key, Body=content, ContentType="image/png", Metadata=metadata)

    def remove(self, key: str) -> None:
        """Removes a picture from the bucket."""
        self._s3.delete_object(Bucket=self.bucket, Key=key)

    def post(self, message: dict[str, Any]) -> None:
        """Posts a message to the products queue."""
        sqs = boto3.client("sqs")
        url = sqs.get_queue_url(QueueName=f"{self.name}-products")["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(message))

    def command(self, command: dict[str, Any]) -> dict[str, Any]:
        """What the backfill function answers."""
        answer = boto3.client("lambda", config=PATIENT).invoke(FunctionName=f"{self.name}-backfill", Payload=json.dumps(command).encode())
        read: dict[str, Any] = json.loads(answer["Payload"].read())
        return read

    @cached_property
    def _s3(self) -> Any:
        return boto3.client("s3")


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    """Asks once a second. Raises `AssertionError` if it does not come to be so."""
    end = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < end, f"after {WAIT_S} s it was not so that {what}"
        time.sleep(1)
