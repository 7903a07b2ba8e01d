"""Parses ``multipart/form-data`` bodies (RFC 7578)."""

from dataclasses import dataclass
from email.message import Message

from lookalike.errors import RequestInvalid

MEDIA_TYPE = "multipart/form-data"
MAX_PARTS = 50


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
        RequestInvalid: this is not a complete form, or it has more than `MAX_PARTS` parts.
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
    if not blank:
        raise RequestInvalid("a part of the form has no headers", field="body")
    try:
        headers = dict(line.split(":", 1) for line in head.decode().strip().split("\r\n"))
        disposition = next(value for name, value in headers.items() if name.strip().lower() == "content-disposition")
        parameters = _header("Content-Disposition", disposition.strip())
        name = parameters.get_param("name", header="Content-Disposition")
        if not isinstance(name, str):
            raise ValueError("no name")
        if parameters.get_filename() is not None:
            form.files.setdefault(name, []).append(content)
        else:
            form.texts.setdefault(name, []).append(content.decode())
    except (ValueError, StopIteration) as error:
        raise RequestInvalid("a part of the form has no name, or text that is not UTF-8", field="body") from error


def _header(name: str, value: str) -> Message:
    message = Message()
    message[name] = value
    return message
