"""Retry failures: failed items are sent again as the source has them now, and none is lost if a process dies."""

import pytest
from lookalike.backfill.continuation import PAGE
from lookalike.backfill.messages import ContinueRetry
from lookalike.backfill.model import SourceDocument
from lookalike.domain import Product
from lookalike.errors import TransientError

from tests.fakes import Clock
from tests.unit.backfill.backfill_that_was_read import COUNT, BackfillThatWasRead


def test_every_failed_product_is_sent_again_as_the_source_has_it_now() -> None:
    setup = BackfillThatWasRead()
    setup.settle()
    setup.settle(2, "picture_unreachable")
    setup.source.documents[1] = SourceDocument("p-1", Product("p-1", ("http://corrected/1",)))

    assert setup.retry_failures.retry(setup.id) == 2

    [(message, _)] = setup.queues.products
    assert message.items == (setup.source.documents[0].product, Product("p-1", ("http://corrected/1",)))
    assert (message.backfill_id, message.run) == (setup.id, 1)
    assert setup.progress.status(setup.id)["state"] == "indexing"
    setup.settle()
    assert setup.progress.status(setup.id)["state"] == "finished"


def test_a_retry_by_reason_leaves_other_failures_alone() -> None:
    setup = BackfillThatWasRead()
    setup.settle(5, "picture_unusable")
    setup.settle(2, "download_failed")

    assert setup.retry_failures.retry(setup.id, "download_failed") == 2
    assert setup.queues.sent() == ["p-0", "p-1"]


def test_a_failed_product_that_the_source_no_longer_has_fails_as_not_found() -> None:
    setup = BackfillThatWasRead()
    setup.settle(2, "picture_unusable")
    del setup.source.documents[0]
    setup.retry_failures.retry(setup.id)

    assert setup.queues.sent() == ["p-1"]
    assert setup.progress.status(setup.id)["failed"] == {"not_found": 1}


def test_a_retry_of_many_failures_is_continued_by_further_calls() -> None:
    setup = BackfillThatWasRead()
    setup.settle(COUNT, "download_failed")
    clock = Clock()
    retry_failures = setup.make_retry_failures(clock=lambda: clock() * 100)

    retry_failures.retry(setup.id)
    assert len(setup.queues.sent()) == PAGE
    while setup.queues.continuations:
        [message] = setup.queues.continuations
        setup.queues.continuations.clear()
        assert isinstance(message, ContinueRetry)
        retry_failures.resume(message)

    assert sorted(setup.queues.sent()) == sorted(f"p-{n}" for n in range(COUNT))


def test_a_retry_that_died_before_it_sent_anything_can_be_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    setup = BackfillThatWasRead()
    setup.settle(3, "download_failed")

    def die(*_: object, **__: object) -> None:
        raise TransientError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(setup.queues, "send", die)
        with pytest.raises(TransientError):
            setup.retry_failures.retry(setup.id, "download_failed")
    setup.retry_failures.retry(setup.id, "download_failed")

    assert setup.queues.sent() == ["p-0", "p-1", "p-2"]


def test_a_document_that_had_no_id_and_has_one_now_is_indexed_and_its_old_failure_is_removed() -> None:
    setup = BackfillThatWasRead(count=99, faults=1)
    setup.settle(99)
    [faulty] = [document for document in setup.source.documents if document.fault]
    assert setup.progress.status(setup.id)["failed"] == {"request_invalid": 1}
    setup.source.documents[-1] = SourceDocument(faulty.key, Product("p-99", ("http://a/99",)))

    assert setup.retry_failures.retry(setup.id) == 1
    assert setup.queues.sent() == ["p-99"]
    assert faulty.key not in setup.outcomes.known
    assert setup.progress.status(setup.id)["state"] == "indexing"
    setup.settle(100)

    status = setup.progress.status(setup.id)
    assert (status["state"], status["percent"], status["read"], status["indexed"]) == ("finished", 100.0, 100, 100)
    assert status["failed"] == {}
