"""The function on_upload: the index follows the bucket, message by message."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from lookalike.domain import image_id
from lookalike.errors import DownloadFailed, IndexUnavailable, LookalikeError, Misconfigured
from lookalike.indexing.indexer import Indexer
from lookalike.indexing.ports import WriteTarget
from lookalike.indexing.uploads import Uploads

from functions.on_upload import app
from tests.fakes import FakeEmbedder, FakeFetcher, FakeIndex, FakeOutcomeStore, picture
from tests.unit.functions.conftest import Counted
from tests.unit.functions.events import BUCKET, Context, example, failed, s3, sqs

GREEN = f"s3://{BUCKET}/images/Kleid grün 42/Vorne links.jpg"
"""The object that the examples are about."""


class OnUploadFunction:
    """The handler with fakes behind it; the bucket holds these keys."""

    def __init__(self, objects: Mapping[str, bytes | LookalikeError] | None = None) -> None:
        self.index, self.outcomes = FakeIndex(), FakeOutcomeStore()
        self.fetcher = FakeFetcher({f"s3://{BUCKET}/{key}": content for key, content in (objects or {}).items()})
        indexer = Indexer(lambda: [WriteTarget(self.index, FakeEmbedder())], self.fetcher)
        self._handler = app.create(Uploads(indexer, self.outcomes), lambda _: ())

    def call(self, event: dict[str, Any]) -> list[str]:
        return failed(self._handler(event, Context()))

    def urls(self) -> set[str]:
        return {indexed.image_url for indexed, _ in self.index.documents.values()}


def test_a_key_is_decoded_and_its_object_is_indexed_under_its_product() -> None:
    function = OnUploadFunction({"images/Kleid grün 42/Vorne links.jpg": picture(1)})

    assert function.call(example("on_upload_put")) == []
    [(indexed, _)] = function.index.documents.values()
    assert (indexed.product_id, indexed.image_url, indexed.origin) == ("Kleid grün 42", GREEN, "upload")
    assert indexed.image_id == image_id("Kleid grün 42", GREEN)


@pytest.mark.parametrize("key", ["images/a+b.jpg", "images/100%/über &=?.jpg", "images/a%2Fb.jpg", "images/p/sub/folder/x.png"])
def test_a_key_with_signs_that_urls_know_is_the_bucket_s_own(key: str) -> None:
    function = OnUploadFunction({key: picture(1)})

    assert function.call(sqs({"m1": s3(key)})) == []
    assert function.urls() == {f"s3://{BUCKET}/{key}"}


@pytest.mark.parametrize("name", ["on_upload_delete", "on_upload_lifecycle_expiration"])
def test_an_object_that_is_gone_cannot_be_found_any_more(name: str) -> None:
    function = OnUploadFunction({"images/Kleid grün 42/Vorne links.jpg": picture(1)})
    function.call(example("on_upload_put"))
    function.fetcher.files.clear()

    assert function.call(example(name)) == []
    assert function.urls() == set()


def test_what_is_there_counts_and_not_what_the_event_says() -> None:
    function = OnUploadFunction({"images/Kleid grün 42/Vorne links.jpg": picture(1)})

    assert function.call(example("on_upload_delete")) == []
    assert function.urls() == {GREEN}


def test_s3_s_test_event_is_ignored() -> None:
    function = OnUploadFunction()

    assert function.call(example("on_upload_test_event")) == []
    assert not function.outcomes.known


@pytest.mark.parametrize("key", ["images/", "images/p", "images/p/", "thumbs/p.jpg", "images//x.jpg", "p.jpg", "Images/p.jpg"])
def test_a_key_of_another_form_is_ignored(key: str) -> None:
    function = OnUploadFunction({key: picture(1), "images/p.jpg": picture(2)})

    assert function.call(sqs({"m1": s3(key, "images/p.jpg")})) == []
    assert function.urls() == {f"s3://{BUCKET}/images/p.jpg"}


UNREADABLE = {
    "empty": "",
    "no JSON": "no JSON",
    "null": "null",
    "a number": "3",
    "a text": '"Records"',
    "a list": "[]",
    "a very deep list": "[" * 100_000,
    "no records": "{}",
    "records are null": '{"Records": null}',
    "records are texts": '{"Records": ["a"]}',
    "no object": '{"Records": [{"s3": {}}]}',
    "the key is null": '{"Records": [{"s3": {"bucket": {"name": "b"}, "object": {"key": null}}}]}',
    "the key is a number": '{"Records": [{"s3": {"bucket": {"name": "b"}, "object": {"key": 3}}}]}',
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_message_that_cannot_be_read_comes_back_alone(body: str) -> None:
    function = OnUploadFunction({"images/p.jpg": picture(1)})

    assert function.call(sqs({"m1": body, "m2": s3("images/p.jpg")})) == ["m1"]
    assert function.urls() == {f"s3://{BUCKET}/images/p.jpg"}


def test_the_failure_of_a_bad_picture_is_recorded_and_its_message_does_not_come_back() -> None:
    function = OnUploadFunction({"images/bad.jpg": b"no picture", "images/good.jpg": picture(1)})

    assert function.call(sqs({"m1": s3("images/bad.jpg"), "m2": s3("images/good.jpg")})) == []
    outcome = function.outcomes.known[f"s3://{BUCKET}/images/bad.jpg"]
    assert (outcome.product_id, outcome.state, outcome.code) == ("bad", "failed", "picture_unusable")
    assert function.urls() == {f"s3://{BUCKET}/images/good.jpg"}


@pytest.mark.parametrize("error", [DownloadFailed("S3 is slow"), Misconfigured("S3 says 403")])
def test_a_message_with_an_object_that_is_not_done_comes_back_and_the_others_do_not(error: LookalikeError) -> None:
    function = OnUploadFunction({"images/slow.jpg": error, "images/a.jpg": picture(1), "images/b.jpg": picture(2)})

    assert function.call(sqs({"m1": s3("images/a.jpg", "images/slow.jpg"), "m2": s3("images/b.jpg"), "m3": s3("images/slow.jpg")})) == [
        "m1",
        "m3",
    ]
    assert function.urls() == {f"s3://{BUCKET}/images/a.jpg", f"s3://{BUCKET}/images/b.jpg"}


def test_every_message_about_objects_comes_back_while_the_index_is_unavailable() -> None:
    function = OnUploadFunction({"images/a.jpg": picture(1)})
    function.index.away = IndexUnavailable("gone")
    other = json.dumps({"Event": "s3:TestEvent"})

    assert function.call(sqs({"m1": s3("images/a.jpg"), "m2": other, "m3": "no JSON", "m4": s3("images/b.jpg")})) == ["m1", "m3", "m4"]


def test_after_a_misconfiguration_the_batch_comes_back() -> None:
    function = OnUploadFunction({"images/a.jpg": picture(1)})
    function.index.away = Misconfigured("the model is missing")

    assert function.call(sqs({"m1": s3("images/a.jpg")})) == ["m1"]


def test_outcomes_are_counted(counted: Counted) -> None:
    function = OnUploadFunction({"images/bad.jpg": b"no picture", "images/a.jpg": picture(1), "images/b.jpg": picture(2)})
    event = sqs({"m1": s3("images/bad.jpg", "images/a.jpg", "images/b.jpg", "images/gone.jpg")})

    function.call(event)
    assert counted() == {"PictureFailed": 1, "PictureIndexed": 2, "PictureDeleted": 1, "MessagesReturned": 0}
    function.call(event)
    assert counted() == {"PictureFailed": 1, "PictureUnchanged": 2, "PictureDeleted": 1, "MessagesReturned": 0}


def _in_sns(body: str) -> str:
    return json.dumps({"Type": "Notification", "MessageId": "m", "TopicArn": "arn", "Message": body})


def _eventbridge(key: str) -> str:
    detail = {"version": "0", "bucket": {"name": BUCKET}, "object": {"key": key, "size": 1}, "reason": "PutObject"}
    return json.dumps({"version": "0", "detail-type": "Object Created", "source": "aws.s3", "detail": detail})


@pytest.mark.parametrize("wrap", [s3, lambda key: _in_sns(s3(key)), _eventbridge, lambda key: _in_sns(_in_sns(_eventbridge(key)))])
@pytest.mark.parametrize("key", ["images/p/a.jpg", "images/100% gr\u00fcn+/a b.jpg"])
def test_an_event_is_understood_whatever_carries_it(wrap: Callable[[str], str], key: str) -> None:
    function = OnUploadFunction({key: picture(1)})

    assert function.call(sqs({"m1": wrap(key)})) == []
    assert function.urls() == {f"s3://{BUCKET}/{key}"}


@pytest.mark.parametrize(
    "body", ["null", "1", "[]", '{"Records": null}', '{"Type": "Notification"}', '{"source": "aws.s3"}', _in_sns("null"), _in_sns("x")]
)
def test_what_is_no_event_comes_back_alone(body: str) -> None:
    function = OnUploadFunction({"images/a.jpg": picture(1)})

    assert function.call(sqs({"m1": body, "m2": s3("images/a.jpg")})) == ["m1"]
    assert function.urls() == {f"s3://{BUCKET}/images/a.jpg"}
