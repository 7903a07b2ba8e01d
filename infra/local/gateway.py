"""API Gateway's REST API in front of a function: requests become proxy events, the function's answers become responses.

It applies API Gateway's limits, with errors in the form that template.yaml's gateway responses define.
"""

import base64
import functools
import json
import logging
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from lookalike.pictures.formats import ALL_MEDIA_TYPES
from werkzeug.datastructures import Headers, MultiDict
from werkzeug.wrappers import Request, Response

from functions.search.routes import ROUTES
from infra.local.functions import MAX_PAYLOAD_BYTES
from infra.local.invocation import FunctionFailed, Invoke
from infra.local.loopback import LoopbackServer

BINARY_MEDIA_TYPES = frozenset({*ALL_MEDIA_TYPES, "multipart/form-data"})
OPEN_PATHS = frozenset(route.path for route in ROUTES if route.is_open)
MAX_BODY_BYTES = 10 * 1024 * 1024
INTEGRATION_TIMEOUT_S = 29.0
STAGE = "local"
TOO_LARGE = "The body is too large: about 4.4 MB of picture fit through. Send a smaller picture, or its address as image_url."

_logger = logging.getLogger(__name__)


class Gateway(LoopbackServer):
    """The HTTP front.

    Args:
        invoke: calls the function, see `infra.local.invocation`.
        function: name of the function that serves every route.
        port: 0 for any that is free.
        api_key: the required ``x-api-key``, except on open paths; None for no key.
        timeout_s: how long the function may take.
    """

    def __init__(
        self, invoke: Invoke, function: str, *, port: int = 0, api_key: str | None = None, timeout_s: float = INTEGRATION_TIMEOUT_S
    ) -> None:
        super().__init__(self._answer, port=port)
        self._invoke = functools.partial(invoke, function)
        self._api_key = api_key
        self._timeout_s = timeout_s
        self._integration = ThreadPoolExecutor(max_workers=64, thread_name_prefix="gateway")

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._integration.shutdown(wait=False, cancel_futures=True)

    def _answer(self, request: Request) -> Response:
        request_id = str(uuid.uuid4())
        body = _read(request)
        if self._api_key is not None and request.path not in OPEN_PATHS and request.headers.get("x-api-key") != self._api_key:
            return refusal(403, "api_key_refused", "Send a valid API key in the header x-api-key.", request_id)
        event = None if body is None else proxy_event(request, body, request_id=request_id, at_s=time.time())
        if event is None or len(json.dumps(event)) > MAX_PAYLOAD_BYTES:
            return refusal(413, "body_too_large", TOO_LARGE, request_id)
        return self._integrate(event, request, request_id)

    def _integrate(self, event: Mapping[str, Any], request: Request, request_id: str) -> Response:
        try:
            answer = self._integration.submit(self._invoke, event).result(self._timeout_s)
            return response(answer, accept=request.headers.get("Accept", ""), request_id=request_id)
        except TimeoutError:
            return refusal(504, "gateway_timeout", f"There was no answer within {self._timeout_s:g} seconds. Try again.", request_id)
        except (FunctionFailed, BotoCoreError, ClientError) as error:
            _logger.error("%s %s failed: %s", request.method, request.path, error)
            return refusal(502, "function_failed", "The function gave no answer that can be passed on. Its log says why.", request_id)


def proxy_event(request: Request, body: bytes, *, request_id: str, at_s: float) -> dict[str, Any]:
    """The event of a Lambda proxy integration, payload version 1.0.

    The path stays percent-encoded, query parameters are decoded, the last of several values is the single one: as a REST API does it.
    """
    path = urlsplit(str(request.environ.get("RAW_URI") or request.path)).path
    is_binary = bool(body) and request.mimetype in BINARY_MEDIA_TYPES
    text = base64.b64encode(body).decode() if is_binary else body.decode(errors="replace")
    headers, query = MultiDict(request.headers.items()).to_dict(flat=False), request.args.to_dict(flat=False)
    resource, parameters = ("/", None) if path == "/" else ("/{proxy+}", {"proxy": unquote(path.lstrip("/"))})
    identity = {"sourceIp": request.remote_addr, "userAgent": request.headers.get("User-Agent"), "apiKey": request.headers.get("x-api-key")}
    return {
        "resource": resource,
        "path": path,
        "httpMethod": request.method,
        "headers": _single(headers),
        "multiValueHeaders": headers or None,
        "queryStringParameters": _single(query),
        "multiValueQueryStringParameters": query or None,
        "pathParameters": parameters,
        "stageVariables": None,
        "requestContext": {
            "domainName": request.host,
            "httpMethod": request.method,
            "identity": identity,
            "path": f"/{STAGE}{path}",
            "requestId": request_id,
            "requestTimeEpoch": round(at_s * 1000),
            "resourcePath": resource,
            "stage": STAGE,
        },
        "body": text or None,
        "isBase64Encoded": is_binary,
    }


def response(answer: Any, *, accept: str, request_id: str) -> Response:
    """Converts a proxy integration's answer to an HTTP response.

    A base64 body is decoded only where the first type of the request's ``Accept`` is a binary media type: so does API Gateway.

    Raises:
        FunctionFailed: the answer is malformed.
    """
    if not isinstance(answer, dict) or not isinstance(answer.get("statusCode"), int):
        raise FunctionFailed(f"no statusCode in {str(answer)[:200]}")
    headers = Headers()
    for name, value in (answer.get("headers") or {}).items():
        headers.set(name, str(value))
    for name, values in (answer.get("multiValueHeaders") or {}).items():
        headers.setlist(name, [str(value) for value in values])
    headers.setdefault("Content-Type", "application/json")
    headers.set("x-amzn-RequestId", request_id)
    headers.remove("Content-Length")
    body: str | bytes = answer.get("body") or ""
    if answer.get("isBase64Encoded") and accept.split(",")[0].partition(";")[0].strip() in BINARY_MEDIA_TYPES:
        body = base64.b64decode(body)
    return Response(body, answer["statusCode"], headers)


def refusal(status: int, code: str, message: str, request_id: str) -> Response:
    """An error response of the gateway itself."""
    body = json.dumps({"error": {"code": code, "message": message, "request_id": request_id}})
    return Response(body, status, {"x-amzn-RequestId": request_id}, content_type="application/json")


def _read(request: Request) -> bytes | None:
    """The body, None if it is over the limit; read to its end all the same, or the client would not see the answer."""
    body = bytearray()
    while chunk := request.stream.read(1 << 20):
        if len(body) <= MAX_BODY_BYTES:
            body += chunk
    return bytes(body) if len(body) <= MAX_BODY_BYTES else None


def _single(values: Mapping[str, list[str]]) -> dict[str, str] | None:
    return {name: several[-1] for name, several in values.items()} or None
