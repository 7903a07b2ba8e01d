"""The table of the HTTP API's routes, which handlers, OpenAPI document, ``Allow`` headers and the local gateway use."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import BaseModel

from functions.search import answers, requests
from functions.search.cursors import NextRequest

if TYPE_CHECKING:
    from aws_lambda_powertools.event_handler import APIGatewayRestResolver

Handler = TypeVar("Handler", bound=Callable[..., Any])

NO_STORE = "no-store"
AN_HOUR = "public, max-age=3600"
SEARCH_ERRORS = (400, 404, 413, 422)
DETECT_ERRORS = (400, 413, 422)


@dataclass(frozen=True, slots=True)
class Operation:
    """The part of the OpenAPI document about a route.

    Args:
        id: name of the method in generated clients.
        answer: model of the answer with status 200; its docstring describes the answer.
        parameters: model whose fields are the query parameters.
        body: models of a JSON body, which may also be a picture or a form with ``parameters``.
        errors: statuses beyond those that every route may answer.
        other_answers: descriptions of further statuses with the same answer.
    """

    id: str
    tag: Literal["search", "catalogue"]
    summary: str
    answer: type[BaseModel]
    parameters: type[BaseModel] | None = None
    body: tuple[type[BaseModel], ...] = ()
    errors: tuple[int, ...] = ()
    other_answers: dict[int, str] = field(default_factory=dict)
    description: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path; a route with GET also answers HEAD.

    Args:
        path: in OpenAPI's notation; ``{id}`` is a product's id, percent-encoded.
        cache_control: the header Cache-Control of successful answers.
        is_open: whether no API key is needed.
        operation: its part of the OpenAPI document; None for pages.
    """

    method: Literal["GET", "POST"]
    path: str
    cache_control: str
    is_open: bool = False
    operation: Operation | None = None


ROUTES = (
    Route("GET", "/", "max-age=300", is_open=True),
    Route("GET", "/docs", AN_HOUR, is_open=True),
    Route("GET", "/openapi.json", AN_HOUR, is_open=True),
    Route(
        "GET",
        "/health",
        NO_STORE,
        is_open=True,
        operation=Operation(
            "health",
            "catalogue",
            "Check that Elasticsearch, the index and the models fit together",
            answers.HealthAnswer,
            other_answers={503: "Something is missing or does not fit; `fault` says what."},
        ),
    ),
    Route(
        "POST",
        "/search",
        NO_STORE,
        operation=Operation(
            "search",
            "search",
            "Find products that look like a picture",
            answers.SearchAnswer,
            parameters=requests.PictureOptions,
            body=(requests.SearchRequest, NextRequest),
            errors=SEARCH_ERRORS,
            description="With a picture or a form as the body, options may be query parameters. With a JSON body, they are fields of it.",
        ),
    ),
    Route(
        "GET",
        "/search",
        NO_STORE,
        operation=Operation(
            "searchByQuery",
            "search",
            "Find products that look like a picture, with everything in the URL",
            answers.SearchAnswer,
            parameters=requests.SearchRequest,
            errors=SEARCH_ERRORS,
            description="Give exactly one of image_url, image, product_id, image_id and images.",
        ),
    ),
    Route(
        "POST",
        "/detect",
        NO_STORE,
        operation=Operation(
            "detect",
            "search",
            "Find the things in a picture",
            answers.DetectAnswer,
            body=(requests.DetectRequest,),
            errors=DETECT_ERRORS,
            description="Each box can be the crop of a search.",
        ),
    ),
    Route(
        "GET",
        "/detect",
        NO_STORE,
        operation=Operation(
            "detectByQuery",
            "search",
            "Find the things in a picture, with everything in the URL",
            answers.DetectAnswer,
            parameters=requests.DetectRequest,
            errors=DETECT_ERRORS,
            description="Give exactly one of image_url and image.",
        ),
    ),
    Route(
        "GET",
        "/products/{id}",
        NO_STORE,
        operation=Operation("product", "catalogue", "Get a product with its attributes and pictures", answers.ProductAnswer, errors=(404,)),
    ),
    Route(
        "GET",
        "/products/{id}/similar",
        NO_STORE,
        operation=Operation(
            "similar",
            "search",
            "Find products that look like a product",
            answers.SearchAnswer,
            parameters=requests.ProductOptions,
            errors=SEARCH_ERRORS,
        ),
    ),
    Route(
        "GET",
        "/attributes",
        "private, max-age=60",
        operation=Operation("attributes", "catalogue", "List the attributes that a filter can use", answers.AttributesAnswer),
    ),
    Route(
        "GET",
        "/stats",
        "private, max-age=10",
        operation=Operation("stats", "catalogue", "Count the products and pictures in the index", answers.StatsAnswer),
    ),
)


def handles(app: "APIGatewayRestResolver", method: str, path: str) -> Callable[[Handler], Handler]:
    """Decorator: registers the handler of a route, which is called with the keyword argument ``product_id`` if ``path`` has ``{id}``.

    Raises:
        StopIteration: there is no such route in `ROUTES`.
    """
    route = next(each for each in ROUTES if (each.method, each.path) == (method, path))
    return app.route(path.replace("{id}", "<product_id>"), methods_of(route), cache_control=route.cache_control)


def methods_of(route: Route) -> list[str]:
    """The methods that a route's handler answers."""
    return ["GET", "HEAD"] if route.method == "GET" else [route.method]


def allowed_methods(path: str) -> Sequence[str]:
    """The methods of a requested path; none if there is no such path."""
    return [
        method for route in ROUTES for method in methods_of(route) if re.fullmatch(re.escape(route.path).replace(r"\{id\}", "[^/]+"), path)
    ]
