"""Pictures behind addresses that strangers wrote: what is fetched, what is refused, and how long anybody is waited for."""

import gzip
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from lookalike.adapters import http_pictures
from lookalike.adapters.http_pictures import MAX_REDIRECTS, REQUESTS_A_HOST, HttpPictures
from lookalike.errors import DownloadFailed, PictureUnreachable, PictureUnusable, RequestInvalid
from pytest_socket import socket_allow_hosts
from requests.adapters import HTTPAdapter

from infra.local.image_server import ImageServer
from tests.integration.stranger import Stranger, Visitor, answer

PICTURE = b"the bytes of a picture"
LEAST_LIMIT = 1000


@pytest.fixture(autouse=True)
def _this_machine_only() -> None:
    """An address that ought to be refused, and is not, fails the test instead of being called."""
    socket_allow_hosts(["127.0.0.1"], allow_unix_socket=True)


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    chain = {f"/redirect/{n}": answer("302 Found", Location=f"/redirect/{n - 1}") for n in range(1, MAX_REDIRECTS + 2)}
    scripts = chain | {
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
        "/no-http": lambda visitor: visitor.send(b"220 mail.example ESMTP\r\n"),
        "/hangs-up": lambda visitor: None,
        "/silent": Visitor.wait,
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
    with Stranger(scripts) as server:
        yield server


@pytest.fixture
def pictures(stranger: Stranger) -> HttpPictures:
    return HttpPictures(frozenset({stranger.origin}))


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_pictures, "MAX_BYTES", LEAST_LIMIT)


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


def test_a_picture_comes_with_its_etag_and_the_server_learns_who_asks(stranger: Stranger, pictures: HttpPictures) -> None:
    file = pictures.fetch(stranger.url("/picture"))

    assert (file.content, file.etag) == (PICTURE, '"v1"')
    assert stranger.visitors[0].headers["User-Agent"].startswith("lookalike/")


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
def test_an_address_is_read_as_a_browser_reads_it_signs_and_redirects_included(
    stranger: Stranger, pictures: HttpPictures, path: str
) -> None:
    assert pictures.fetch(stranger.url(path)).content == PICTURE


def test_white_space_around_an_address_is_no_part_of_it(stranger: Stranger, pictures: HttpPictures) -> None:
    assert pictures.fetch(f" \t{stranger.url('/picture')}\n").content == PICTURE


def test_a_host_s_name_may_have_any_letters(resolve: Callable[[str, str], None]) -> None:
    resolve("xn--bcher-kva.example", "10.0.0.1")

    with pytest.raises(PictureUnreachable, match="private"):
        HttpPictures().fetch("http://bücher.example/kleid.jpg")


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
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_address_that_is_not_public_is_never_called(host: str, scheme: str) -> None:
    with pytest.raises(PictureUnreachable, match="private"):
        HttpPictures().fetch(f"{scheme}://{host}/picture.jpg")


def test_a_name_that_leads_to_a_private_address_is_refused(resolve: Callable[[str, str], None]) -> None:
    resolve("pictures.example", "10.0.0.1")

    with pytest.raises(PictureUnreachable, match="private"):
        HttpPictures().fetch("http://pictures.example/picture.jpg")


def test_only_the_named_port_of_a_private_host_may_be_asked(stranger: Stranger) -> None:
    with Stranger({"/picture": answer(body=PICTURE)}) as other:
        pictures = HttpPictures(frozenset({stranger.origin}))

        with pytest.raises(PictureUnreachable, match="private"):
            pictures.fetch(other.url("/picture"))

        assert other.visitors == []


@pytest.mark.parametrize("disguise", ["http://user@{}/picture", "http://{}@127.0.0.1/picture", "http://{}.127.0.0.1/picture"])
def test_the_name_of_an_allowed_origin_elsewhere_in_a_url_opens_no_door(stranger: Stranger, pictures: HttpPictures, disguise: str) -> None:
    with pytest.raises((PictureUnreachable, RequestInvalid)):
        pictures.fetch(disguise.format(stranger.origin))

    assert stranger.visitors == []


def test_a_redirect_to_a_private_address_is_refused(stranger: Stranger, pictures: HttpPictures) -> None:
    with pytest.raises(PictureUnreachable, match="private"):
        pictures.fetch(stranger.url("/to-metadata"))


@pytest.mark.parametrize("path", ["/to-file", "/to-nonsense"])
def test_a_redirect_away_from_http_is_refused(stranger: Stranger, pictures: HttpPictures, path: str) -> None:
    with pytest.raises(RequestInvalid):
        pictures.fetch(stranger.url(path))


def test_redirects_are_followed_up_to_a_limit(stranger: Stranger, pictures: HttpPictures) -> None:
    assert pictures.fetch(stranger.url(f"/redirect/{MAX_REDIRECTS}")).content == PICTURE

    with pytest.raises(PictureUnreachable, match="redirects"):
        pictures.fetch(stranger.url(f"/redirect/{MAX_REDIRECTS + 1}"))


def test_the_body_of_a_redirect_is_not_read(stranger: Stranger, pictures: HttpPictures) -> None:
    assert pictures.fetch(stranger.url("/redirect-without-end")).content == PICTURE


@pytest.mark.parametrize(("path", "status"), [("/missing", 404), ("/gone", 410), ("/forbidden", 403)])
def test_a_refusal_for_good_is_told_with_its_status(stranger: Stranger, pictures: HttpPictures, path: str, status: int) -> None:
    with pytest.raises(PictureUnreachable) as refused:
        pictures.fetch(stranger.url(path))

    assert refused.value.status == status


@pytest.mark.parametrize(("path", "retry_after_s"), [("/busy", 120), ("/busy-for-long", 300), ("/busy-until", 2), ("/broken", 2)])
def test_a_fault_that_may_pass_says_when_to_come_back(stranger: Stranger, pictures: HttpPictures, path: str, retry_after_s: int) -> None:
    with pytest.raises(DownloadFailed) as busy:
        pictures.fetch(stranger.url(path))

    assert busy.value.retry_after_s == retry_after_s


@pytest.mark.usefixtures("small_limit")
@pytest.mark.parametrize("path", ["/declared-large", "/undeclared-large", "/bomb"])
def test_a_body_above_the_limit_is_refused(stranger: Stranger, pictures: HttpPictures, path: str) -> None:
    with pytest.raises(PictureUnusable, match="too large"):
        pictures.fetch(stranger.url(path))


@pytest.mark.usefixtures("small_limit")
def test_a_body_at_the_limit_is_fetched(stranger: Stranger, pictures: HttpPictures) -> None:
    assert len(pictures.fetch(stranger.url("/just-fits")).content) == LEAST_LIMIT


@pytest.mark.parametrize("path", ["/ends-early", "/no-http", "/hangs-up"])
def test_an_answer_that_breaks_off_may_be_whole_the_next_time(stranger: Stranger, pictures: HttpPictures, path: str) -> None:
    with pytest.raises(DownloadFailed):
        pictures.fetch(stranger.url(path))


def test_a_server_that_says_nothing_is_given_up(stranger: Stranger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_pictures, "READ_TIMEOUT_S", 0.2)

    with pytest.raises(DownloadFailed):
        HttpPictures(frozenset({stranger.origin})).fetch(stranger.url("/silent"))


@pytest.mark.parametrize("path", ["/drips", "/drips-a-header", "/redirect-that-drips"])
def test_a_server_that_drips_is_given_up_at_the_deadline(stranger: Stranger, path: str) -> None:
    pictures = HttpPictures(frozenset({stranger.origin}), total_timeout_s=0.5)

    with pytest.raises(DownloadFailed):
        pictures.fetch(stranger.url(path))


def test_nobody_listens_there_may_pass() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        origin = f"127.0.0.1:{free.getsockname()[1]}"

    with pytest.raises(DownloadFailed):
        HttpPictures(frozenset({origin})).fetch(f"http://{origin}/picture")


def test_a_host_that_does_not_exist_is_told(resolve: Callable[[str, str], None]) -> None:
    with pytest.raises(PictureUnreachable, match="no host"):
        HttpPictures().fetch("http://nowhere.example/picture.jpg")


def test_a_name_server_that_is_busy_may_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*args: object, **kwargs: object) -> object:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", busy)

    with pytest.raises(DownloadFailed):
        HttpPictures().fetch("http://pictures.example/picture.jpg")


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
def test_what_is_no_http_address_is_the_callers_fault(resolve: Callable[[str, str], None], url: str) -> None:
    with pytest.raises(RequestInvalid) as refused:
        HttpPictures().fetch(url)

    assert refused.value.field == "image_url"


def test_no_cookie_is_carried_from_one_picture_to_the_next(stranger: Stranger, pictures: HttpPictures) -> None:
    pictures.fetch(stranger.url("/cookie"))
    pictures.fetch(stranger.url("/picture"))

    assert [visitor.headers["Cookie"] for visitor in stranger.visitors] == [None, None]


def test_no_password_of_this_machine_is_sent(
    stranger: Stranger, pictures: HttpPictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login us password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    pictures.fetch(stranger.url("/picture"))

    assert stranger.visitors[0].headers["Authorization"] is None


def test_no_proxy_is_asked(stranger: Stranger, pictures: HttpPictures, monkeypatch: pytest.MonkeyPatch) -> None:
    with Stranger({}) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://{proxy.origin}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        pictures.fetch(stranger.url("/picture"))

        assert proxy.visitors == []


def _dripping(head: bytes, rest: bytes) -> Callable[[Visitor], None]:
    def serve(visitor: Visitor) -> None:
        visitor.send(head)
        visitor.drip(rest, pause_s=0.02)

    return serve


@pytest.mark.parametrize(
    ("validator", "header"),
    [('"abc"', "if-none-match"), ('W/"abc"', "if-none-match"), ("Wed, 21 Oct 2026 07:28:00 GMT", "if-modified-since")],
)
def test_a_picture_is_asked_for_on_the_condition_that_it_changed(validator: str, header: str) -> None:
    with Stranger({"/picture": answer("304 Not Modified")}) as stranger:
        file = HttpPictures(frozenset({stranger.origin})).fetch(stranger.url("/picture"), validator)

        assert (file.is_unmodified, file.etag) == (True, validator)
        assert stranger.visitors[0].headers[header] == validator


def test_where_there_is_no_etag_the_date_of_the_last_change_takes_its_place() -> None:
    changed = "Wed, 21 Oct 2026 07:28:00 GMT"
    with Stranger({"/picture": answer(body=PICTURE, Last_Modified=changed)}) as stranger:
        assert HttpPictures(frozenset({stranger.origin})).fetch(stranger.url("/picture")).etag == changed


def test_a_304_that_nobody_asked_for_is_no_picture() -> None:
    with Stranger({"/picture": answer("304 Not Modified")}) as stranger, pytest.raises(PictureUnreachable):
        HttpPictures(frozenset({stranger.origin})).fetch(stranger.url("/picture"))


def test_a_wait_that_is_asked_for_by_a_date_is_respected() -> None:
    date = formatdate(time.time() + 100, usegmt=True)
    with Stranger({"/picture": answer("429 Too Many Requests", Retry_After=date)}) as stranger, pytest.raises(DownloadFailed) as busy:
        HttpPictures(frozenset({stranger.origin})).fetch(stranger.url("/picture"))
    assert 90 < busy.value.retry_after_s <= 100


def test_a_host_gets_only_so_many_requests_at_once_and_its_connections_are_used_again(tmp_path: Path) -> None:
    (tmp_path / "hat.jpg").write_bytes(PICTURE)
    with ImageServer({"hat.jpg": tmp_path / "hat.jpg"}, latency_ms=20) as server, ThreadPoolExecutor(3 * REQUESTS_A_HOST) as pool:
        pictures = HttpPictures(frozenset({server.origin}))
        list(pool.map(lambda _: pictures.fetch(server.url("hat.jpg")), range(6 * REQUESTS_A_HOST)))

        [connections] = [pool.num_connections for pool in _pools(pictures)]
        assert connections <= REQUESTS_A_HOST


def _pools(pictures: HttpPictures) -> list[Any]:
    managers = [adapter.poolmanager for adapter in pictures._session.adapters.values() if isinstance(adapter, HTTPAdapter)]
    return [manager.pools[key] for manager in managers for key in manager.pools.keys()]  # noqa: SIM118 - urllib3's own container
