"""Handlers of the routes that detect the objects in a picture."""

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from lookalike.concurrency import run_within
from lookalike.errors import RequestInvalid
from lookalike.search.detect import NO_NETWORK, Detector

from functions.search import bodies, events, requests, responses, routes
from functions.search.responses import Json


def add(app: APIGatewayRestResolver, detect: Detector | None) -> None:
    """Registers the handlers of this module; if ``detect`` is None, they answer with a 400 that says how to add the network."""

    def answer(picture: bytes | str) -> Json:
        if detect is None:
            raise RequestInvalid(NO_NETWORK)
        found = run_within(events.remaining_s(app), lambda: detect.detect(picture), "the server of the picture")
        return responses.detection(found)

    @routes.handles(app, "POST", "/detect")
    def detect_by_body() -> Json:
        return answer(bodies.read(app, _READING))

    @routes.handles(app, "GET", "/detect")
    def detect_by_parameters() -> Json:
        return answer(requests.detect_from_strings(events.parameters(app)).picture())


def _of_file(content: bytes, texts: bodies.Texts) -> bytes:
    for name in texts:
        raise RequestInvalid("/detect with a picture's file takes no options", field=name)
    return content


_READING: bodies.Reading[bytes | str] = bodies.Reading(
    _of_file, lambda texts: requests.detect_from_strings(texts).picture(), lambda value: requests.detect_from_json(value).picture()
)
