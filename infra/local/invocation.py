"""Calls a function through the Lambda API: of infra.local.lambda_api, `sam local start-lambda`, or AWS."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from botocore.config import Config

from infra.local import aws
from infra.local.child_process import Failure

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

BACKFILL_FUNCTION = "lookalike-backfill"

Json: TypeAlias = dict[str, Any]
Invoke: TypeAlias = Callable[[str, Mapping[str, Any]], Any]
"""Function's name and event -> what its handler returned."""

PATIENT = Config(read_timeout=905, retries={"mode": "standard", "total_max_attempts": 3}, max_pool_connections=50)
"""Waits as long as a function may run: after boto's own minute it would be invoked again, beside the first time."""


class FunctionFailed(Failure):
    """The function raised, ran out of time or died; the message is Lambda's description of it."""


def client(lambda_url: str) -> "LambdaClient":
    """A client of a Lambda API on this machine."""
    return aws.session().client("lambda", endpoint_url=lambda_url, config=PATIENT)


def through(lambda_client: "LambdaClient") -> Invoke:
    """The synchronous invocation, with JSON on both sides.

    Raises (the returned callable):
        FunctionFailed: the function did not give an answer.
        botocore.exceptions.ClientError: the Lambda API refused the invocation.
    """

    def invoke(name: str, event: Mapping[str, Any]) -> Any:
        answer = lambda_client.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        payload = json.loads(answer["Payload"].read() or "null")
        if "FunctionError" in answer:
            raise FunctionFailed(f"{name}: {payload.get('errorType')}: {payload.get('errorMessage')}")
        return payload

    return invoke


def command(invoke: Invoke, given: Json, function: str = BACKFILL_FUNCTION) -> Json:
    """Invokes the backfill function with a command.

    Raises:
        Failure: its answer is an error.
    """
    answer: Json = invoke(function, given)
    if "error" in answer:
        raise Failure(f"{given['action']}: {answer['error']['message']}")
    return answer
