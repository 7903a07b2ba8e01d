"""What every fetcher of pictures promises: over HTTP, from S3, and the fake that stands for both."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
from lookalike.adapters.dispatch.fetchers import FetcherByScheme
from lookalike.adapters.http.fetcher import HttpFetcher
from lookalike.adapters.s3.fetcher import S3Fetcher
from lookalike.domain import PictureFile
from lookalike.errors import PictureUnreachable
from lookalike.indexing.ports import PictureFetcher

from infra.demo.image_server import ImageServer
from tests.fakes import FakeFetcher, picture

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Fetcher(Protocol):
    """A fetcher over HTTP knows no current ETag."""

    def fetch(self, url: str, unless: str | None = None) -> PictureFile: ...


@dataclass(frozen=True)
class Place:
    """Where pictures are; ``put`` puts one at a name, ``url`` is a name's address."""

    fetcher: Fetcher
    put: Callable[[str, bytes], object]
    url: Callable[[str], str]


class Bucket(Protocol):
    """A place whose pictures may be overwritten and deleted."""

    fetcher: PictureFetcher

    def put(self, name: str, content: bytes) -> None: ...

    def delete(self, name: str) -> None: ...

    def url(self, name: str) -> str: ...


class FakeBucket:
    def __init__(self) -> None:
        self.fake = FakeFetcher()
        self.fetcher: PictureFetcher = self.fake

    def put(self, name: str, content: bytes) -> None:
        self.fake.files[self.url(name)] = content

    def delete(self, name: str) -> None:
        self.fake.files.pop(self.url(name), None)

    def url(self, name: str) -> str:
        return f"s3://bucket/{name}"


class S3Bucket:
    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client, self._bucket = client, bucket
        self.fetcher: PictureFetcher = FetcherByScheme(HttpFetcher(), S3Fetcher(client, bucket))

    def put(self, name: str, content: bytes) -> None:
        self._client.put_object(Bucket=self._bucket, Key=name, Body=content, Metadata={"from": "bucket"})

    def delete(self, name: str) -> None:
        self._client.delete_object(Bucket=self._bucket, Key=name)

    def url(self, name: str) -> str:
        return f"s3://{self._bucket}/{name}"


@pytest.fixture(params=["fake", "s3"])
def bucket(request: pytest.FixtureRequest) -> Bucket:
    if request.param == "fake":
        return FakeBucket()
    return S3Bucket(request.getfixturevalue("s3"), request.getfixturevalue("bucket_name"))


@pytest.fixture(params=["fake", "http", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "fake":
        fake = FakeFetcher()
        yield Place(fake, lambda name, content: fake.files.update({f"http://a/{name}": content}), lambda name: f"http://a/{name}")
    elif request.param == "s3":
        there = S3Bucket(request.getfixturevalue("s3"), request.getfixturevalue("bucket_name"))
        yield Place(there.fetcher, there.put, there.url)
    else:
        paths: dict[str, Path] = {}

        def put(name: str, content: bytes) -> None:
            paths[name] = tmp_path / str(len(paths))
            paths[name].write_bytes(content)

        with ImageServer(paths) as server:
            yield Place(HttpFetcher(frozenset({server.origin})), put, server.url)


def test_a_picture_is_fetched_byte_by_byte(place: Place) -> None:
    place.put("a hat ü.png", picture(1))

    assert place.fetcher.fetch(place.url("a hat ü.png")).content == picture(1)


def test_an_empty_file_is_fetched_as_one(place: Place) -> None:
    place.put("empty.png", b"")

    assert place.fetcher.fetch(place.url("empty.png")).content == b""


def test_a_picture_that_is_not_there_is_unreachable_with_status_404(place: Place) -> None:
    with pytest.raises(PictureUnreachable) as missing:
        place.fetcher.fetch(place.url("nothing.png"))

    assert missing.value.status == 404


def test_other_bytes_have_another_etag_and_the_same_bytes_the_same(place: Place) -> None:
    place.put("hat.png", picture(1))
    etags = [place.fetcher.fetch(place.url("hat.png")).etag for _ in range(2)]
    place.put("hat.png", picture(2))
    changed = place.fetcher.fetch(place.url("hat.png")).etag

    assert etags[0] == etags[1] != changed
    assert None not in (etags[0], changed)


@pytest.mark.parametrize("name", ["hat.png", "a hat ü.png"])
def test_a_picture_that_is_still_the_same_is_not_sent_again(place: Place, name: str) -> None:
    place.put(name, picture(1))
    fetched = place.fetcher.fetch(place.url(name))

    again = place.fetcher.fetch(place.url(name), fetched.etag)
    assert (again.is_unmodified, again.content, again.etag, again.attributes) == (True, b"", fetched.etag, fetched.attributes)
    place.put(name, picture(2))
    changed = place.fetcher.fetch(place.url(name), fetched.etag)

    assert (changed.is_unmodified, changed.content) == (False, picture(2))


def test_an_object_comes_with_its_metadata(bucket: Bucket) -> None:
    bucket.put("hat.png", picture(1))

    assert bucket.fetcher.fetch(bucket.url("hat.png")).attributes == {"from": "bucket"}


def test_the_etag_is_that_of_the_object_which_is_there_now(bucket: Bucket) -> None:
    bucket.put("hat.png", picture(1))
    fetched = bucket.fetcher.fetch(bucket.url("hat.png")).etag
    assert _etag(bucket, "hat.png") == fetched

    bucket.put("hat.png", picture(2))

    assert _etag(bucket, "hat.png") == bucket.fetcher.fetch(bucket.url("hat.png")).etag != fetched


def test_there_is_no_etag_where_there_is_no_object(bucket: Bucket) -> None:
    bucket.put("hat.png", picture(1))
    bucket.delete("hat.png")

    assert bucket.fetcher.head(bucket.url("hat.png")) is None
    assert bucket.fetcher.head(bucket.url("nothing.png")) is None


@pytest.mark.parametrize("place", ["fake", "http"], indirect=True)
def test_a_picture_behind_http_says_nothing_of_its_product(place: Place) -> None:
    place.put("hat.png", picture(1))

    assert place.fetcher.fetch(place.url("hat.png")).attributes is None


def _etag(bucket: Bucket, name: str) -> str | None:
    head = bucket.fetcher.head(bucket.url(name))
    return head.etag if head else None
