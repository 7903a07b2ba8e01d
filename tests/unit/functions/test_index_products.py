"""The function index_products: each message of a batch is settled for itself."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from lookalike.adapters.sqs import messages
from lookalike.errors import DownloadFailed, IndexUnavailable, LookalikeError, Misconfigured, TransientError
from lookalike.indexing.indexer import Indexer
from lookalike.indexing.messages import MAX_ITEMS, DeleteProducts, PutProducts
from lookalike.indexing.ports import WriteTarget
from lookalike.indexing.product_updates import ProductUpdates
from lookalike.indexing.products_queue import MAX_ATTEMPTS, ProductsQueue
from lookalike.redelivery import ReceivedMessage, backoff_s

from functions.index_products import app
from tests.fakes import FakeEmbedder, FakeFetcher, FakeIndex, FakeOutcomeStore, FakeProductStates, FakeQueues, picture
from tests.unit.functions.conftest import Counted
from tests.unit.functions.events import SENT_MS, Context, example, failed, sqs


class IndexProductsFunction:
    """The handler with fakes behind it."""

    def __init__(self, files: Mapping[str, bytes | LookalikeError] | None = None) -> None:
        self.index, self.queues, self.outcomes = FakeIndex(), FakeQueues(), FakeOutcomeStore()
        self.redelivered: list[ReceivedMessage] = []
        indexer = Indexer(lambda: [WriteTarget(self.index, FakeEmbedder())], FakeFetcher(files))
        self._handler = app.create(
            ProductsQueue(indexer, ProductUpdates(indexer, FakeProductStates()), self.outcomes, self.queues),
            messages.decode,
            self._redeliver,
        )

    def _redeliver(self, messages: Iterable[ReceivedMessage]) -> list[str]:
        """As the real one, which moves what is poison to the dead-letter queue."""
        self.redelivered += messages
        return self.given_up

    @property
    def given_up(self) -> list[str]:
        return [message.message_id for message in self.redelivered if message.is_poison]

    def call(self, event: dict[str, Any]) -> list[str]:
        return failed(self._handler(event, Context()))

    def states(self) -> dict[str, tuple[str, str | None]]:
        return {key: (outcome.state, outcome.code) for key, outcome in self.outcomes.known.items()}


def _put(*names: str, **more: Any) -> str:
    return json.dumps({"put": [{"product_id": name, "image_urls": [f"http://a/{name}"]} for name in names]} | more)


def test_the_example_s_products_are_indexed_with_their_attributes_and_deleted_again() -> None:
    [message] = messages.decode(example("index_products_put")["Records"][0]["body"])
    assert isinstance(message, PutProducts)
    function = IndexProductsFunction({url: picture(number) for number, product in enumerate(message.items) for url in product.image_urls})

    assert function.call(example("index_products_put")) == []
    attributes = {indexed.product_id: indexed.attributes for indexed, _ in function.index.documents.values()}
    assert attributes == {product.product_id: product.attributes for product in message.items}
    assert function.call(example("index_products_delete")) == []
    assert function.index.products() == set()


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
    "too many products": _put(*map(str, range(MAX_ITEMS + 1))),
    "a number that is none": '{"put": [{"product_id": "p", "image_urls": [], "attributes": {"price": 1e999}}]}',
    "a time in the future": _put("ok", as_of="2999-01-01T00:00:00Z"),
    "a time without a zone": _put("ok", as_of="2026-01-02T03:04:05"),
    "a negative attempt": _put("ok", attempt=-1),
    "a product that is put and deleted": '{"put": [{"product_id": "p", "image_urls": []}], "delete": ["p"]}',
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_message_that_cannot_be_read_goes_to_the_dead_letters_alone(body: str) -> None:
    function = IndexProductsFunction({"http://a/ok": picture(1)})

    assert function.call(sqs({"m1": body, "m2": _put("ok")})) == []
    assert function.given_up == ["m1"]
    assert function.index.products() == {"ok"}


def test_a_sign_that_json_writes_as_two_escapes_is_text() -> None:
    function = IndexProductsFunction({"http://a/ok": picture(1)})
    body = '{"put": [{"product_id": "\\ud83d\\ude00", "image_urls": ["http://a/ok"]}]}'

    assert function.call(sqs({"m1": body})) == []
    assert function.index.products() == {"😀"}


def test_an_empty_message_asks_for_nothing() -> None:
    assert IndexProductsFunction().call(sqs({"m1": "{}"})) == []


def test_the_failure_of_one_bad_picture_is_recorded_and_the_others_are_indexed() -> None:
    function = IndexProductsFunction({"http://a/bad": b"no picture", "http://a/ok": picture(1)})

    assert function.call(sqs({"m1": _put("ok", "bad", "gone", backfill_id="b", run=2)})) == []
    assert function.states() == {"ok": ("indexed", None), "bad": ("failed", "picture_unusable"), "gone": ("failed", "picture_unreachable")}
    assert {(outcome.backfill_id, outcome.run) for outcome in function.outcomes.known.values()} == {("b", 2)}


def test_a_product_without_pictures_is_recorded_as_failed() -> None:
    function = IndexProductsFunction()

    assert function.call(sqs({"m1": '{"put": [{"product_id": "p", "image_urls": []}]}'})) == []
    assert function.states() == {"p": ("failed", "request_invalid")}


def test_after_a_transient_error_a_product_is_sent_again_alone_in_a_message_that_can_be_decoded() -> None:
    function = IndexProductsFunction({"http://a/slow": DownloadFailed("slow"), "http://a/ok": picture(1)})

    assert function.call(sqs({"m1": _put("ok", "slow", backfill_id="b", run=2)})) == []
    [(message, _)] = function.queues.products
    assert (message,) == messages.decode(_put("slow", backfill_id="b", run=2, attempt=1), SENT_MS)


def test_a_message_whose_last_attempt_fails_comes_back_alone() -> None:
    function = IndexProductsFunction({"http://a/slow": DownloadFailed("slow"), "http://a/ok": picture(1)})

    assert function.call(sqs({"m1": _put("ok"), "m2": _put("slow", attempt=MAX_ATTEMPTS)})) == ["m2"]
    assert function.index.products() == {"ok"}


def test_a_message_about_an_object_that_the_role_may_not_read_comes_back_alone() -> None:
    function = IndexProductsFunction({"http://a/ours": Misconfigured("S3 says 403"), "http://a/ok": picture(1)})

    assert function.call(sqs({"m1": _put("ours"), "m2": _put("ok")})) == ["m1"]
    assert function.index.products() == {"ok"}


@pytest.mark.parametrize("away", [IndexUnavailable("gone"), TransientError("busy")])
def test_the_whole_batch_comes_back_while_the_index_is_unavailable(away: LookalikeError) -> None:
    function = IndexProductsFunction({"http://a/ok": picture(1)})
    function.index.away = away

    assert function.call(sqs({"m1": _put("ok"), "m2": "{", "m3": _put("gone")})) == ["m1", "m3"]
    assert function.given_up == ["m2"]
    assert function.states() == {}


def test_after_a_misconfiguration_the_batch_comes_back_with_the_reason() -> None:
    function = IndexProductsFunction({"http://a/ok": picture(1)})
    function.index.away = Misconfigured("the model is missing")

    assert function.call(sqs({"m1": _put("ok")})) == ["m1"]
    assert [message.reason for message in function.redelivered] == ["misconfigured: the model is missing"]


def test_products_and_returned_messages_are_counted(counted: Counted) -> None:
    IndexProductsFunction({"http://a/ok": picture(1)}).call(sqs({"m1": _put("ok", "gone"), "m2": "{", "m3": json.dumps({"delete": ["p"]})}))

    assert counted() == {"Products": 2, "MessagesReturned": 1}


def test_a_message_is_decoded_as_it_was_encoded() -> None:
    put, delete = messages.decode(_put("a", "b", delete=["c"], backfill_id="b", run=3, attempt=2))

    assert isinstance(put, PutProducts)
    assert [product.product_id for product in put.items] == ["a", "b"]
    assert delete == DeleteProducts(("c",), backfill_id="b", run=3, attempt=2)
    assert [message.as_of for message in messages.decode(_put("a", as_of="2025-11-24T15:00:00.678Z"), SENT_MS)] == [1763996400678]
    assert messages.decode("{}") == ()


def test_messages_that_fail_come_back_soon() -> None:
    function = IndexProductsFunction({"http://a/ok": picture(1)})
    assert function.call(sqs({"m1": _put("ok"), "m2": "{"})) == []
    function.index.away = IndexUnavailable("gone")
    assert function.call(sqs({"m3": _put("ok")})) == ["m3"]

    assert [(each.message_id, each.is_poison, each.reason) for each in function.redelivered] == [
        ("m2", True, "request_invalid: this is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("m3", False, "index_away: gone"),
    ]
    assert [(each.receives, each.sent_ms) for each in function.redelivered] == [(1, SENT_MS)] * 2


@pytest.mark.parametrize(("receives", "least_s", "most_s"), [(1, 10, 13), (2, 20, 25), (5, 160, 200), (12, 900, 900)])
def test_the_wait_doubles_with_each_receive_up_to_a_quarter_of_an_hour(receives: int, least_s: int, most_s: int) -> None:
    waits = [backoff_s(10, receives - 1, draw) for draw in (lambda: 0.0, lambda: 1.0)]

    assert waits == pytest.approx([least_s, most_s], abs=1)
