"""The routes that look around."""

from urllib.parse import unquote

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from lookalike.browsing import Browsing

from functions.search import responses
from functions.search.responses import Json


def add(app: APIGatewayRestResolver, browsing: Browsing) -> None:
    """Adds them."""

    @app.get("/products/<product_id>", cache_control="no-store")
    def product(product_id: str) -> Json:
        return responses.product(browsing.product(unquote(product_id)))

    @app.get("/attributes", cache_control="private, max-age=60")
    def attributes() -> Json:
        return responses.attributes(browsing.attributes())

    @app.get("/stats", cache_control="private, max-age=10")
    def stats() -> Json:
        return responses.stats(browsing.stats())
