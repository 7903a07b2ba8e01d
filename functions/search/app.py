"""The function behind the HTTP API."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, CORSConfig, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from lookalike.errors import LookalikeError, MethodRefused, NotFound, RequestInvalid
from lookalike.health import HealthCheck
from lookalike.search.browse import Browse
from lookalike.search.detect import Detector
from lookalike.search.search import Search

from functions.search import browse as browse_handlers
from functions.search import detections, documents, events, responses, routes, searches
from functions.search.gallery import page
from functions.search.responses import Json

logger = Logger()
metrics = Metrics()

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


def create(search: Search, browse: Browse, health: HealthCheck, allowed_origin: str, detect: Detector | None = None) -> Handler:
    """Returns the handler of the function.

    Args:
        search: the use case behind the routes that search.
        browse: behind products, attributes and totals.
        health: behind ``/health``.
        allowed_origin: the web origin whose pages may call the API, ``*`` for any.
        detect: the use case behind ``/detect``; None if the image has no saliency network.
    """
    app = APIGatewayRestResolver(cors=_cors(allowed_origin))
    searches.add(app, search, metrics)
    detections.add(app, detect)
    browse_handlers.add(app, browse)
    documents.add(app)
    _add_health(app, health)
    _add_gallery(app, has_detection=detect is not None)
    _add_errors(app)

    @logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST)
    @metrics.log_metrics
    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        began_s = time.monotonic()
        answer = app.resolve(events.without_base_path(event), context)
        ms, key = round((time.monotonic() - began_s) * 1000), event["requestContext"].get("identity", {}).get("apiKeyId")
        logger.info("request", method=event["httpMethod"], path=event["path"], status=answer["statusCode"], ms=ms, api_key_id=key)
        return answer | {"body": ""} if event["httpMethod"] == "HEAD" else answer

    return handler


def _cors(allowed_origin: str) -> CORSConfig:
    return CORSConfig(
        allow_origin=allowed_origin,
        allow_headers=["Content-Type", "X-Api-Key"],
        expose_headers=["Retry-After", "x-amzn-RequestId"],
        max_age=3600,
    )


def _add_health(app: APIGatewayRestResolver, health: HealthCheck) -> None:
    @routes.handles(app, "GET", "/health")
    def check() -> Json:
        state = health.check()
        status = HTTPStatus.SERVICE_UNAVAILABLE if state.fault else HTTPStatus.OK
        fault = state.fault and responses.without_places(state.fault)
        return responses.as_json({"status": "unhealthy" if fault else "ok", **asdict(state), "fault": fault}, status)


def _add_gallery(app: APIGatewayRestResolver, *, has_detection: bool) -> None:
    gallery = page.assemble(has_detection=has_detection)

    @routes.handles(app, "GET", "/")
    def show() -> Json:
        return Response(HTTPStatus.OK, page.CONTENT_TYPE, gallery.html, dict(gallery.headers))


def _add_errors(app: APIGatewayRestResolver) -> None:
    def failure(error: LookalikeError, methods: Sequence[str] = ()) -> Json:
        request_id = app.current_event.request_context.request_id
        metrics.add_metric(f"Error{error.http_status}", MetricUnit.Count, 1)
        log = {"fail": logger.error, "retry": logger.warning}.get(error.ending, logger.info)
        log("search_failed", code=error.code, reason=responses.shortened(str(error)), request_id=request_id)
        return responses.failure(error, request_id, methods)

    @app.not_found
    def no_such_route(_: NotFoundError) -> Json:
        method, path = app.current_event.http_method, app.current_event.path
        methods = routes.allowed_methods(path)
        if methods:
            return failure(MethodRefused(f"{method} {path} is not supported: use {' or '.join(methods)}"), methods)
        return failure(NotFound(f"there is no route {method} {path}: see /docs"))

    def unexpected(error: Exception) -> Json:
        logger.exception("unexpected_error")
        return failure(LookalikeError(f"{type(error).__name__}: {error}"))

    def unsendable(error: UnicodeEncodeError) -> Json:
        return failure(RequestInvalid(f"a text has a lone surrogate, not valid in UTF-8: {error.object[error.start : error.end]!r}"))

    app.exception_handler(LookalikeError)(failure)
    app.exception_handler(UnicodeEncodeError)(unsendable)
    app.exception_handler(Exception)(unexpected)
