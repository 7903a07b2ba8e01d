"""Handlers of the routes that search."""

from typing import Any
from urllib.parse import unquote

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.metrics import MetricUnit
from lookalike.concurrency import run_within
from lookalike.errors import IndexUnavailable
from lookalike.search.query_vectors import ByProduct
from lookalike.search.search import Query, Search, SearchResult

from functions.search import bodies, cursors, events, requests, responses, routes
from functions.search.responses import Json


def add(app: APIGatewayRestResolver, search: Search, metrics: Metrics) -> None:
    """Registers the handlers of this module."""

    def answer(options: requests.Options, query: Query) -> Json:
        silent = "Elasticsearch, or the server of the picture,"  # the latter has less time than a request, and an error of its own
        result = run_within(events.remaining_s(app), lambda: search.search(query), silent, IndexUnavailable)
        _measure(result, metrics)
        return responses.search(result, options)

    @routes.handles(app, "POST", "/search")
    def search_by_body() -> Json:
        return answer(*bodies.read(app, _READING))

    @routes.handles(app, "GET", "/search")
    def search_by_parameters() -> Json:
        return answer(*_of_texts(events.parameters(app)))

    @routes.handles(app, "GET", "/products/{id}/similar")
    def similar(product_id: str) -> Json:
        options = requests.options_from_strings(events.parameters(app))
        return answer(options, options.query_by(ByProduct(unquote(product_id), options.include_self)))


def _of_file(content: bytes, texts: bodies.Texts) -> tuple[requests.Options, Query]:
    options = requests.picture_options_from_strings(texts)
    return options, options.query_by_content(content)


def _of_texts(texts: bodies.Texts) -> tuple[requests.Options, Query]:
    request = requests.from_strings(texts)
    return request, request.query()


def _of_json(value: Any) -> tuple[requests.Options, Query]:
    """Reads the JSON of a request for the first page or, with a cursor, for a later one."""
    if isinstance(value, dict) and "cursor" in value:
        return cursors.from_json(value)
    request = requests.from_json(value)
    return request, request.query()


_READING = bodies.Reading(_of_file, _of_texts, _of_json)


def _measure(result: SearchResult, metrics: Metrics) -> None:
    metrics.add_metric("Search", MetricUnit.Count, 1)
    for stage, milliseconds in result.timings_ms.items():
        metrics.add_metric(f"Search{stage.capitalize()}", MetricUnit.Milliseconds, milliseconds)
