"""The routes that search."""

from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, content_types
from aws_lambda_powertools.metrics import MetricUnit
from lookalike.errors import RequestInvalid
from lookalike.searching import Answer, Query, Searching
from lookalike.subjects import ByProduct

from functions.search import cursors, events, forms, openapi, requests, responses
from functions.search.responses import Json
from functions.validation import parsed


def add(app: APIGatewayRestResolver, searching: Searching, metrics: Metrics) -> None:
    """Adds them."""

    def answer(options: requests.Options, query: Query) -> Json:
        found = searching.search(query)
        _measure(found, metrics)
        return responses.answer(found, options)

    @app.post("/search", cache_control="no-store")
    def search_by_body() -> Json:
        return answer(*_asked(events.content_type(app), events.body(app), events.parameters(app)))

    @app.get("/search", cache_control="no-store")
    def search_by_query() -> Json:
        request = requests.from_strings(events.parameters(app))
        return answer(request, request.asked())

    @app.get("/products/<product_id>/similar", cache_control="no-store")
    def similar(product_id: str) -> Json:
        options = requests.options_from_strings(events.parameters(app))
        return answer(options, options.query(ByProduct(unquote(product_id), options.include_self)))


def _asked(content_type: str, body: bytes, parameters: Mapping[str, Sequence[str]]) -> tuple[requests.Options, Query]:
    kind = content_type.partition(";")[0].strip().lower()
    if kind in openapi.PICTURE_TYPES:
        options = requests.picture_options_from_strings(parameters)
        return options, options.file_query(body)
    if kind == forms.MEDIA_TYPE:
        return _asked_in_form(forms.parse(content_type, body), parameters)
    if kind == content_types.APPLICATION_JSON:
        for name in parameters:
            raise RequestInvalid("with a JSON body, options are given in it and not as query parameters", field=name)
        given = parsed(body, field="body")
        if isinstance(given, dict) and "cursor" in given:
            return cursors.from_json(given)
        request = requests.from_json(given)
        return request, request.asked()
    expected = ", ".join((content_types.APPLICATION_JSON, forms.MEDIA_TYPE, *openapi.PICTURE_TYPES))
    raise RequestInvalid(f"the body is of a type that is not taken: send one of {expected}", field="Content-Type")


def _asked_in_form(form: forms.Form, parameters: Mapping[str, Sequence[str]]) -> tuple[requests.Options, Query]:
    """A form with the picture's file in its field ``image``, or with the fields of a JSON body; options may also be query parameters."""
    texts = {name: [*parameters.get(name, ()), *form.texts.get(name, ())] for name in (*parameters, *form.texts)}
    if not form.files:
        request = requests.from_strings(texts)
        return request, request.asked()
    files = form.files.get("image", [])
    if len(files) != 1 or len(form.files) > 1:
        raise RequestInvalid("send one file, in the field image", field="image")
    options = requests.picture_options_from_strings(texts)
    return options, options.file_query(files[0])


def _measure(found: Answer, metrics: Metrics) -> None:
    metrics.add_metric("Search", MetricUnit.Count, 1)
    for stage, milliseconds in found.timings_ms.items():
        metrics.add_metric(f"Search{stage.capitalize()}", MetricUnit.Milliseconds, milliseconds)
