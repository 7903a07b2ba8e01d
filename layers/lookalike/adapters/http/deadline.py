"""HTTP answers that are read until a deadline, headers included.

A socket's timeout begins anew with every byte: a server that sends one now and then could hold a reader for hours.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from http import HTTPStatus
from http.client import HTTPResponse, parse_headers
from io import BufferedReader, RawIOBase
from socket import socket
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

_deadline: ContextVar[float] = ContextVar("deadline", default=float("inf"))


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What is read inside, by this thread and through an adapter that observes it, raises a timeout when the time is over."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def left_s() -> float:
    """The seconds that are left, not below 0; infinite outside of `within`."""
    return max(0.0, _deadline.get() - time.monotonic())


def observe(adapter: HTTPAdapter) -> None:
    """Makes an adapter's connections observe the deadline."""
    adapter.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


class _Stream(RawIOBase):
    """The bytes of an answer."""

    def __init__(self, raw: Any, sock: socket) -> None:
        self._raw = raw
        self._sock = sock
        self._timeout_s = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = left_s()
        if not left:
            raise TimeoutError("the time to read an answer is over")
        self._sock.settimeout(min(left, self._timeout_s or left))
        read: int | None = self._raw.readinto(buffer)
        return read

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    """An answer; those of status 1xx before it (103 Early Hints) are skipped."""

    def __init__(self, sock: socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = BufferedReader(_Stream(self.fp.detach(), sock))

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc] # the one place where http.client skips 100
            if not HTTPStatus.SWITCHING_PROTOCOLS < status < HTTPStatus.OK:
                return version, status, reason
            parse_headers(self.fp)


class _Connection(HTTPConnection):
    response_class = _Response


class _SecureConnection(HTTPSConnection):
    response_class = _Response


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection
