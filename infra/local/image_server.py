"""A shop's image server on this machine: pictures at addresses, as slow and as faulty as a test wants it."""

import sys
from collections import Counter
from collections.abc import Callable, Mapping
from email.utils import formatdate
from hashlib import blake2b
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from mimetypes import guess_type
from pathlib import Path
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

HUGE_BYTES = 60_000_000


class ImageServer:
    """Serves pictures until its ``with`` block ends, on 127.0.0.1 unless told otherwise.

    A picture is at ``/NAME``. With ``faults``, there are also::

        /fault/status/CODE          that status, with an empty body
        /fault/busy-once/NAME       429 with Retry-After the first time, the picture from then on
        /fault/truncated/NAME       half of the bytes that Content-Length promises, then the end of the connection
        /fault/slow/NAME            the picture after `slow_s`
        /fault/huge                 60 MB of zeros as image/jpeg
        /fault/redirect?to=ADDRESS  302 to it

    Args:
        pictures: the file of each name.
        port: where to listen; 0 is any free port.
        latency_ms: how long each answer waits.
        faults: whether the addresses above exist.
        slow_s: how long ``/fault/slow`` waits.
        host: address to listen on.
        known_as: host by which its clients reach it, if that is another.

    Raises:
        OSError: the port is in use.
    """

    def __init__(
        self,
        pictures: Mapping[str, Path],
        *,
        port: int = 0,
        latency_ms: float = 0,
        faults: bool = False,
        slow_s: float = 30,
        host: str = "127.0.0.1",
        known_as: str | None = None,
    ) -> None:
        self.pictures = pictures
        self.latency_s = latency_ms / 1000
        self.faults = faults
        self.slow_s = slow_s
        self.requests: Counter[str] = Counter()
        """How often each path was asked for."""
        self.stopping = Event()
        self._lock = Lock()
        self._known_as = known_as or host
        self._server = _Server(self, host, port)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="image-server", daemon=True)

    @property
    def origin(self) -> str:
        """``host:port``, as the setting ``private_image_origins`` wants it."""
        return f"{self._known_as}:{self._server.server_port}"

    def url(self, name: str) -> str:
        """The address of a picture, or of a fault such as ``fault/huge``."""
        return f"http://{self.origin}/{quote(name)}"

    def count(self, path: str) -> int:
        """Notes a request; returns how many there were for this path, this one included."""
        with self._lock:
            self.requests[path] += 1
            return self.requests[path]

    def __enter__(self) -> "ImageServer":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, images: ImageServer, host: str, port: int) -> None:
        self.images = images
        super().__init__((host, port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Prints what went wrong, unless it is that the client hung up."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "images"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body in one packet

    def do_GET(self) -> None:
        images = self.server.images
        address = urlsplit(self.path)
        path = unquote(address.path).lstrip("/")
        times = images.count(path)
        images.stopping.wait(images.latency_s)
        if images.faults and path.startswith("fault/"):
            self._fault(path.removeprefix("fault/"), parse_qs(address.query), times)
        else:
            self._picture(path)

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """The terminal belongs to whoever started the server."""

    def _fault(self, path: str, query: Mapping[str, list[str]], times: int) -> None:
        kind, _, rest = path.partition("/")
        faults: Mapping[str, Callable[[], None]] = {
            "status": lambda: self._answer(HTTPStatus(int(rest))),
            "busy-once": lambda: self._busy() if times == 1 else self._picture(rest),
            "truncated": lambda: self._truncated(rest),
            "slow": lambda: self._slow(rest),
            "huge": lambda: self._answer(HTTPStatus.OK, bytes(HUGE_BYTES), {"Content-Type": "image/jpeg"}),
            "redirect": lambda: self._answer(HTTPStatus.FOUND, headers={"Location": query["to"][0]}),
        }
        faults.get(kind, lambda: self._answer(HTTPStatus.NOT_FOUND))()

    def _busy(self) -> None:
        self._answer(HTTPStatus.TOO_MANY_REQUESTS, headers={"Retry-After": "0"})

    def _slow(self, name: str) -> None:
        self.server.images.stopping.wait(self.server.images.slow_s)
        self._picture(name)

    def _truncated(self, name: str) -> None:
        content = self.server.images.pictures[name].read_bytes()
        self._answer(HTTPStatus.OK, content[: len(content) // 2], {"Content-Type": "image/jpeg", "Content-Length": str(len(content))})
        self.close_connection = True

    def _picture(self, name: str) -> None:
        path = self.server.images.pictures.get(name)
        if path is None or not path.is_file():
            self._answer(HTTPStatus.NOT_FOUND)
            return
        content = path.read_bytes()
        etag = f'"{blake2b(content, digest_size=16).hexdigest()}"'
        headers = {"ETag": etag, "Last-Modified": formatdate(path.stat().st_mtime, usegmt=True)}
        if self.headers["If-None-Match"] == etag:
            self._answer(HTTPStatus.NOT_MODIFIED, headers=headers)
            return
        self._answer(HTTPStatus.OK, content, {"Content-Type": guess_type(path.name)[0] or "application/octet-stream", **headers})

    def _answer(self, status: HTTPStatus, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
