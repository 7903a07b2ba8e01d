"""Dead letters are part of a backfill's state: recorded with their reasons, found by retry, sent again by redrive."""

from dataclasses import replace

import pytest
from lookalike.backfill.dead_letters import PAGE, DeadLetter
from lookalike.errors import IndexUnavailable
from lookalike.indexing.messages import CopyPictures, DeleteProducts, PutProducts
from lookalike.indexing.outcomes import ItemOutcome

from tests.unit.backfill.backfill_that_was_read import BackfillThatWasRead

REASON = "index_away: Elasticsearch cannot be reached"


def _products(setup: BackfillThatWasRead, *numbers: int, message_id: str = "1") -> DeadLetter:
    products = tuple(setup.source.documents[number].product for number in numbers)
    message = PutProducts(products, backfill_id=setup.id, run=1)  # type: ignore[arg-type]
    return DeadLetter("products", message_id, "{}", 1, REASON, setup.id, [message])


def _slice(setup: BackfillThatWasRead) -> DeadLetter:
    return DeadLetter("backfill", "s", f'{{"action": "slice", "backfill_id": "{setup.id}", "slice": 0}}', 1, REASON, setup.id)


def test_products_of_dead_letters_are_failures_with_the_reason_and_the_backfill_is_finished() -> None:
    setup = BackfillThatWasRead(count=4)
    setup.settle(2)
    assert setup.progress.status(setup.id)["state"] == "indexing"
    setup.dead_letter_queues.waiting.append(_products(setup, 2, 3))

    setup.dead_letters.collect()

    status = setup.progress.status(setup.id)
    assert (status["state"], status["indexed"], status["failed"]) == ("finished", 2, {"dead_letter": 2})
    assert status["dead_letters"] == {"products": 1}
    [first, _] = setup.progress.failures(setup.id, "dead_letter", 10, None)["failures"]
    assert (first["product_id"], first["reason"]) == ("p-2", REASON)
    assert setup.states.of(setup.backfill).transient_failures == 2


def test_a_backfill_s_status_counts_its_own_dead_letters() -> None:
    setup = BackfillThatWasRead(count=1)
    setup.dead_letter_store.put([replace(_slice(setup), backfill_id="another", message_id="a"), _products(setup, 0)])

    assert setup.progress.status(setup.id)["dead_letters"] == {"products": 1}


def test_a_retry_sends_them_again_and_forgets_the_dead_letters() -> None:
    setup = BackfillThatWasRead(count=4)
    setup.settle(2)
    setup.dead_letter_queues.waiting.append(_products(setup, 2, 3))
    setup.dead_letters.collect()

    assert setup.retry_failures.retry(setup.id) == 2

    assert sorted(setup.queues.sent()) == ["p-2", "p-3"]
    assert setup.dead_letters.list()["dead_letters"] == []
    setup.outcomes.record(ItemOutcome(f"p-{n}", "indexed", setup.id, 1) for n in (2, 3))
    assert setup.progress.status(setup.id)["failed"] == {}


def test_what_was_settled_meanwhile_stays_settled_and_what_waits_does_not_wait_for_ever() -> None:
    setup = BackfillThatWasRead(count=3)
    setup.settle(1)
    setup.outcomes.mark_queued([ItemOutcome("p-1", "queued", setup.id, 1)])
    setup.dead_letter_queues.waiting.append(_products(setup, 0, 1))

    setup.dead_letters.collect()

    assert {key: outcome.state for key, outcome in setup.outcomes.known.items()} == {"p-0": "indexed", "p-1": "failed"}


def test_pictures_that_were_to_be_copied_are_failures_by_their_ids() -> None:
    setup = BackfillThatWasRead(count=0)
    message = CopyPictures(("image-1",), source_index="old", backfill_id=setup.id, run=1)
    setup.dead_letter_queues.waiting.append(DeadLetter("products", "1", "{}", 1, REASON, setup.id, [message]))

    setup.dead_letters.collect()

    assert setup.outcomes.known["image-1"].code == "dead_letter"


def test_a_slice_that_nobody_reads_any_more_interrupts_the_backfill_and_start_or_retry_goes_on() -> None:
    setup = BackfillThatWasRead(count=4)
    setup.store.begin(setup.backfill, [{"from": 0, "to": 2}, {"from": 2, "to": 4}])
    setup.dead_letter_queues.waiting.append(_slice(setup))
    setup.dead_letters.collect()
    assert setup.progress.status(setup.id)["state"] == "interrupted"
    assert [each["state"] for each in setup.progress.list()["backfills"]] == ["interrupted"]

    setup.retry_failures.retry(setup.id)
    assert [letter.body for letter in setup.dead_letter_queues.sent_again] == [_slice(setup).body]
    assert setup.progress.status(setup.id)["state"] == "reading"

    setup.dead_letter_queues.waiting.append(_slice(setup))
    setup.dead_letters.collect()
    setup.fan_out.start(setup.backfill.spec)
    assert setup.progress.status(setup.id)["state"] == "reading"
    assert sorted(setup.queues.slices) == [(setup.id, 0), (setup.id, 1)]


def test_a_redrive_sends_all_or_those_of_one_queue_or_backfill() -> None:
    setup = BackfillThatWasRead(count=1)
    shops = DeadLetter("products", "2", '{"delete": ["x"]}', 2, REASON, None, [DeleteProducts(("x",))])
    upload = DeadLetter("uploads", "3", "{}", 3, REASON)
    setup.dead_letter_queues.waiting += [_products(setup, 0), shops, upload]
    setup.dead_letters.collect()

    assert [each["queue"] for each in setup.dead_letters.list()["dead_letters"]] == ["products", "products", "uploads"]
    assert setup.dead_letters.redrive("uploads") == {"redriven": 1, "is_complete": True}
    assert setup.dead_letters.redrive(None, setup.id) == {"redriven": 1, "is_complete": True}
    assert setup.dead_letters.redrive() == {"redriven": 1, "is_complete": True}
    assert [letter.message_id for letter in setup.dead_letter_queues.sent_again] == ["3", "1", "2"]


def test_a_redrive_takes_all_pages_and_says_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    setup = BackfillThatWasRead(count=1)
    setup.dead_letter_store.put(DeadLetter("uploads", str(number), "{}", number, REASON) for number in range(2 * PAGE))

    assert setup.dead_letters.redrive() == {"redriven": 2 * PAGE, "is_complete": True}

    setup.dead_letter_store.put(DeadLetter("uploads", str(number), "{}", number, REASON) for number in range(2 * PAGE))
    monkeypatch.setattr("lookalike.backfill.dead_letters.RUN_S", 0)
    assert setup.dead_letters.redrive()["is_complete"] is False


def test_what_cannot_be_recorded_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    setup = BackfillThatWasRead(count=1)
    setup.dead_letter_queues.waiting.append(_products(setup, 0))

    def refuse(*_: object) -> None:
        raise IndexUnavailable("gone")

    monkeypatch.setattr(setup.outcomes, "record_dead_letters", refuse)
    with pytest.raises(IndexUnavailable):
        setup.dead_letters.collect()
    assert len(setup.dead_letter_queues.waiting) == 1
