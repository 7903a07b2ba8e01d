"""Servers of pictures with TLS: a refused certificate is final and named, a broken handshake may pass."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import trustme
from lookalike.adapters.http.fetcher import HttpFetcher
from lookalike.errors import DownloadFailed, Misconfigured, PictureUnreachable

from tests.integration.adapters.http.conftest import PICTURE
from tests.integration.scripted_server import ScriptedServer, answer

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(PICTURE), PICTURE)
INTERNAL_ERROR = bytes([21, 3, 3, 0, 2, 2, 80])
"""A TLS record: fatal alert, internal_error."""

ROOT = trustme.CA()
TRUSTED = ROOT.cert_pem.bytes().decode()


@contextmanager
def _server(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """The origin of a server that treats every connection like this."""

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.settimeout(5)
                    serve(connection)
                except OSError:
                    continue  # the client refused

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def _with_certificate(leaf: trustme.LeafCert, *, is_complete: bool = True, sent: bytes = ANSWER) -> Callable[[socket.socket], None]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if is_complete:
        leaf.configure_cert(context)
    else:
        with leaf.private_key_pem.tempfile() as key, leaf.cert_chain_pems[0].tempfile() as certificate:
            context.load_cert_chain(certificate, key)

    def serve(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(65_536)
            secured.sendall(sent)

    return serve


def _fetch(origin: str, ca: str | None = TRUSTED) -> bytes:
    return HttpFetcher(frozenset({origin}), ca=ca).fetch(f"https://{origin}/picture").content


def test_no_secret_is_sent_in_the_clear_where_https_redirects_to_http() -> None:
    headers = {"Authorization": "Bearer t", "User-Agent": "Mozilla/5.0"}
    with ScriptedServer({"/picture": answer(body=PICTURE)}) as plain:
        moved = f"HTTP/1.1 302 Found\r\nLocation: {plain.url('/picture')}\r\nContent-Length: 0\r\n\r\n".encode()
        with _server(_with_certificate(ROOT.issue_cert("127.0.0.1"), sent=moved)) as origin:
            fetcher = HttpFetcher(frozenset({origin, plain.origin}), ca=TRUSTED, headers=lambda: {"127.0.0.1": headers})
            assert fetcher.fetch(f"https://us:pa@{origin}/").content == PICTURE
    [asked] = plain.connections
    assert (asked.headers["Authorization"], asked.headers["User-Agent"]) == (None, "Mozilla/5.0")


def test_a_private_authority_is_trusted_if_it_is_given() -> None:
    with _server(_with_certificate(ROOT.issue_cert("127.0.0.1"))) as origin:
        assert _fetch(origin) == PICTURE
        with pytest.raises(PictureUnreachable, match="authority is unknown"):
            _fetch(origin, ca=None)


def test_a_missing_intermediate_certificate_is_named() -> None:
    leaf = ROOT.create_child_ca().issue_cert("127.0.0.1")
    with _server(_with_certificate(leaf)) as origin:
        assert _fetch(origin) == PICTURE
    with _server(_with_certificate(leaf, is_complete=False)) as origin, pytest.raises(PictureUnreachable, match="intermediate"):
        _fetch(origin)


@pytest.mark.parametrize("of", ["pictures.example", "10.0.0.1"])
def test_a_certificate_of_another_host_is_final(of: str) -> None:
    with _server(_with_certificate(ROOT.issue_cert(of))) as origin, pytest.raises(PictureUnreachable, match="certificate"):
        _fetch(origin)


@pytest.mark.parametrize(
    "serve",
    [
        lambda connection: connection.recv(4096) and None,
        lambda connection: connection.recv(4096) and connection.sendall(INTERNAL_ERROR),
        lambda connection: connection.recv(4096) and connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        lambda connection: connection.recv(4096) and connection.sendall(b"\x16\x03\x03\x00"),
    ],
    ids=["closes after ClientHello", "internal_error", "speaks HTTP", "half a record"],
)
def test_a_handshake_that_breaks_is_transient(serve: Callable[[socket.socket], None]) -> None:
    with _server(serve) as origin, pytest.raises(DownloadFailed):
        _fetch(origin)


@pytest.mark.parametrize("ca", ["garbage", "-----BEGIN CERTIFICATE-----", "\u00fc"])
def test_an_authority_that_is_none_is_named_by_its_setting(ca: str) -> None:
    with pytest.raises(Misconfigured, match="LOOKALIKE_IMAGE_CA"):
        HttpFetcher(ca=ca)
