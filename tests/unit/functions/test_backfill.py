"""The function backfill: commands from the CLI, and its own messages through SQS."""

import json
from typing import Any

import pytest
from lookalike.backfill.dead_letters import DeadLetter
from lookalike.backfill.indices import SharedPicture
from lookalike.backfill.model import IndexSpec, id_of
from lookalike.errors import IndexUnavailable, LookalikeError, Misconfigured, RequestInvalid, TransientError
from lookalike.indexing.messages import DeleteProducts
from lookalike.indexing.outcomes import ItemOutcome

from tests.unit.functions.backfill_function import COUNT, START, BackfillFunction
from tests.unit.functions.conftest import Counted
from tests.unit.functions.events import SENT_MS, example, failed, sqs


def test_a_backfill_is_started_read_and_followed_to_its_end() -> None:
    function = BackfillFunction()
    started = function.call(START)
    assert started == {"backfill_id": id_of(IndexSpec("shop")), "products": COUNT + 1}
    status = {"action": "status", "backfill_id": started["backfill_id"]}
    assert function.call(status)["state"] == "reading"

    assert failed(function.call(sqs(function.sent_slices()))) == []
    assert function.call(status)["state"] == "indexing"
    function.outcomes.record(ItemOutcome(product_id, "indexed", started["backfill_id"], 1) for product_id in function.queues.sent())

    end = function.call(status)
    assert (end["state"], end["total"], end["read"], end["indexed"], end["failed"]) == (
        "finished",
        COUNT + 1,
        COUNT + 1,
        COUNT,
        {"request_invalid": 1},
    )
    assert json.loads(json.dumps(end)) == end


def test_a_scheduled_command_comes_through_the_queue_and_one_that_is_refused_is_a_dead_letter(counted: Counted) -> None:
    function = BackfillFunction()
    assert failed(function.call(sqs({"nightly": json.dumps(START)}))) == []
    assert function.queues.slices
    assert counted()["BackfillsStarted"] == 1

    function.failing_source.error = RequestInvalid("there is no index 'gone'", field="source.index")
    assert failed(function.call(sqs({"nightly": json.dumps({"action": "start", "source": {"index": "gone"}})}))) == []
    assert [(message.message_id, message.reason) for message in function.given_up] == [
        ("nightly", "request_invalid: there is no index 'gone'")
    ]


@pytest.mark.parametrize(
    ("body", "raised", "comes_back"),
    [
        ('{"action": "dead_letters"}', IndexUnavailable("gone"), []),
        ('{"action": "dead_letters"}', Misconfigured("our key is refused"), ["scheduled"]),
        (json.dumps(START), IndexUnavailable("gone"), ["scheduled"]),
    ],
)
def test_a_recording_of_dead_letters_does_not_become_one_while_elasticsearch_is_away(
    monkeypatch: pytest.MonkeyPatch, body: str, raised: LookalikeError, comes_back: list[str]
) -> None:
    """The schedule posts one every ten minutes; a night's outage would leave fifty."""
    function = BackfillFunction()

    def away(_: object) -> None:
        raise raised

    function.dead_letter_queues.waiting.append(DeadLetter("products", "1", "{}", 1, "why"))
    monkeypatch.setattr(function.dead_letter_store, "put", away)

    assert failed(function.call(sqs({"scheduled": body}))) == comes_back
    assert function.dead_letter_queues.waiting


def test_the_same_start_again_answers_with_the_same_id() -> None:
    function = BackfillFunction()

    assert function.call(START) == function.call(START)


def test_the_report_has_pictures_of_several_products_those_of_most_first() -> None:
    function = BackfillFunction()
    function.indices.shared = [
        SharedPicture("0" * 64, 2, 1, "http://a/none.jpg"),
        SharedPicture("1" * 64, 1, 9, "http://a/twin.jpg"),
        SharedPicture("2" * 64, 7, 2, "http://a/blank.jpg"),
    ]

    answer = function.call({"action": "report"})

    assert answer["index"] == function.indices.current
    assert [(each["perceptual_hash"][0], each["products"], each["is_left_out"]) for each in answer["pictures"]] == [
        ("2", 7, False),
        ("0", 2, True),
    ]
    assert function.refusal({"action": "report", "size": 101})["field"] == "size"


def test_an_unknown_backfill_is_refused() -> None:
    error = BackfillFunction().refusal(example("backfill_status"))

    assert (error["code"], error["field"]) == ("not_found", "backfill_id")
    assert "b1946ac92492d2347c6235b4d2611184" in error["message"]


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (RequestInvalid("there is no index 'shop'", field="source.index"), "request_invalid"),
        (TransientError("the source is busy"), "unavailable"),
        (Misconfigured("the source refuses our key"), "misconfigured"),
    ],
)
def test_a_failed_command_says_who_has_to_act(raised: LookalikeError, code: str) -> None:
    function = BackfillFunction()
    function.failing_source.error = raised

    error = function.refusal(START)

    assert (error["code"], error["message"], error.get("field")) == (code, str(raised), raised.field)


def test_a_defect_fails_the_invocation() -> None:
    function = BackfillFunction()
    function.failing_source.error = ZeroDivisionError()

    with pytest.raises(ZeroDivisionError):
        function.call(START)


UNREADABLE = {
    "no JSON": "{",
    "null": "null",
    "an unknown action": '{"action": "stop", "backfill_id": "b"}',
    "no number": '{"action": "slice", "backfill_id": "b"}',
    "a backfill that is not known": example("backfill_slice")["Records"][0]["body"],
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_message_that_cannot_be_carried_out_goes_to_the_dead_letters_alone(body: str) -> None:
    function = BackfillFunction()
    function.call(START)

    assert failed(function.call(sqs({"wrong": body} | function.sent_slices()))) == []
    assert [message.message_id for message in function.given_up] == ["wrong"]
    assert len(function.queues.sent()) == COUNT


def test_the_message_of_a_slice_whose_products_cannot_be_sent_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    function = BackfillFunction()
    function.call(START)
    slices = function.sent_slices()

    def busy(*_: object, **__: object) -> None:
        raise TransientError("SQS is busy")

    with monkeypatch.context() as patched:
        patched.setattr(function.queues, "send", busy)
        assert failed(function.call(sqs(slices))) == list(slices)
    assert failed(function.call(sqs(slices))) == []
    assert sorted(function.queues.sent()) == sorted(f"p-{number}" for number in range(COUNT))


def test_failures_are_listed_and_retried() -> None:
    function = BackfillFunction()
    id_ = function.call(START)["backfill_id"]
    function.call(sqs(function.sent_slices()))
    function.outcomes.record(ItemOutcome(f"p-{number}", "indexed", id_, 1) for number in range(COUNT))
    failed_ones = [
        ItemOutcome(f"p-{n}", "failed", id_, 1, image_url=f"http://a/{n}", code="download_failed", reason="503") for n in range(3)
    ]
    function.outcomes.record(failed_ones)
    function.queues.products.clear()

    answer = function.call({"action": "failures", "backfill_id": id_, "reason": "download_failed", "size": 2})
    assert [(each["product_id"], each["image_url"], each["reason"]) for each in answer["failures"]] == [
        ("p-0", "http://a/0", "503"),
        ("p-1", "http://a/1", "503"),
    ]
    rest = function.call(
        {"action": "failures", "backfill_id": id_, "reason": "download_failed", "size": 2, "cursor": answer["next_cursor"]}
    )
    assert ([each["product_id"] for each in rest["failures"]], rest["next_cursor"]) == (["p-2"], None)
    assert function.call({"action": "retry", "backfill_id": id_, "reason": "download_failed"}) == {"backfill_id": id_, "retried": 3}
    assert function.queues.sent() == ["p-0", "p-1", "p-2"]
    assert function.call({"action": "status", "backfill_id": id_})["state"] == "indexing"


def test_a_backfill_is_listed_cancelled_and_switched_to() -> None:
    function = BackfillFunction()
    start = START | {"into": {"model": "bigger"}}
    started = function.call(start)
    id_ = started["backfill_id"]
    assert started["into"] == "lookalike-bigger-1"
    assert [(each["backfill_id"], each["state"]) for each in function.call({"action": "list"})["backfills"]] == [(id_, "reading")]
    assert function.refusal({"action": "switch", "backfill_id": id_})["field"] == "backfill_id"

    assert function.call({"action": "cancel", "backfill_id": id_}) == {"backfill_id": id_, "state": "cancelled"}
    assert function.call({"action": "switch", "backfill_id": id_, "force": True}) == {
        "backfill_id": id_,
        "index": "lookalike-bigger-1",
        "previous": "lookalike-fake-1",
    }


def test_a_backfill_that_is_read_to_its_end_is_not_called_cancelled() -> None:
    function = BackfillFunction()
    id_ = function.call(START)["backfill_id"]
    function.call(sqs(function.sent_slices()))

    assert function.call({"action": "cancel", "backfill_id": id_}) == {"backfill_id": id_, "state": "indexing"}


def test_vanished_products_are_counted_and_pruned() -> None:
    function = BackfillFunction()
    id_ = function.call(START)["backfill_id"]
    function.outcomes.record([ItemOutcome("gone", "indexed", id_, 0)])
    remove = {"action": "prune", "backfill_id": id_}
    assert function.refusal(remove)["code"] == "request_invalid"
    function.call(sqs(function.sent_slices()))
    assert function.refusal(remove)["message"] == "prune needs a backfill that is finished, and this one is indexing"
    function.outcomes.record(ItemOutcome(f"p-{number}", "indexed", id_, 1) for number in range(COUNT))
    function.queues.products.clear()

    assert function.call(remove | {"dry_run": True}) == {"backfill_id": id_, "vanished": 1, "dry_run": True}
    assert function.queues.products == []
    assert function.call(remove) == {"backfill_id": id_, "vanished": 1, "dry_run": False}
    [(message, _)] = function.queues.products
    assert isinstance(message, DeleteProducts)
    assert message.items == ("gone",)


def test_metrics_of_a_slice_carry_the_backfill_s_id(counted: Counted, capsys: pytest.CaptureFixture[str]) -> None:
    function = BackfillFunction()
    id_ = function.call(START)["backfill_id"]
    capsys.readouterr()
    function.call(sqs(function.sent_slices()))

    published = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert {each["backfill_id"] for each in published} == {id_}
    assert sum(sum(each["ProductsRead"]) for each in published) == COUNT + 1


@pytest.mark.parametrize(
    "payload",
    [
        None,
        1,
        "start",
        [],
        {},
        {"Records": None},
        {"Records": 1},
        {"action": None},
        {"action": "status"},
        {"action": "status", "backfill_id": None},
    ],
    ids=str,
)
def test_a_payload_that_is_no_command_is_refused(payload: Any) -> None:
    assert BackfillFunction().refusal(payload)["code"] == "request_invalid"


def test_every_command_records_dead_letters_and_they_can_be_listed_and_sent_again() -> None:
    function = BackfillFunction()
    function.dead_letter_queues.waiting.append(DeadLetter("uploads", "m1", "{}", SENT_MS, "index_away: gone"))

    function.call({"action": "list"})

    listed = {"queue": "uploads", "backfill_id": None, "reason": "index_away: gone", "sent_ms": SENT_MS, "body": "{}"}
    assert function.call({"action": "dead_letters", "queue": "products"}) == {"dead_letters": []}
    assert function.call({"action": "dead_letters"}) == {"dead_letters": [listed]}
    assert function.call({"action": "redrive"}) == {"redriven": 1, "is_complete": True}
    assert function.call({"action": "redrive", "queue": "other"})["error"]["field"] == "queue"
    assert [letter.message_id for letter in function.dead_letter_queues.sent_again] == ["m1"]
