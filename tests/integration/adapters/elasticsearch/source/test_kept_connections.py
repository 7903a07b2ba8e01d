"""A source's connections end while Lambda holds the function still between two calls: the next request is answered."""

import json
import socket
import ssl
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from http.client import parse_headers
from typing import BinaryIO

import pytest
import trustme
from lookalike.adapters.elasticsearch.source import ElasticsearchSource
from lookalike.backfill.model import IndexSpec
from lookalike.errors import IndexUnavailable

AUTHORITY = trustme.CA()
CA = AUTHORITY.cert_pem.bytes().decode()
COUNT = json.dumps({"count": 7}).encode()
ANSWERED, ENDED, RESET = "answered", "ended", "reset"


def _secured(connection: socket.socket) -> socket.socket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    return context.wrap_socket(connection, server_side=True)


def _has_asked(requests: BinaryIO) -> bool:
    """Reads a request with its body; whether one came."""
    line = requests.readline()
    requests.read(int(parse_headers(requests).get("Content-Length", "0")))
    return line.startswith(b"POST")


def _serve(listener: socket.socket, is_secured: bool, connections: Sequence[Sequence[str]]) -> list[int]:
    """Takes as many connections, each for as many requests; returns the connection of each request that came."""
    asked = []
    for number, fates in enumerate(connections):
        accepted, _ = listener.accept()
        with _secured(accepted) if is_secured else accepted as connection, connection.makefile("rb") as requests:
            for fate in fates:
                asked.append(number if _has_asked(requests) else -1)
                if fate == ANSWERED:
                    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(COUNT)}\r\n\r\n"
                    connection.sendall(head.encode() + COUNT)
                if fate == RESET:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    return asked


@contextmanager
def _served(is_secured: bool, *connections: Sequence[str]) -> Iterator[tuple[ElasticsearchSource, Future[list[int]]]]:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        listener.settimeout(10)
        served = pool.submit(_serve, listener, is_secured, connections)
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        source = ElasticsearchSource(f"https://{address}", ca=CA) if is_secured else ElasticsearchSource(f"http://{address}")
        yield source, served


@pytest.mark.parametrize("is_secured", [False, True])
@pytest.mark.parametrize("fate", [ENDED, RESET])
def test_a_connection_that_died_meanwhile_costs_no_request(is_secured: bool, fate: str) -> None:
    with _served(is_secured, (ANSWERED, ANSWERED, fate), (ANSWERED,)) as (source, served):
        assert [source.count(IndexSpec("shop")) for _ in range(3)] == [7, 7, 7]
        assert served.result(10) == [0, 0, 0, 1]


@pytest.mark.parametrize("is_secured", [False, True])
def test_a_server_that_closes_what_is_idle_is_connected_to_again(is_secured: bool) -> None:
    with _served(is_secured, (ANSWERED,), (ANSWERED,), (ANSWERED,)) as (source, served):
        assert [source.count(IndexSpec("shop")) for _ in range(3)] == [7, 7, 7]
        assert served.result(10) == [0, 1, 2]


@pytest.mark.parametrize("is_secured", [False, True])
@pytest.mark.parametrize("fate", [ENDED, RESET])
def test_a_source_that_ends_every_connection_is_asked_twice_and_is_no_setting_s_fault(is_secured: bool, fate: str) -> None:
    with _served(is_secured, (fate,), (fate,)) as (source, served):
        with pytest.raises(IndexUnavailable, match="the source cannot be reached"):
            source.count(IndexSpec("shop"))
        assert served.result(10) == [0, 1]
