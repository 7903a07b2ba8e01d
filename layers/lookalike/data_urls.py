"""Decodes base64 and ``data:`` URLs as browsers do. Their media types are ignored: a picture's bytes say what it is."""

import base64
import binascii
import re
from urllib.parse import unquote_to_bytes

from lookalike.errors import RequestInvalid

_WHITESPACE = re.compile(r"[ \t\n\f\r]+")


def is_data_url(text: str) -> bool:
    """Whether a URL has the scheme ``data:``."""
    return text[:5].lower() == "data:"


def content(text: str, field: str) -> bytes:
    """The bytes in a ``data:`` URL or in base64.

    White space and missing padding are accepted: https://infra.spec.whatwg.org/#forgiving-base64-decode.

    Args:
        text: the URL or the base64.
        field: the request's field that has it, to name in errors.

    Raises `RequestInvalid`: it is neither.
    """
    if not is_data_url(text):
        return _base64(text, field)
    head, comma, data = text[5:].partition("#")[0].partition(",")
    if not comma:
        raise RequestInvalid("a data: URL needs a comma before its data", field=field)
    if head.rstrip().lower().endswith(";base64"):
        return _base64(unquote_to_bytes(data).decode("latin-1"), field)
    return unquote_to_bytes(data)


def _base64(text: str, field: str) -> bytes:
    compact = _WHITESPACE.sub("", text).rstrip("=")
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestInvalid("the picture is neither base64 nor a data: URL", field=field) from error
