"""An image server with faults at addresses of their own."""

from collections import Counter
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from threading import Event, Lock
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from infra.demo.image_server import ImageRequestHandler, ImageServer

HUGE_BYTES = 60_000_000


class _Handler(ImageRequestHandler):
    server: "FaultyImageServer"

    def do_GET(self) -> None:  # noqa: N802
        with self.server.lock:
            self.server.requests[unquote(urlsplit(self.path).path).lstrip("/")] += 1
        self.server.stopping.wait(self.server.latency_s)
        super().do_GET()

    do_HEAD = do_GET  # noqa: N815

    def answer_name(self, name: str) -> None:
        folder, _, rest = name.partition("/")
        if folder != "fault":
            super().answer_name(name)
            return
        kind, _, rest = rest.partition("/")
        faults: Mapping[str, Callable[[], None]] = {
            "status": lambda: self.answer(HTTPStatus(int(rest))),
            "busy-once": lambda: self._busy() if self.server.requests[name] == 1 else self.answer_name(rest),
            "truncated": lambda: self._truncated(rest),
            "slow": lambda: self._slow(rest),
            "huge": lambda: self.answer(HTTPStatus.OK, bytes(HUGE_BYTES), {"Content-Type": "image/jpeg"}),
            "redirect": lambda: self.answer(HTTPStatus.FOUND, headers={"Location": parse_qs(urlsplit(self.path).query)["to"][0]}),
        }
        faults.get(kind, lambda: self.answer(HTTPStatus.NOT_FOUND))()

    def _busy(self) -> None:
        self.answer(HTTPStatus.TOO_MANY_REQUESTS, headers={"Retry-After": "0"})

    def _slow(self, name: str) -> None:
        self.server.stopping.wait(self.server.slow_s)
        self.answer_name(name)

    def _truncated(self, name: str) -> None:
        content = self.server.pictures[name].read_bytes()
        self.answer(HTTPStatus.OK, content[: len(content) // 2], {"Content-Type": "image/jpeg", "Content-Length": str(len(content))})
        self.close_connection = True


class FaultyImageServer(ImageServer):
    """An `ImageServer` that counts its requests, waits ``latency_ms`` before each answer, and also has::

    /fault/status/CODE          that status, with an empty body
    /fault/busy-once/NAME       429 with Retry-After the first time, the picture from then on
    /fault/truncated/NAME       half of the bytes that Content-Length promises, then the end of the connection
    /fault/slow/NAME            the picture after `slow_s`
    /fault/huge                 60 MB of zeros as image/jpeg
    /fault/redirect?to=ADDRESS  302 to it
    """

    handler = _Handler

    def __init__(self, pictures: Mapping[str, Path], *, latency_ms: float = 0, slow_s: float = 30, **options: Any) -> None:
        super().__init__(pictures, **options)
        self.latency_s = latency_ms / 1000
        self.slow_s = slow_s
        self.requests: Counter[str] = Counter()
        self.stopping = Event()
        self.lock = Lock()

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        super().__exit__()
