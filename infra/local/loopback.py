"""A WSGI application on a loopback port, in a thread."""

import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response


class LoopbackServer:
    """Serves one request a thread until its ``with`` block ends.

    Args:
        answer: request -> response.
        port: 0 for any that is free.
    """

    def __init__(self, answer: Callable[[Request], Response], *, port: int = 0) -> None:
        application = Request.application(answer)
        self._server = make_server("127.0.0.1", port, application, threaded=True, request_handler=_RequestHandler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _RequestHandler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keeps quiet: the functions' own logs tell more."""


def free_port(preferred: int) -> int:
    """``preferred`` if nothing listens there, else 0, which means any that is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", preferred))
        except OSError:
            return 0
    return preferred
