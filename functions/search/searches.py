"""Handlers of the routes that search."""

from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, content_types
from aws_lambda_powertools.metrics import MetricUnit
from lookalike.concurrency import run_within
from lookalike.errors import PictureUnusable, RequestInvalid
from lookalike.pictures.formats import HEIC_ADVICE, HEIC_MEDIA_TYPES, MEDIA_TYPES, REGISTERED_MEDIA_TYPES
from lookalike.search.query_vectors import ByProduct
from lookalike.search.search import Query, Search, SearchResult
from lookalike.validation import parsed

from functions.search import cursors, events, forms, requests, responses, routes
from functions.search.responses import Json


def add(app: APIGatewayRestResolver, search: Search, metrics: Metrics) -> None:
    """Registers the handlers of this module."""

    def answer(options: requests.Options, query: Query) -> Json:
        result = run_within(events.remaining_s(app), lambda: search.search(query), "Elasticsearch, or the server of the picture,")
        _measure(result, metrics)
        return responses.search(result, options)

    @routes.handles(app, "POST", "/search")
    def search_by_body() -> Json:
        return answer(*_read_body(events.content_type(app), events.body(app), events.parameters(app)))

    @routes.handles(app, "GET", "/search")
    def search_by_parameters() -> Json:
        request = requests.from_strings(events.parameters(app))
        return answer(request, request.query())

    @routes.handles(app, "GET", "/products/{id}/similar")
    def similar(product_id: str) -> Json:
        options = requests.options_from_strings(events.parameters(app))
        return answer(options, options.query_by(ByProduct(unquote(product_id), options.include_self)))


def _read_body(content_type: str, body: bytes, parameters: Mapping[str, Sequence[str]]) -> tuple[requests.Options, Query]:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in MEDIA_TYPES:
        options = requests.picture_options_from_strings(parameters)
        return options, options.query_by_content(body)
    if media_type == forms.MEDIA_TYPE:
        return _read_form(forms.parse(content_type, body), parameters)
    if media_type == content_types.APPLICATION_JSON:
        return _read_json(body, parameters)
    if media_type in HEIC_MEDIA_TYPES:
        raise PictureUnusable(HEIC_ADVICE)
    expected = ", ".join((content_types.APPLICATION_JSON, forms.MEDIA_TYPE, *REGISTERED_MEDIA_TYPES))
    raise RequestInvalid(f"the content type of the body is not supported: send one of {expected}", field="Content-Type")


def _read_json(body: bytes, parameters: Mapping[str, Sequence[str]]) -> tuple[requests.Options, Query]:
    """Reads the first page's request, or a later page's, which has a cursor."""
    for name in parameters:
        raise RequestInvalid("with a JSON body, options are fields of the body, not query parameters", field=name)
    value = parsed(body, field="body")
    if isinstance(value, dict) and "cursor" in value:
        return cursors.from_json(value)
    request = requests.from_json(value)
    return request, request.query()


def _read_form(form: forms.Form, parameters: Mapping[str, Sequence[str]]) -> tuple[requests.Options, Query]:
    """Reads a form with the picture's file in its field ``image``, or with the fields of a JSON body; options may be query parameters."""
    texts = {name: [*parameters.get(name, ()), *form.texts.get(name, ())] for name in (*parameters, *form.texts)}
    if not form.files:
        request = requests.from_strings(texts)
        return request, request.query()
    files = form.files.get(forms.FILE, [])
    if len(files) != 1 or len(form.files) > 1:
        raise RequestInvalid("send exactly one file, in the form field image", field="image")
    options = requests.picture_options_from_strings(texts)
    return options, options.query_by_content(files[0])


def _measure(result: SearchResult, metrics: Metrics) -> None:
    metrics.add_metric("Search", MetricUnit.Count, 1)
    for stage, milliseconds in result.timings_ms.items():
        metrics.add_metric(f"Search{stage.capitalize()}", MetricUnit.Milliseconds, milliseconds)
