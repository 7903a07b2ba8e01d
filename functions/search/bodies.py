"""Reads request bodies: a picture's file, a multipart form, or JSON."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, content_types
from lookalike.errors import RequestInvalid
from lookalike.pictures.formats import ALL_MEDIA_TYPES, REGISTERED_MEDIA_TYPES
from lookalike.validation import parsed

from functions.search import events, forms

T = TypeVar("T")
Texts = Mapping[str, Sequence[str]]
"""Query parameters or the texts of a form."""


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """How each kind of body is converted: a picture's file with options, form fields, and decoded JSON."""

    of_file: Callable[[bytes, Texts], T]
    of_texts: Callable[[Texts], T]
    of_json: Callable[[Any], T]


def read(app: APIGatewayRestResolver, reading: Reading[T]) -> T:
    """Reads the body of a request. Raises `RequestInvalid` if the body is of another type."""
    content_type, body, parameters = events.content_type(app), events.body(app), events.parameters(app)
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in ALL_MEDIA_TYPES:
        return reading.of_file(body, parameters)
    if media_type == forms.MEDIA_TYPE:
        return _read_form(forms.parse(content_type, body), parameters, reading)
    if media_type == content_types.APPLICATION_JSON:
        for name in parameters:
            raise RequestInvalid("with a JSON body, options are fields of the body, not query parameters", field=name)
        return reading.of_json(parsed(body, field="body"))
    expected = ", ".join((content_types.APPLICATION_JSON, forms.MEDIA_TYPE, *REGISTERED_MEDIA_TYPES))
    raise RequestInvalid(f"the content type of the body is not supported: send one of {expected}", field="Content-Type")


def _read_form(form: forms.Form, parameters: Texts, reading: Reading[T]) -> T:
    """Reads a form with the picture's file in its field ``image``, or with the fields of a JSON body; options may be query parameters."""
    texts = {name: [*parameters.get(name, ()), *form.texts.get(name, ())] for name in (*parameters, *form.texts)}
    if not form.files:
        return reading.of_texts(texts)
    files = form.files.get(forms.FILE, [])
    if len(files) != 1 or len(form.files) > 1:
        raise RequestInvalid("send exactly one file, in the form field image", field="image")
    return reading.of_file(files[0], texts)
