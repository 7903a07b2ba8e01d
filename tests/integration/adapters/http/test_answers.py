"""What each answer of a server means: a picture, a refusal, or a fault that may pass; and how long it is waited for."""

import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from lookalike.adapters.http import deadline
from lookalike.adapters.http.fetcher import MAX_REDIRECTS, REQUESTS_A_HOST, HttpFetcher
from lookalike.errors import DownloadFailed, PictureUnreachable, PictureUnusable
from requests.adapters import HTTPAdapter

from tests.faulty_image_server import FaultyImageServer
from tests.integration.adapters.http.conftest import LEAST_LIMIT, PICTURE
from tests.integration.scripted_server import Connection, ScriptedServer, answer


def test_redirects_are_followed_up_to_a_limit(server: ScriptedServer, fetcher: HttpFetcher) -> None:
    assert fetcher.fetch(server.url(f"/redirect/{MAX_REDIRECTS}")).content == PICTURE

    with pytest.raises(PictureUnreachable, match="redirects"):
        fetcher.fetch(server.url(f"/redirect/{MAX_REDIRECTS + 1}"))


def test_the_body_of_a_redirect_is_not_read(server: ScriptedServer, fetcher: HttpFetcher) -> None:
    assert fetcher.fetch(server.url("/redirect-without-end")).content == PICTURE


@pytest.mark.parametrize(("path", "status"), [("/missing", 404), ("/gone", 410), ("/forbidden", 403)])
def test_a_permanent_error_is_raised_with_its_status(server: ScriptedServer, fetcher: HttpFetcher, path: str, status: int) -> None:
    with pytest.raises(PictureUnreachable) as refused:
        fetcher.fetch(server.url(path))

    assert refused.value.status == status


@pytest.mark.parametrize(("path", "retry_after_s"), [("/busy", 120), ("/busy-for-long", 300), ("/busy-until", 2), ("/broken", 2)])
def test_a_transient_error_says_when_to_try_again(server: ScriptedServer, fetcher: HttpFetcher, path: str, retry_after_s: int) -> None:
    with pytest.raises(DownloadFailed) as busy:
        fetcher.fetch(server.url(path))

    assert busy.value.retry_after_s == retry_after_s


@pytest.mark.usefixtures("small_limit")
@pytest.mark.parametrize("path", ["/declared-large", "/undeclared-large", "/bomb"])
def test_a_body_above_the_limit_is_refused(server: ScriptedServer, fetcher: HttpFetcher, path: str) -> None:
    with pytest.raises(PictureUnusable, match="too large"):
        fetcher.fetch(server.url(path))


@pytest.mark.usefixtures("small_limit")
def test_a_body_at_the_limit_is_fetched(server: ScriptedServer, fetcher: HttpFetcher) -> None:
    assert len(fetcher.fetch(server.url("/just-fits")).content) == LEAST_LIMIT


@pytest.mark.parametrize("path", ["/ends-early", "/no-http", "/hangs-up"])
def test_a_truncated_or_broken_answer_is_transient(server: ScriptedServer, fetcher: HttpFetcher, path: str) -> None:
    with pytest.raises(DownloadFailed):
        fetcher.fetch(server.url(path))


def test_a_read_timeout_is_transient(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lookalike.adapters.http.fetcher.READ_TIMEOUT_S", 0.2)

    with pytest.raises(DownloadFailed):
        HttpFetcher(frozenset({server.origin})).fetch(server.url("/silent"))


@pytest.mark.parametrize("path", ["/drips", "/drips-a-header", "/redirect-that-drips"])
def test_a_slow_drip_ends_at_the_deadline(server: ScriptedServer, path: str) -> None:
    fetcher = HttpFetcher(frozenset({server.origin}), total_timeout_s=0.5)

    with pytest.raises(DownloadFailed):
        fetcher.fetch(server.url(path))


def test_a_refused_connection_is_transient() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        origin = f"127.0.0.1:{free.getsockname()[1]}"

    with pytest.raises(DownloadFailed):
        HttpFetcher(frozenset({origin})).fetch(f"http://{origin}/picture")


def test_a_retry_after_date_is_respected() -> None:
    date = formatdate(time.time() + 100, usegmt=True)
    with ScriptedServer({"/picture": answer("429 Too Many Requests", Retry_After=date)}) as server, pytest.raises(DownloadFailed) as busy:
        HttpFetcher(frozenset({server.origin})).fetch(server.url("/picture"))
    assert 90 < busy.value.retry_after_s <= 100


def test_requests_to_a_host_are_limited_and_its_connections_are_reused(tmp_path: Path) -> None:
    (tmp_path / "hat.jpg").write_bytes(PICTURE)
    with FaultyImageServer({"hat.jpg": tmp_path / "hat.jpg"}, latency_ms=20) as server, ThreadPoolExecutor(3 * REQUESTS_A_HOST) as pool:
        fetcher = HttpFetcher(frozenset({server.origin}))
        list(pool.map(lambda _: fetcher.fetch(server.url("hat.jpg")), range(6 * REQUESTS_A_HOST)))

        [connections] = [pool.num_connections for pool in _pools(fetcher)]
        assert connections <= REQUESTS_A_HOST


def _serve(listener: socket.socket, *connections: Sequence[bool]) -> list[int]:
    """Takes as many connections, whose requests are answered or not; then each is ended. Returns the connection of each request."""
    asked = []
    listener.settimeout(10)
    for number, answers in enumerate(connections):
        connection, _ = listener.accept()
        with connection:
            for is_answered in answers:
                asked.append(number if connection.recv(65536) else -1)
                if is_answered:
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(PICTURE) + PICTURE)
    return asked


def test_a_connection_that_died_while_lambda_held_the_function_still_costs_no_picture() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        served = pool.submit(_serve, listener, (True, False), (True,))
        origin = f"127.0.0.1:{listener.getsockname()[1]}"
        fetcher = HttpFetcher(frozenset({origin}))

        assert [fetcher.fetch(f"http://{origin}/hat.jpg").content for _ in range(2)] == [PICTURE] * 2
        assert served.result(10) == [0, 0, 1]


def test_a_server_that_ends_every_connection_without_an_answer_is_asked_twice() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        served = pool.submit(_serve, listener, (False,), (False,))
        origin = f"127.0.0.1:{listener.getsockname()[1]}"

        with pytest.raises(DownloadFailed, match="did not answer"):
            HttpFetcher(frozenset({origin})).fetch(f"http://{origin}/hat.jpg")
        assert served.result(10) == [0, 1]


def _pools(fetcher: HttpFetcher) -> list[Any]:
    managers = [adapter.poolmanager for adapter in fetcher._session.adapters.values() if isinstance(adapter, HTTPAdapter)]
    return [manager.pools[key] for manager in managers for key in manager.pools.keys()]  # noqa: SIM118 - urllib3's own container


@pytest.mark.parametrize("asked", ["Fri, 31 Dec 99999999999 23:59:59 GMT", "\u00b2", "9" * 5000, "soon", "-1", ""])
def test_no_retry_after_that_a_server_can_send_is_more_than_a_transient_error(asked: str) -> None:
    def script(connection: Connection) -> None:
        connection.send(f"HTTP/1.1 429 Too Many Requests\r\nRetry-After: {asked}\r\nContent-Length: 0\r\n\r\n".encode("latin-1"))

    with ScriptedServer({"/picture": script}) as server, pytest.raises(DownloadFailed) as busy:
        HttpFetcher(frozenset({server.origin})).fetch(server.url("/picture"))
    assert 0 <= busy.value.retry_after_s <= 300


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ("200 OK\r\n" + "X: y\r\n" * 150, "more than 100 headers"),
        ("302 Found\r\nLocation: /whole\r\n" + "X: y\r\n" * 150, "more than 100 headers"),
        ("103 Early Hints\r\n" + "Link: </a>\r\n" * 150 + "\r\nHTTP/1.1 200 OK\r\n", "more than 100 headers"),
        ("200 OK\r\nX: " + "y" * 70_000 + "\r\n", "more than 65536 bytes when reading header line"),
        ("200 " + "O" * 70_000 + "\r\n", "more than 65536 bytes when reading status line"),
    ],
    ids=["many", "many in a redirect", "many before the answer", "long", "long status"],
)
def test_headers_that_nobody_reads_are_a_refusal_for_good_with_the_reason(head: str, reason: str) -> None:
    script = {"/picture": lambda connection: connection.send(f"HTTP/1.1 {head}\r\n".encode())}
    refusal = pytest.raises(PictureUnreachable, match=f"too many headers, or too long ones: got {reason}")
    with ScriptedServer(script) as server, refusal:
        HttpFetcher(frozenset({server.origin})).fetch(server.url("/picture"))


def test_as_many_headers_as_are_read_may_come() -> None:
    head = "X: y\r\n" * 97 + "Content-Length: 22\r\nY: " + "y" * 65_000
    with ScriptedServer(
        {"/picture": lambda connection: connection.send(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + PICTURE)}
    ) as server:
        assert HttpFetcher(frozenset({server.origin})).fetch(server.url("/picture")).content == PICTURE


def test_the_wait_for_a_host_s_turn_is_a_part_of_a_download_s_time(server: ScriptedServer) -> None:
    fetcher, left = HttpFetcher(frozenset({server.origin}), total_timeout_s=0.5), list[float]()
    turn = fetcher._turn  # the one place where the time that is left can be seen

    @contextmanager
    def slow_turn(host: str) -> Iterator[None]:
        time.sleep(0.2)
        with turn(host):
            left.append(deadline.left_s())
            yield

    fetcher._turn = slow_turn  # type: ignore[method-assign]
    fetcher.fetch(server.url("/picture"))

    assert left[0] <= 0.3
