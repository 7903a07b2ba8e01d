import socket
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
import requests

from infra.demo.image_server import ImageServer
from tests.faulty_image_server import HUGE_BYTES, FaultyImageServer

CONTENT = b"\xff\xd8 the bytes of a picture"


@pytest.fixture
def pictures(tmp_path: Path) -> dict[str, Path]:
    path = tmp_path / "hat.jpg"
    path.write_bytes(CONTENT)
    return {"hat.jpg": path, "Grüner Hut.jpg": path, "gone.jpg": tmp_path / "gone.jpg"}


@pytest.fixture
def server(pictures: dict[str, Path]) -> Iterator[FaultyImageServer]:
    with FaultyImageServer(pictures, slow_s=0.5) as server:
        yield server


def get(server: ImageServer, name: str, **options: object) -> requests.Response:
    return requests.get(server.url(name), timeout=10, **options)  # type: ignore[arg-type]


def test_a_picture_comes_with_its_length_type_etag_and_date(server: ImageServer) -> None:
    answer = get(server, "hat.jpg")
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Last-Modified"].endswith("GMT")
    again = get(server, "hat.jpg", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_names_with_spaces_and_accents_have_addresses(server: ImageServer) -> None:
    assert get(server, "Grüner Hut.jpg").content == CONTENT


def test_a_head_request_tells_the_length_and_sends_nothing(server: ImageServer) -> None:
    answer = requests.head(server.url("hat.jpg"), timeout=10)
    assert (answer.headers["Content-Length"], answer.content) == (str(len(CONTENT)), b"")


def test_unknown_names_and_vanished_files_are_not_found(server: ImageServer) -> None:
    assert {get(server, name).status_code for name in ("unknown.jpg", "gone.jpg", "folder/hat.jpg", "fault/unknown")} == {404}


def test_one_connection_carries_many_requests(server: ImageServer) -> None:
    connection = HTTPConnection(server.origin, timeout=10)
    connection.connect()
    socket_at_first = connection.sock
    for _ in range(3):
        connection.request("GET", "/hat.jpg")
        assert connection.getresponse().read() == CONTENT
    assert connection.sock is socket_at_first
    connection.close()


def test_requests_are_counted_by_path(server: FaultyImageServer) -> None:
    get(server, "hat.jpg")
    get(server, "hat.jpg")
    assert server.requests == {"hat.jpg": 2}


def test_each_fault_is_what_its_name_says(server: ImageServer) -> None:
    assert [get(server, f"fault/status/{code}").status_code for code in (403, 404, 500, 503)] == [403, 404, 500, 503]
    assert [get(server, "fault/busy-once/hat.jpg").status_code for _ in range(2)] == [429, 200]
    assert len(get(server, "fault/huge").content) == HUGE_BYTES
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        get(server, "fault/truncated/hat.jpg")
    with pytest.raises(requests.ReadTimeout):
        requests.get(server.url("fault/slow/hat.jpg"), timeout=0.1)


def test_a_redirect_leads_where_it_is_told(server: ImageServer) -> None:
    answer = get(server, "fault/redirect", params={"to": server.url("hat.jpg")})
    assert (answer.content, len(answer.history)) == (CONTENT, 1)


def test_without_faults_there_are_none(pictures: dict[str, Path]) -> None:
    with ImageServer(pictures) as server:
        assert get(server, "fault/huge").status_code == 404


def test_an_answer_waits_as_long_as_the_latency(pictures: dict[str, Path]) -> None:
    with FaultyImageServer(pictures, latency_ms=120) as server:
        assert get(server, "hat.jpg").elapsed.total_seconds() >= 0.12


def test_a_port_in_use_is_an_error_and_a_stopped_server_frees_its_own(pictures: dict[str, Path]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        ImageServer(pictures, port=taken.getsockname()[1])
    with ImageServer(pictures) as server:
        address = server.url("hat.jpg")
    with pytest.raises(requests.ConnectionError):
        requests.get(address, timeout=10)
