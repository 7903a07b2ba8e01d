"""What a browser shows is fetched: whatever its server does before, around and after the picture."""

import gzip
import threading
import zlib
from collections.abc import Callable
from io import BytesIO

import brotli
import pytest
from backports import zstd
from lookalike.adapters.http.fetcher import HttpFetcher
from lookalike.errors import DownloadFailed, PictureUnreachable, PictureUnusable
from lookalike.pictures.ends import is_whole
from PIL import Image
from pillow_heif import HeifImagePlugin as HeifImagePlugin  # with it Pillow writes HEIC, too

from tests.integration.scripted_server import Connection, Script, ScriptedServer, answer


def _picture(kind: str = "JPEG") -> bytes:
    buffer = BytesIO()
    Image.linear_gradient("L").convert("RGB").save(buffer, kind)
    return buffer.getvalue()


PICTURE = _picture()


def _fetch(script: Script, path: str = "/picture") -> bytes:
    with ScriptedServer({path: script}) as server:
        return HttpFetcher(frozenset({server.origin})).fetch(server.url(path)).content


def _sent(head: str, body: bytes = PICTURE) -> Script:
    return lambda connection: connection.send(head.replace("\n", "\r\n").encode("latin-1") + b"\r\n\r\n" + body)


def test_a_cookie_is_kept_along_a_chain_of_redirects_and_no_longer() -> None:
    def wall(connection: Connection) -> None:
        if "seen=1" in (connection.headers["Cookie"] or ""):
            answer(body=PICTURE)(connection)
        else:
            answer("302 Found", Location="/wall", Set_Cookie="seen=1; Path=/")(connection)

    with ScriptedServer({"/wall": wall}) as server:
        fetcher = HttpFetcher(frozenset({server.origin}))
        assert [fetcher.fetch(server.url("/wall")).content for _ in range(2)] == [PICTURE] * 2
        assert [connection.headers["Cookie"] for connection in server.connections] == [None, "seen=1"] * 2


@pytest.mark.parametrize("status", ["103 Early Hints", "102 Processing", "100 Continue"])
@pytest.mark.parametrize("times", [1, 3])
def test_answers_that_announce_an_answer_are_skipped(status: str, times: int) -> None:
    head = f"HTTP/1.1 {status}\nLink: </a.css>; rel=preload\n\n" * times
    assert _fetch(_sent(f"{head}HTTP/1.1 200 OK\nContent-Length: {len(PICTURE)}")) == PICTURE


ENCODED: dict[str, Callable[[bytes], bytes]] = {
    "br": brotli.compress,
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": lambda content: zlib.compress(content, wbits=-15),
    "zstd": lambda content: zstd.compress(content, options={zstd.CompressionParameter.checksum_flag: 1}),
    "gzip, br": lambda content: brotli.compress(gzip.compress(content)),
    "identity": lambda content: content,
    "aws-chunked": lambda content: content,
    "": lambda content: content,
}


@pytest.mark.parametrize("encoding", ENCODED)
def test_an_encoding_that_was_not_asked_for_is_decoded(encoding: str) -> None:
    assert _fetch(answer(body=ENCODED[encoding](PICTURE), Content_Encoding=encoding)) == PICTURE


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd"])
def test_a_picture_that_is_labelled_as_encoded_and_is_not_is_taken(encoding: str) -> None:
    assert _fetch(answer(body=PICTURE, Content_Encoding=encoding)) == PICTURE


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd"])
@pytest.mark.parametrize("kept", [0.5, 0.98])
def test_an_encoding_that_is_cut_short_or_damaged_is_transient(encoding: str, kept: float) -> None:
    whole = ENCODED[encoding](PICTURE + bytes(range(256)) * 40)
    for body in (whole[: int(len(whole) * kept)], whole[:20] + b"\xff" * 40 + whole[60:]):
        with pytest.raises(DownloadFailed):
            _fetch(answer(body=body, Content_Encoding=encoding))


def test_the_check_sum_of_a_gzip_does_not_count_if_the_picture_is_whole() -> None:
    for packed in (gzip.compress(PICTURE), gzip.compress(PICTURE, mtime=1)):
        assert _fetch(answer(body=packed[:-8] + bytes(8), Content_Encoding="gzip")) == PICTURE
        with pytest.raises(DownloadFailed):
            _fetch(answer(body=gzip.compress(PICTURE[:-100])[:-8] + bytes(8), Content_Encoding="gzip"))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "HEIF", "AVIF"])
@pytest.mark.parametrize(
    "head",
    ["HTTP/1.1 200 OK\nConnection: close\nContent-Length: {more}", "HTTP/1.1 200 OK\nConnection: close\nTransfer-Encoding: chunked"],
    ids=["a length that is too long", "chunks without an end"],
)
def test_a_whole_picture_is_taken_though_more_was_announced(kind: str, head: str) -> None:
    whole = _picture(kind)
    chunk = f"{len(whole):x}\r\n".encode() if "chunked" in head else b""

    assert is_whole(whole)
    assert _fetch(_sent(head.format(more=len(whole) + 10), chunk + whole)) == whole
    with pytest.raises(DownloadFailed):
        _fetch(_sent(head.format(more=len(whole) + 10), chunk + whole[: len(whole) // 2]))


@pytest.mark.parametrize("given", ["\u00b2", "-1", "1e3", "abc", "", "0x10"])
def test_no_content_length_that_a_server_can_send_costs_a_picture(given: str) -> None:
    assert _fetch(_sent(f"HTTP/1.1 200 OK\nConnection: close\nContent-Length: {given}")) == PICTURE


def test_the_same_length_twice_is_one_and_two_lengths_are_a_fault_of_the_server() -> None:
    size = len(PICTURE)
    assert _fetch(_sent(f"HTTP/1.1 200 OK\nContent-Length: {size}\nContent-Length: {size}")) == PICTURE
    with pytest.raises(DownloadFailed):
        _fetch(_sent(f"HTTP/1.1 200 OK\nContent-Length: {size}\nContent-Length: 7"))


def test_a_picture_that_is_being_made_is_waited_for_and_one_that_there_is_not_is_unreachable() -> None:
    with pytest.raises(DownloadFailed) as made:
        _fetch(answer("202 Accepted", Retry_After="7"))
    assert made.value.retry_after_s == 7
    with pytest.raises(PictureUnreachable) as none:
        _fetch(answer("204 No Content", Content_Length=""))
    assert none.value.status == 204
    assert _fetch(answer("202 Accepted", body=PICTURE)) == PICTURE
    assert _fetch(answer("203 Non-Authoritative Information", body=PICTURE)) == PICTURE


def _guarded(**wanted: str) -> Script:
    def serve(connection: Connection) -> None:
        given = {name: connection.headers[name.replace("_", "-")] for name in wanted}
        (answer(body=PICTURE) if given == wanted else answer("403 Forbidden"))(connection)

    return serve


def test_headers_that_a_host_wants_are_sent_to_it_alone() -> None:
    wanted = {"User_Agent": "Mozilla/5.0", "Referer": "https://shop.example/", "Authorization": "Bearer t"}
    with ScriptedServer({"/picture": _guarded(**wanted)}) as server, ScriptedServer({"/away": answer(body=PICTURE)}) as other:
        server._scripts |= {"/elsewhere": answer("302 Found", Location=other.url("/away"))}  # type: ignore[operator]
        headers = {name.replace("_", "-"): value for name, value in wanted.items()}
        fetcher = HttpFetcher(frozenset({server.origin, other.origin}), headers=lambda: {server.origin: headers})

        assert fetcher.fetch(server.url("/picture")).content == PICTURE
        assert fetcher.fetch(server.url("/elsewhere")).content == PICTURE
        [away] = other.connections
        assert (away.headers["Authorization"], away.headers["Referer"], "lookalike" in away.headers["User-Agent"]) == (None, None, True)
        with pytest.raises(PictureUnreachable):
            HttpFetcher(frozenset({server.origin})).fetch(server.url("/picture"))


@pytest.mark.parametrize(("written", "sent"), [("us:pa", "dXM6cGE="), ("us%40shop:p%3Aa%C3%BC", "dXNAc2hvcDpwOmHDvA=="), ("us", "dXM6")])
def test_credentials_in_an_address_are_sent_as_basic_authentication_and_never_told(written: str, sent: str) -> None:
    with ScriptedServer({"/picture": _guarded(Authorization=f"Basic {sent}"), "/no": answer("404 Not Found")}) as server:
        fetcher = HttpFetcher(frozenset({server.origin}))

        assert fetcher.fetch(f"http://{written}@{server.origin}/picture").content == PICTURE
        for address in (f"http://{written}@{server.origin}/no", f"http://{written}@[::1/", f"http://{written}@127.0.0.1:port/"):
            with pytest.raises(Exception) as refused:  # noqa: PT011 - whatever it is
                fetcher.fetch(address)
            assert written not in str(refused.value)


@pytest.mark.parametrize("place", ["/end", "http://{origin}/end", "end?a=b"])
def test_credentials_in_an_address_stay_along_redirects_within_its_host(place: str) -> None:
    with ScriptedServer({"/end": _guarded(Authorization="Basic dXM6cGE="), "/end?a=b": _guarded(Authorization="Basic dXM6cGE=")}) as server:
        server._scripts |= {"/go": answer("302 Found", Location=place.format(origin=server.origin))}  # type: ignore[operator]
        assert HttpFetcher(frozenset({server.origin})).fetch(f"http://us:pa@{server.origin}/go").content == PICTURE


@pytest.mark.parametrize("place", ["http://{origin}/end", "//{origin}/end"])
def test_credentials_in_an_address_are_not_sent_to_another_host(place: str) -> None:
    with ScriptedServer({"/end": answer(body=PICTURE)}) as other:
        with ScriptedServer({"/go": answer("302 Found", Location=place.format(origin=other.origin))}) as server:
            HttpFetcher(frozenset({server.origin, other.origin})).fetch(f"http://us:pa@{server.origin}/go")
        assert other.connections[0].headers["Authorization"] is None


@pytest.mark.parametrize("head", ["HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n"])
def test_an_answer_that_ends_within_its_head_is_transient(head: str) -> None:
    with pytest.raises(DownloadFailed, match="sent nothing"):
        _fetch(lambda connection: connection.send(head.encode()))


def test_an_answer_that_says_it_is_empty_is_taken_as_it_is() -> None:
    assert _fetch(answer()) == b""


def test_a_server_that_waits_after_a_whole_picture_costs_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lookalike.adapters.http.fetcher.READ_TIMEOUT_S", 0.3)
    stop = threading.Event()

    def serve(connection: Connection) -> None:
        _sent(f"HTTP/1.1 200 OK\nContent-Length: {len(PICTURE) + 10}")(connection)
        stop.wait(5)

    try:
        assert _fetch(serve) == PICTURE
    finally:
        stop.set()


def test_an_answer_that_is_encoded_many_times_over_is_refused() -> None:
    content = PICTURE
    for _ in range(20):
        content = zstd.compress(content)

    with pytest.raises(PictureUnusable, match="encoded more than 3 times over"):
        _fetch(answer(body=content, Content_Encoding=", ".join(["zstd"] * 20)))
