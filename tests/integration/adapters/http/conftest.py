"""A server that answers as each path says, and name resolution that a test controls."""

import gzip
import socket
from collections.abc import Callable, Iterator

import pytest
from lookalike.adapters.http.fetcher import MAX_REDIRECTS, HttpFetcher
from pytest_socket import socket_allow_hosts

from tests.integration.scripted_server import Connection, ScriptedServer, answer

PICTURE = b"the bytes of a picture"

LEAST_LIMIT = 1000


def _dripping(head: bytes, rest: bytes) -> Callable[[Connection], None]:
    def serve(connection: Connection) -> None:
        connection.send(head)
        connection.drip(rest, pause_s=0.02)

    return serve


REDIRECTS = {f"/redirect/{n}": answer("302 Found", Location=f"/redirect/{n - 1}") for n in range(1, MAX_REDIRECTS + 2)}
SCRIPTS = REDIRECTS | {
    "/redirect/0": answer(body=PICTURE),
    "/picture": answer(body=PICTURE, ETag='"v1"'),
    "/cookie": answer(body=PICTURE, Set_Cookie="visitor=1; Path=/"),
    "/gone": answer("410 Gone"),
    "/missing": answer("404 Not Found"),
    "/forbidden": answer("403 Forbidden"),
    "/busy": answer("429 Too Many Requests", Retry_After="120"),
    "/busy-for-long": answer("429 Too Many Requests", Retry_After="86400"),
    "/busy-until": answer("503 Service Unavailable", Retry_After="Wed, 21 Oct 2026 07:28:00 GMT"),
    "/broken": answer("500 Internal Server Error"),
    "/declared-large": answer(body=b"x", Content_Length=str(LEAST_LIMIT + 1)),
    "/just-fits": answer(body=bytes(LEAST_LIMIT)),
    "/undeclared-large": answer(body=bytes(LEAST_LIMIT + 1), Content_Length=""),
    "/bomb": answer(body=gzip.compress(bytes(1000 * LEAST_LIMIT)), Content_Encoding="gzip"),
    "/ends-early": answer(body=PICTURE, Content_Length="1000"),
    "/no-http": lambda connection: connection.send(b"220 mail.example ESMTP\r\n"),
    "/hangs-up": lambda connection: None,
    "/silent": Connection.wait,
    "/drips": _dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
    "/drips-a-header": _dripping(b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "/redirect-that-drips": _dripping(b"HTTP/1.1 302 Found\r\nLocation: /redirect-that-drips\r\n", b"X: y\r\n"),
    "/redirect-without-end": _dripping(b"HTTP/1.1 302 Found\r\nLocation: /picture\r\n\r\n", b"x"),
    "/kleid%20gr%C3%BCn.jpg": answer(body=PICTURE),
    "/latin-gr%FCn.jpg": answer(body=PICTURE),
    "/a%2Fb.jpg?size=1%20000&x=%C3%BC": answer(body=PICTURE),
    "/100%25.jpg": answer(body=PICTURE),
    "/shop/elsewhere": answer("301 Moved Permanently", Location="../kleid gr\u00fcn.jpg"),
    "/to-query": answer("307 Temporary Redirect", Location="/a%2Fb.jpg?size=1 000&x=\u00fc"),
    "/to-encoded": answer("308 Permanent Redirect", Location="/latin-gr%FCn.jpg#top"),
    "/to-file": answer("302 Found", Location="file:///etc/passwd"),
    "/to-nonsense": answer("302 Found", Location="http://[/"),
    "/to-metadata": answer("302 Found", Location="http://169.254.169.254/latest/meta-data/"),
}


@pytest.fixture(autouse=True)
def _this_machine_only() -> None:
    """An address that ought to be refused, and is not, fails the test instead of being called."""
    socket_allow_hosts(["127.0.0.1"], allow_unix_socket=True)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(SCRIPTS) as server:
        yield server


@pytest.fixture
def fetcher(server: ScriptedServer) -> HttpFetcher:
    return HttpFetcher(frozenset({server.origin}))


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("fetcher", "bodies"):
        monkeypatch.setattr(f"lookalike.adapters.http.{module}.MAX_BYTES", LEAST_LIMIT)


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Gives a host name an address; names that were given none do not exist."""
    known: dict[str, str] = {}
    real = socket.getaddrinfo

    def getaddrinfo(host: str, *args: object, **kwargs: object) -> object:
        if host[:1].isdigit() or ":" in host:
            return real(host, *args, **kwargs)  # type: ignore[arg-type]
        host.encode("idna")  # as the real one does first
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(known[host], *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known.__setitem__
