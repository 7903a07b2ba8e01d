"""Batches of products through SQS: each message is settled for itself."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from lookalike.errors import DownloadFailed, IndexAway, LookalikeError, Misconfigured, Unavailable
from lookalike.indexing import Indexing, Target
from lookalike.products import MAX_ATTEMPTS, PRODUCTS_A_MESSAGE, Message, Products

from functions.index_products import app, messages
from tests.fakes import FakeEmbedder, FakeIndex, FakeOutbox, FakeOutcomes, FakePictures, picture
from tests.unit.functions.conftest import Counted
from tests.unit.functions.events import Context, example, failed, sqs


class Bench:
    """The handler with fakes behind it."""

    def __init__(self, files: Mapping[str, bytes | LookalikeError] | None = None) -> None:
        self.index, self.outbox, self.outcomes = FakeIndex(), FakeOutbox(), FakeOutcomes()
        indexing = Indexing(lambda: [Target(self.index, FakeEmbedder())], FakePictures(files))
        self._handler = app.create(Products(indexing, self.outcomes, self.outbox))

    def call(self, event: dict[str, Any]) -> list[str]:
        return failed(self._handler(event, Context()))

    def states(self) -> dict[str, tuple[str, str | None]]:
        return {key: (outcome.state, outcome.code) for key, outcome in self.outcomes.known.items()}


def _put(*names: str, **more: Any) -> str:
    return json.dumps({"put": [{"product_id": name, "image_urls": [f"http://a/{name}"]} for name in names]} | more)


def test_the_example_s_products_are_indexed_with_their_attributes_and_deleted_again() -> None:
    message = messages.read(example("index_products_put")["Records"][0]["body"])
    bench = Bench({url: picture(number) for number, product in enumerate(message.put) for url in product.image_urls})

    assert bench.call(example("index_products_put")) == []
    attributes = {indexed.product_id: indexed.attributes for indexed, _ in bench.index.documents.values()}
    assert attributes == {product.product_id: product.attributes for product in message.put}
    assert bench.call(example("index_products_delete")) == []
    assert bench.index.products() == set()


UNREADABLE = {
    "empty": "",
    "no JSON": "{",
    "null": "null",
    "a list": "[]",
    "a very deep list": "[" * 100_000,
    "NaN": '{"put": [{"product_id": "p", "image_urls": [], "attributes": {"price": NaN}}]}',
    "an unknown field": '{"puts": []}',
    "a product without id": '{"put": [{"image_urls": []}]}',
    "an empty id": _put(""),
    "a long id": _put("x" * 513),
    "an id that is no text": '{"delete": [7]}',
    "an id of half a sign": '{"delete": ["\\ud83d"]}',
    "an unknown field of a product": '{"put": [{"product_id": "p", "image_urls": [], "images": []}]}',
    "one address alone": '{"put": [{"product_id": "p", "image_urls": "http://a/p"}]}',
    "attributes that are a list": '{"put": [{"product_id": "p", "image_urls": [], "attributes": []}]}',
    "too many products": _put(*map(str, range(PRODUCTS_A_MESSAGE + 1))),
    "a negative attempt": _put("ok", attempt=-1),
    "a product that is put and deleted": '{"put": [{"product_id": "p", "image_urls": []}], "delete": ["p"]}',
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_message_that_cannot_be_read_comes_back_alone(body: str) -> None:
    bench = Bench({"http://a/ok": picture(1)})

    assert bench.call(sqs({"m1": body, "m2": _put("ok")})) == ["m1"]
    assert bench.index.products() == {"ok"}


def test_a_sign_that_json_writes_as_two_escapes_is_text() -> None:
    bench = Bench({"http://a/ok": picture(1)})
    body = '{"put": [{"product_id": "\\ud83d\\ude00", "image_urls": ["http://a/ok"]}]}'

    assert bench.call(sqs({"m1": body})) == []
    assert bench.index.products() == {"😀"}


def test_an_empty_message_asks_for_nothing() -> None:
    assert Bench().call(sqs({"m1": "{}"})) == []


def test_one_bad_picture_is_remembered_and_its_neighbours_are_indexed() -> None:
    bench = Bench({"http://a/bad": b"no picture", "http://a/ok": picture(1)})

    assert bench.call(sqs({"m1": _put("ok", "bad", "gone", backfill_id="b", run=2)})) == []
    assert bench.states() == {"ok": ("indexed", None), "bad": ("failed", "picture_unusable"), "gone": ("failed", "picture_unreachable")}
    assert {(outcome.backfill_id, outcome.run) for outcome in bench.outcomes.known.values()} == {("b", 2)}


def test_a_product_without_pictures_is_remembered_as_failed() -> None:
    bench = Bench()

    assert bench.call(sqs({"m1": '{"put": [{"product_id": "p", "image_urls": []}]}'})) == []
    assert bench.states() == {"p": ("failed", "request_invalid")}


def test_a_product_that_may_pass_later_goes_on_alone_and_can_be_read_again() -> None:
    bench = Bench({"http://a/slow": DownloadFailed("slow"), "http://a/ok": picture(1)})

    assert bench.call(sqs({"m1": _put("ok", "slow", backfill_id="b", run=2)})) == []
    [(message, _)] = bench.outbox.products
    assert message == messages.read(_put("slow", backfill_id="b", run=2, attempt=1))


def test_one_that_was_posted_too_often_comes_back_and_its_neighbours_do_not() -> None:
    bench = Bench({"http://a/slow": DownloadFailed("slow"), "http://a/ok": picture(1)})

    assert bench.call(sqs({"m1": _put("ok"), "m2": _put("slow", attempt=MAX_ATTEMPTS)})) == ["m2"]
    assert bench.index.products() == {"ok"}


def test_an_object_that_we_may_not_read_comes_back_and_its_neighbours_do_not() -> None:
    bench = Bench({"http://a/ours": Misconfigured("S3 says 403"), "http://a/ok": picture(1)})

    assert bench.call(sqs({"m1": _put("ours"), "m2": _put("ok")})) == ["m1"]
    assert bench.index.products() == {"ok"}


@pytest.mark.parametrize("away", [IndexAway("gone"), Unavailable("busy")])
def test_the_whole_batch_comes_back_while_the_index_is_away(away: LookalikeError) -> None:
    bench = Bench({"http://a/ok": picture(1)})
    bench.index.away = away

    assert bench.call(sqs({"m1": _put("ok"), "m2": "{", "m3": _put("gone")})) == ["m1", "m2", "m3"]
    assert bench.states() == {}


def test_our_own_fault_fails_the_function_so_that_the_batch_stays_in_the_queue() -> None:
    bench = Bench({"http://a/ok": picture(1)})
    bench.index.away = Misconfigured("the model is missing")

    with pytest.raises(Misconfigured, match="the model is missing"):
        bench.call(sqs({"m1": _put("ok")}))


def test_products_and_returned_messages_are_counted(counted: Counted) -> None:
    Bench({"http://a/ok": picture(1)}).call(sqs({"m1": _put("ok", "gone"), "m2": "{", "m3": json.dumps({"delete": ["p"]})}))

    assert counted() == {"Products": 2, "MessagesReturned": 1}


def test_a_message_as_the_outbox_posts_it_is_read_as_it_was() -> None:
    posted = messages.read(_put("a", "b", delete=["c"], backfill_id="b", run=3, attempt=2))

    assert (posted.delete, posted.backfill_id, posted.run, posted.attempt) == (("c",), "b", 3, 2)
    assert [product.product_id for product in posted.put] == ["a", "b"]
    assert messages.read("{}") == Message()
