"""The Invoke operation of Lambda's API, for the AWS CLI, boto3, the gateway and the event sources."""

import json
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import unquote

from werkzeug.wrappers import Request, Response

from infra.local.functions import MAX_PAYLOAD_BYTES, Function
from infra.local.loopback import LoopbackServer


class LambdaApi(LoopbackServer):
    """Serves ``POST /2015-03-31/functions/NAME/invocations``.

    Args:
        functions: those that can be invoked, by name.
        port: 0 for any that is free.
    """

    def __init__(self, functions: Mapping[str, Function], *, port: int = 0) -> None:
        super().__init__(self._answer, port=port)
        self._functions = functions
        self._events = ThreadPoolExecutor(thread_name_prefix="lambda-event")

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._events.shutdown(cancel_futures=True)

    def _answer(self, request: Request) -> Response:
        match request.path.split("/"), request.method:
            case ["", "2015-03-31", "functions", reference, "invocations"], "POST":
                name = unquote(reference).rpartition("function:")[2].partition(":")[0]  # of an ARN or a qualified name, too
            case _:
                return _refusal(404, "UnknownOperationException", f"Only Invoke is served here, not {request.method} {request.path}")
        if name not in self._functions:
            return _refusal(404, "ResourceNotFoundException", f"Function not found: {name}. There are: {', '.join(self._functions)}")
        payload = request.get_data() or b"{}"
        if len(payload) > MAX_PAYLOAD_BYTES:
            return _refusal(413, "RequestTooLargeException", f"Request must be smaller than {MAX_PAYLOAD_BYTES} bytes for the operation")
        try:
            json.loads(payload)
        except ValueError as error:
            return _refusal(400, "InvalidRequestContentException", f"Could not parse request body into json: {error}")
        return self._invoke(self._functions[name], payload.decode(), request.headers.get("X-Amz-Invocation-Type", "RequestResponse"))

    def _invoke(self, function: Function, payload: str, kind: str) -> Response:
        match kind:
            case "DryRun":
                return _response(204, "")
            case "Event":
                self._events.submit(function.invoke, payload)  # what fails is in the function's log
                return _response(202, "")
            case "RequestResponse":
                answer = function.invoke(payload)
                return _response(200, answer.payload, **({"X-Amz-Function-Error": "Unhandled"} if answer.failed else {}))
        return _refusal(400, "InvalidParameterValueException", f"Unknown invocation type {kind}")


def _refusal(status: int, kind: str, message: str) -> Response:
    return _response(status, json.dumps({"Type": "User", "Message": message, "message": message}), **{"X-Amzn-ErrorType": kind})


def _response(status: int, body: str, **headers: str) -> Response:
    stated = {"X-Amz-Executed-Version": "$LATEST", "x-amzn-RequestId": str(uuid.uuid4())} | headers
    return Response(body, status, stated, content_type="application/json")
