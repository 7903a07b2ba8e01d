"""Which addresses are fetched: read as a browser reads them, or refused as the caller's fault."""

import socket
from collections.abc import Callable

import pytest
from lookalike.adapters.http.fetcher import HttpFetcher
from lookalike.errors import DownloadFailed, PictureUnreachable, RequestInvalid

from tests.integration.adapters.http.conftest import PICTURE
from tests.integration.scripted_server import ScriptedServer, answer


@pytest.mark.parametrize(
    "path",
    [
        "/kleid grün.jpg",
        "/kleid%20gr%C3%BCn.jpg",
        "/kleid%20grün.jpg#side",
        "/latin-gr%FCn.jpg",
        "/a%2Fb.jpg?size=1 000&x=ü",
        "/100%.jpg",
        "/shop/elsewhere",
        "/to-query",
        "/to-encoded",
    ],
)
def test_an_address_is_parsed_as_a_browser_does_escapes_and_redirects_included(
    server: ScriptedServer, fetcher: HttpFetcher, path: str
) -> None:
    assert fetcher.fetch(server.url(path)).content == PICTURE


def test_white_space_around_an_address_is_no_part_of_it(server: ScriptedServer, fetcher: HttpFetcher) -> None:
    assert fetcher.fetch(f" \t{server.url('/picture')}\n").content == PICTURE


@pytest.mark.parametrize("written", ["http:{}", "http:/{}", "http:\\\\{}", "HTTP:\\{}", "http://{}"])
def test_slashes_may_be_missing_or_the_other_way(server: ScriptedServer, fetcher: HttpFetcher, written: str) -> None:
    assert fetcher.fetch(written.format(f"{server.origin}\\pic\r\nture")).content == PICTURE


@pytest.mark.parametrize("target", [" /picture ", "\\picture", "/pic\tture", "./a/../picture", "http:picture"])
def test_a_redirect_is_read_as_an_address(target: str) -> None:
    with ScriptedServer({"/": answer("302 Found", Location=target), "/picture": answer(body=PICTURE)}) as server:
        assert HttpFetcher(frozenset({server.origin})).fetch(server.url("/")).content == PICTURE


def test_a_host_name_may_have_letters_outside_ascii(resolve: Callable[[str, str], None]) -> None:
    resolve("xn--bcher-kva.example", "10.0.0.1")

    with pytest.raises(PictureUnreachable, match="private"):
        HttpFetcher().fetch("http://bücher.example/kleid.jpg")


def test_a_host_that_does_not_exist_is_unreachable(resolve: Callable[[str, str], None]) -> None:
    with pytest.raises(PictureUnreachable, match="no public host"):
        HttpFetcher().fetch("http://nowhere.example/picture.jpg")


def test_a_temporary_dns_failure_is_transient(monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*args: object, **kwargs: object) -> object:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", busy)

    with pytest.raises(DownloadFailed):
        HttpFetcher().fetch("http://pictures.example/picture.jpg")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://pictures.example/a.jpg",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "//pictures.example/a.jpg",
        "hat.jpg",
        "",
        "http://",
        "http:///a.jpg",
        "http://[::1/a.jpg",
        "http://pictures.example:port/a.jpg",
        "http://.example/a.jpg",
        f"http://{'a' * 64}.example/a.jpg",
        f"http://pictures.example/{'a' * 8192}",
    ],
)
def test_what_is_not_an_http_address_is_an_invalid_request(resolve: Callable[[str, str], None], url: str) -> None:
    with pytest.raises(RequestInvalid) as refused:
        HttpFetcher().fetch(url)

    assert refused.value.field == "image_url"


@pytest.mark.parametrize(
    "url",
    ["http://", "http:///a.jpg", "http://[::1/a.jpg", "http://[/", "http://a:99999/", "http://a:port/a.jpg", "http://a b/", "http://①.⓪/"],
)
def test_an_http_address_of_no_host_is_told_what_is_wrong_with_it(resolve: Callable[[str, str], None], url: str) -> None:
    with pytest.raises(RequestInvalid, match="its host or port is not valid"):
        HttpFetcher().fetch(url)
