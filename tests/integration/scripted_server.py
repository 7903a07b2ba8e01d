"""A server that misbehaves as a test scripts it: each path is answered to the byte."""

import socket
import threading
from collections.abc import Callable, Mapping
from email.message import Message
from http.client import parse_headers
from types import TracebackType

Script = Callable[["Connection"], None]


class Connection:
    """A connection whose request was read. ``send`` raises OSError once the client has disconnected."""

    def __init__(self, connection: socket.socket, path: str, headers: Message, stopping: threading.Event) -> None:
        self.path, self.headers = path, headers
        self._connection = connection
        self._stopping = stopping

    def send(self, content: bytes) -> None:
        """Sends raw bytes, status line and headers included."""
        self._connection.sendall(content)

    def drip(self, content: bytes, pause_s: float) -> None:
        """Sends a byte now and then, over and over, until the client disconnects."""
        while not self._stopping.wait(pause_s):
            for byte in content:
                self.send(bytes([byte]))

    def wait(self) -> None:
        """Says nothing until the server stops."""
        self._stopping.wait()


class ScriptedServer:
    """Serves on 127.0.0.1 until its ``with`` block ends; ``connections`` are those that were made, in order."""

    def __init__(self, scripts: Mapping[str, Script]) -> None:
        self.connections: list[Connection] = []
        self._scripts = scripts
        self._stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]

    @property
    def origin(self) -> str:
        """``host:port``."""
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def url(self, path: str) -> str:
        """The address of a script."""
        return f"http://{self.origin}{path}"

    def __enter__(self) -> "ScriptedServer":
        self._threads[0].start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stopping.set()
        socket.create_connection(self._listener.getsockname()).close()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._stopping.is_set():
                connection.close()
                return
            self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            path = stream.readline().split(b" ")[1:2]
            if not path:
                return
            served = Connection(connection, path[0].decode(), parse_headers(stream), self._stopping)
            self.connections.append(served)
            try:
                self._scripts[served.path](served)
            except OSError:
                return  # the client has disconnected


def answer(status: str = "200 OK", body: bytes = b"", **headers: str) -> Script:
    """A whole answer; ``Content_Length="…"`` is the header of that name, an empty one is left out."""
    lines = {"Content-Length": str(len(body)), "Connection": "close"} | {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return lambda connection: connection.send(f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body)
