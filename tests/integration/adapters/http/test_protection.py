"""What an address that anybody wrote can not do: reach a private host, or have a secret sent."""

from collections.abc import Callable
from pathlib import Path

import pytest
from lookalike.adapters.http.fetcher import HttpFetcher
from lookalike.errors import PictureUnreachable, RequestInvalid

from tests.integration.adapters.http.conftest import PICTURE
from tests.integration.scripted_server import ScriptedServer, answer


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1.2.3",
        "2130706433",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "[::1]",
        "[::]",
        "[fe80::1]",
        "[fd00::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::7f00:1]",
        "[::8.8.8.8]",
        "[::127.0.0.1]",
        "[::ffff:0:8.8.8.8]",
        "[::ffff:0:127.0.0.1]",
        "[fec0::1]",
        "[feff::1]",
        "[100::1]",
        "[4000::1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_private_address_is_never_connected_to(host: str, scheme: str) -> None:
    with pytest.raises(PictureUnreachable, match="private"):
        HttpFetcher().fetch(f"{scheme}://{host}/picture.jpg")


def test_a_name_that_resolves_to_a_private_address_is_refused(resolve: Callable[[str, str], None]) -> None:
    resolve("pictures.example", "10.0.0.1")

    with pytest.raises(PictureUnreachable, match="private"):
        HttpFetcher().fetch("http://pictures.example/picture.jpg")


def test_only_the_named_port_of_a_private_host_may_be_asked(server: ScriptedServer) -> None:
    with ScriptedServer({"/picture": answer(body=PICTURE)}) as other:
        fetcher = HttpFetcher(frozenset({server.origin}))

        with pytest.raises(PictureUnreachable, match="private"):
            fetcher.fetch(other.url("/picture"))

        assert other.connections == []


@pytest.mark.parametrize("disguise", ["http://{}@127.0.0.1/picture", "http://{}.127.0.0.1/picture"])
def test_an_allowed_origin_elsewhere_in_a_url_allows_nothing(server: ScriptedServer, fetcher: HttpFetcher, disguise: str) -> None:
    with pytest.raises((PictureUnreachable, RequestInvalid)):
        fetcher.fetch(disguise.format(server.origin))

    assert server.connections == []


def test_a_redirect_to_a_private_address_is_refused(server: ScriptedServer, fetcher: HttpFetcher) -> None:
    with pytest.raises(PictureUnreachable, match="private"):
        fetcher.fetch(server.url("/to-metadata"))


@pytest.mark.parametrize("path", ["/to-file", "/to-nonsense"])
def test_a_redirect_away_from_http_is_refused(server: ScriptedServer, fetcher: HttpFetcher, path: str) -> None:
    with pytest.raises(RequestInvalid):
        fetcher.fetch(server.url(path))


def test_no_cookie_is_carried_from_one_picture_to_the_next(server: ScriptedServer, fetcher: HttpFetcher) -> None:
    fetcher.fetch(server.url("/cookie"))
    fetcher.fetch(server.url("/picture"))

    assert [connection.headers["Cookie"] for connection in server.connections] == [None, None]


def test_no_password_of_a_netrc_file_is_sent(
    server: ScriptedServer, fetcher: HttpFetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login us password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    fetcher.fetch(server.url("/picture"))

    assert server.connections[0].headers["Authorization"] is None


def test_no_proxy_is_used(server: ScriptedServer, fetcher: HttpFetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer({}) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://{proxy.origin}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        fetcher.fetch(server.url("/picture"))

        assert proxy.connections == []


def test_a_name_that_nobody_has_and_one_of_a_private_address_are_one_answer(resolve: Callable[[str, str], None]) -> None:
    resolve("wiki.internal", "10.0.0.1")
    answers = set()
    for host in ("wiki.internal", "nobody.internal", "10.0.0.1", "[::1]"):
        with pytest.raises(PictureUnreachable) as refused:
            HttpFetcher().fetch(f"http://{host}/picture.jpg")
        answers.add((str(refused.value), refused.value.status))

    assert len(answers) == 1
