"""Handlers of the routes for a product, the attributes and the totals of the index."""

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from lookalike.concurrency import run_within
from lookalike.errors import IndexUnavailable
from lookalike.search.browse import Browse

from functions.search import events, responses, routes
from functions.search.responses import Json

T = TypeVar("T")


def add(app: APIGatewayRestResolver, browse: Browse) -> None:
    """Registers the handlers of this module."""

    def within(ask: Callable[[], T]) -> T:
        return run_within(events.remaining_s(app), ask, "Elasticsearch", IndexUnavailable)

    @routes.handles(app, "GET", "/products/{id}")
    def product(product_id: str) -> Json:
        return responses.product(within(lambda: browse.product(unquote(product_id))))

    @routes.handles(app, "GET", "/attributes")
    def attributes() -> Json:
        return responses.attributes(within(browse.attributes))

    @routes.handles(app, "GET", "/stats")
    def stats() -> Json:
        return responses.stats(within(browse.stats))
