"""Parses ``multipart/form-data`` bodies (RFC 7578)."""

from dataclasses import dataclass
from email.message import Message

from aws_lambda_powertools.event_handler import content_types
from lookalike.errors import RequestInvalid

MEDIA_TYPE = "multipart/form-data"
FILE = "image"
"""The field that is a picture's file."""

MAX_PARTS = 50

MAX_HEAD_BYTES = 16_384
"""Of a part's headers, which Python's parser reads in a time that grows with their square."""


@dataclass(frozen=True, slots=True)
class Form:
    """The texts and the files of a form, by field name, in the order in which they were sent."""

    texts: dict[str, list[str]]
    files: dict[str, list[bytes]]


def parse(content_type: str, body: bytes) -> Form:
    """Parses a multipart form into files and fields.

    Args:
        content_type: the request's header ``Content-Type``, which names the boundary.
        body: the request's body.

    Raises:
        RequestInvalid: the form is malformed or incomplete, or has more than `MAX_PARTS` parts.
    """
    boundary = _header("Content-Type", content_type).get_param("boundary")
    if not isinstance(boundary, str) or not boundary:
        raise RequestInvalid("multipart/form-data needs the parameter boundary", field="Content-Type")
    delimiter = b"\r\n--" + boundary.encode()
    _, *parts = (b"\r\n" + body).split(delimiter, MAX_PARTS + 1)
    if len(parts) > MAX_PARTS:
        raise RequestInvalid(f"the form has more than {MAX_PARTS} parts", field="body")
    if not parts or not parts[-1].startswith(b"--"):
        raise RequestInvalid("the form is incomplete: its last boundary is missing", field="body")
    form = Form({}, {})
    for part in parts[:-1]:
        _add(part, form)
    return form


def _add(part: bytes, form: Form) -> None:
    head, blank, content = part.partition(b"\r\n\r\n")
    if not blank or len(head) > MAX_HEAD_BYTES:
        raise RequestInvalid("a part of the form has no headers, or too long ones", field="body")
    try:
        headers = Message()
        for line in _text(head).strip().split("\r\n"):
            header, value = line.split(":", 1)
            headers[header.strip()] = value.strip()
        name = headers.get_param("name", header="Content-Disposition")
        if not isinstance(name, str):
            raise ValueError("no name")
    except ValueError as error:
        raise RequestInvalid("a part of the form has no name", field="body") from error
    try:
        if not _is_file(headers):
            text = content.decode()
            form.texts.setdefault(name, []).append(text)
            return
    except UnicodeDecodeError as error:
        if name != FILE:
            raise RequestInvalid(f"the part {name!r} of the form is no text in UTF-8", field="body") from error
    form.files.setdefault(name, []).append(content)


def _text(head: bytes) -> str:
    """Decodes the headers of a part: UTF-8, or Latin-1, in which older clients write file names."""
    try:
        return head.decode()
    except UnicodeDecodeError:
        return head.decode("latin-1")


def _is_file(headers: Message) -> bool:
    """Whether a part is a file: it has a file name, or, from some clients, only a content type other than JSON."""
    is_text = headers.get_content_maintype() == "text" or headers.get_content_type() == content_types.APPLICATION_JSON
    return headers.get_filename() is not None or ("Content-Type" in headers and not is_text)


def _header(name: str, value: str) -> Message:
    message = Message()
    message[name] = value
    return message
