"""Data URLs and base64 are decoded as browsers do."""

import pytest
from lookalike import data_urls
from lookalike.adapters.dispatch.fetchers import FetcherByScheme
from lookalike.adapters.http.fetcher import HttpFetcher
from lookalike.adapters.s3.fetcher import S3Fetcher
from lookalike.errors import RequestInvalid


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("data:,", b""),
        ("DATA:,x", b"x"),
        ("data:;base64,QUJD", b"ABC"),
        ("data:;base64,QUJD#fragment", b"ABC"),
        ("data:,a#b,c", b"a"),
        ("data:,a%23b", b"a#b"),
        ("data:;base64,QU%4AD", b"ABC"),
        ("data:;base64,Q U\nJ\tD==", b"ABC"),
        ("data: ;BASE64 ,QUI", b"AB"),
        ("data:image/jpeg;base64;x,QUJD", b"QUJD"),
        ("data:,%zz%", b"%zz%"),
        ("data:,\u00fc", "\u00fc".encode()),
        ("QUJD", b"ABC"),
    ],
)
def test_the_bytes_are_those_that_a_browser_has(text: str, content: bytes) -> None:
    assert data_urls.content(text, "image") == content


@pytest.mark.parametrize("text", ["data:", "data:;base64", "data:;base64,A", "data:;base64,__--", "data:#,x", "A\u00a0A", "QUJD#x"])
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(RequestInvalid):
        data_urls.content(text, "image")


@pytest.mark.parametrize("written", ["data:;base64,QUJD", " data:;base64,QUJD", "\n\tDATA:;base64,QUJD "])
def test_a_product_s_data_url_may_have_space_around_it(written: str) -> None:
    assert FetcherByScheme(HttpFetcher(), S3Fetcher(None, None)).fetch(written).content == b"ABC"  # type: ignore[arg-type]
