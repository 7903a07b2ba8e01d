"""A shop's image server: pictures at addresses, over connections that are kept, as real ones have them."""

import sys
from collections.abc import Mapping
from email.utils import formatdate
from hashlib import blake2b
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar, Self
from urllib.parse import quote, unquote, urlsplit

from lookalike.pictures.formats import media_type_of


class ImageRequestHandler(BaseHTTPRequestHandler):
    """Answers GET and HEAD with the picture of a name."""

    server: "ImageServer"
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body in one packet

    def do_GET(self) -> None:
        """Answers with the picture of the address."""
        self.answer_name(unquote(urlsplit(self.path).path).lstrip("/"))

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Logs nothing: the terminal belongs to whoever started the server."""

    def answer_name(self, name: str) -> None:
        """The picture of this name; 304 if the client has it, 404 if there is none."""
        path = self.server.pictures.get(name)
        if path is None or not path.is_file():
            return self.answer(HTTPStatus.NOT_FOUND)
        content = path.read_bytes()
        etag = f'"{blake2b(content, digest_size=16).hexdigest()}"'
        headers = {"ETag": etag, "Last-Modified": formatdate(path.stat().st_mtime, usegmt=True)}
        if self.headers["If-None-Match"] == etag:
            return self.answer(HTTPStatus.NOT_MODIFIED, headers=headers)
        return self.answer(HTTPStatus.OK, content, {"Content-Type": media_type_of(path.name), **headers})

    def answer(self, status: HTTPStatus, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Sends an HTTP response with a body."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class ImageServer(ThreadingHTTPServer):
    """Serves each picture at ``/NAME`` until its ``with`` block ends.

    Args:
        pictures: the file of each name.
        port: where to listen; 0 is any free port.
        host: address to listen on.
        known_as: host by which its clients reach it, if that is another.

    Raises:
        OSError: the port is in use.
    """

    request_queue_size = 128
    handler: ClassVar = ImageRequestHandler

    def __init__(self, pictures: Mapping[str, Path], *, port: int = 0, host: str = "127.0.0.1", known_as: str | None = None) -> None:
        super().__init__((host, port), self.handler)
        self.pictures = pictures
        self.origin = f"{known_as or host}:{self.server_port}"
        """``host:port``, as the setting ``private_image_origins`` wants it."""

    def url(self, name: str) -> str:
        """The address of a picture."""
        return f"http://{self.origin}/{quote(name)}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Prints what went wrong, unless it is that the client hung up."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()
