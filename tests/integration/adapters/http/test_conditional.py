"""Pictures are asked for on the condition that they changed."""

import pytest
from lookalike.adapters.http.fetcher import HttpFetcher
from lookalike.errors import PictureUnreachable

from tests.integration.adapters.http.conftest import PICTURE
from tests.integration.scripted_server import ScriptedServer, answer


def test_a_picture_has_its_etag_and_the_request_a_user_agent(server: ScriptedServer, fetcher: HttpFetcher) -> None:
    file = fetcher.fetch(server.url("/picture"))

    assert (file.content, file.etag) == (PICTURE, '"v1"')
    assert server.connections[0].headers["User-Agent"].startswith("lookalike/")


@pytest.mark.parametrize(
    ("validator", "header"),
    [('"abc"', "if-none-match"), ('W/"abc"', "if-none-match"), ("Wed, 21 Oct 2026 07:28:00 GMT", "if-modified-since")],
)
def test_a_picture_is_asked_for_on_the_condition_that_it_changed(validator: str, header: str) -> None:
    with ScriptedServer({"/picture": answer("304 Not Modified")}) as server:
        file = HttpFetcher(frozenset({server.origin})).fetch(server.url("/picture"), validator)

        assert (file.is_unmodified, file.etag) == (True, validator)
        assert server.connections[0].headers[header] == validator


def test_last_modified_replaces_a_missing_etag() -> None:
    changed = "Wed, 21 Oct 2026 07:28:00 GMT"
    with ScriptedServer({"/picture": answer(body=PICTURE, Last_Modified=changed)}) as server:
        assert HttpFetcher(frozenset({server.origin})).fetch(server.url("/picture")).etag == changed


def test_an_unrequested_304_is_not_a_picture() -> None:
    with ScriptedServer({"/picture": answer("304 Not Modified")}) as server, pytest.raises(PictureUnreachable):
        HttpFetcher(frozenset({server.origin})).fetch(server.url("/picture"))
