"""Answers of backfill's commands are no larger than Lambda lets through."""

import json

from lookalike.backfill.dead_letters import DeadLetter
from lookalike.indexing.outcomes import ItemOutcome

from tests.unit.functions.backfill_function import COUNT, START, BackfillFunction
from tests.unit.functions.events import sqs

LAMBDA_BYTES = 6_291_556
"""What Lambda says that an answer may have."""


def test_failures_with_long_addresses_come_in_pages_that_lambda_lets_through() -> None:
    function = BackfillFunction()
    id_ = function.call(START)["backfill_id"]
    function.call(sqs(function.sent_slices()))
    function.outcomes.record(
        ItemOutcome(f"p-{n:04}", "failed", id_, 1, image_url=f"http://a/{n}?{'x' * 8000}", code="download_failed", reason="y" * 1000)
        for n in range(COUNT)
    )
    question, told = {"action": "failures", "backfill_id": id_, "reason": "download_failed", "size": 1000}, list[str]()

    while question:
        answer = function.call(question)
        assert len(json.dumps(answer)) < LAMBDA_BYTES
        told += [failure["product_id"] for failure in answer["failures"]]
        question = question | {"cursor": answer["next_cursor"]} if answer["next_cursor"] else {}

    assert told == [f"p-{n:04}" for n in range(COUNT)]


def test_large_dead_letters_are_listed_with_the_beginnings_of_their_bodies() -> None:
    function = BackfillFunction()
    function.dead_letter_store.put(DeadLetter("products", str(n), "\u00e4" * 250_000, n, "y" * 1000) for n in range(100))

    answer = function.call({"action": "dead_letters"})

    assert len(json.dumps(answer)) < LAMBDA_BYTES
    assert len(answer["dead_letters"]) == 100
    assert all(letter["body"].startswith("\u00e4") for letter in answer["dead_letters"])
