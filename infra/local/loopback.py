"""A WSGI application on a loopback port, in a thread."""

import socket
import threading
from collections.abc import Callable
from typing import Self

import requests
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response


class LoopbackServer:
    """Answers one request a thread until its ``with`` block ends.

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
        """The address at which the server answers."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _RequestHandler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Logs nothing: the functions' own logs tell more."""


def answers(url: str) -> bool:
    """Whether something speaks HTTP there, whatever it says."""
    try:
        requests.get(url, timeout=5)
    except requests.RequestException:
        return False
    return True


def free_port(preferred: int = 0) -> int:
    """A port that nothing listens on: ``preferred`` if that is free, else another."""
    try:
        with socket.create_server(("127.0.0.1", preferred)) as probe:
            return int(probe.getsockname()[1])
    except OSError:
        return free_port()
