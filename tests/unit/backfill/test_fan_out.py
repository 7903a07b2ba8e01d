"""Fan-out: every document is read once, whichever process dies meanwhile, and none is read after a cancel."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import pytest
from lookalike.backfill.continuation import MAX_WAITING
from lookalike.backfill.fan_out import PAGE, SliceProgress
from lookalike.backfill.model import CurrentSpec, IndexSpec, Into, Position, Slice, SourceDocument
from lookalike.domain import Product
from lookalike.errors import NotFound, RequestInvalid, TransientError
from lookalike.indexing.messages import MAX_IMAGE_URLS, CopyPictures, Message
from lookalike.indexing.outcomes import ItemOutcome

from tests.fakes import BackfillUseCases, Clock, FakeSource

SPEC = IndexSpec("shop")
INTO = Into("bigger")
COUNT = 4 * PAGE + 7


class FanOutSetup(BackfillUseCases):
    """A source of so many products, and documents that are none."""

    def __init__(self, count: int = COUNT, faults: int = 0) -> None:
        super().__init__(FakeSource(count, faults))

    def settle(self, backfill_id: str, run: int) -> None:
        self.outcomes.record(ItemOutcome(product_id, "indexed", backfill_id, run) for product_id in self.queues.sent())

    def state(self, backfill_id: str) -> str:
        return str(self.progress.status(backfill_id)["state"])


def test_every_product_is_sent_once_and_the_status_adds_up() -> None:
    setup = FanOutSetup(faults=3)
    backfill = setup.fan_out.start(SPEC)
    assert setup.progress.status(backfill.backfill_id)["state"] == "reading"
    setup.read_all()
    assert setup.progress.status(backfill.backfill_id)["state"] == "indexing"
    setup.settle(backfill.backfill_id, backfill.run)

    status = setup.progress.status(backfill.backfill_id)

    assert sorted(setup.queues.sent()) == sorted(f"p-{n}" for n in range(COUNT))
    assert max(len(message.items) for message, _ in setup.queues.products) == 50
    assert (status["state"], status["percent"], status["read"], status["total"]) == ("finished", 100.0, COUNT + 3, COUNT + 3)
    assert (status["indexed"], status["failed"]) == (COUNT, {"request_invalid": 3})


def test_a_slice_that_died_after_a_page_was_sent_sends_that_page_again_and_continues(monkeypatch: pytest.MonkeyPatch) -> None:
    setup = FanOutSetup()
    setup.fan_out.start(SPEC)
    advance = setup.store.advance

    def die(slice_: Slice, position: Position | None, read: int) -> Slice | None:
        raise TransientError("killed")

    monkeypatch.setattr(setup.store, "advance", die)
    slices = list(setup.queues.slices)
    with pytest.raises(TransientError):
        setup.fan_out.read_slice(*slices[0])
    monkeypatch.setattr(setup.store, "advance", advance)
    setup.read_all()

    assert set(setup.queues.sent()) == {f"p-{n}" for n in range(COUNT)}
    assert len(setup.queues.sent()) == COUNT + PAGE


def test_of_two_processes_that_read_a_slice_one_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    setup = FanOutSetup()
    backfill = setup.fan_out.start(SPEC)
    stale = setup.store.slice(backfill.backfill_id, 0)
    setup.fan_out.read_slice(backfill.backfill_id, 0)
    read = len(setup.queues.sent())
    monkeypatch.setattr(setup.store, "slice", lambda *_: stale)

    setup.fan_out.read_slice(backfill.backfill_id, 0)

    assert len(setup.queues.sent()) == read + PAGE


def test_a_slice_whose_time_is_up_sends_its_next_message(monkeypatch: pytest.MonkeyPatch) -> None:
    setup = FanOutSetup()
    monkeypatch.setattr("lookalike.backfill.fan_out.SLICE_RUN_S", 0.5)
    fan_out = setup.make_fan_out(clock=Clock())
    backfill = fan_out.start(SPEC)
    setup.queues.slices.clear()

    fan_out.read_slice(backfill.backfill_id, 0)

    assert setup.queues.slices == [(backfill.backfill_id, 0)]
    assert len(setup.queues.sent()) == PAGE


def test_the_same_request_again_resumes_and_after_the_end_runs_again() -> None:
    setup = FanOutSetup()
    first = setup.fan_out.start(SPEC)
    setup.fan_out.read_slice(*setup.queues.slices.pop())
    setup.queues.slices.clear()

    again = setup.fan_out.start(SPEC)
    assert (again.backfill_id, again.run, len(setup.queues.slices)) == (first.backfill_id, 1, 1)
    setup.read_all()

    assert setup.fan_out.start(SPEC).run == 2


def test_an_unknown_backfill_is_refused() -> None:
    setup = FanOutSetup()
    for ask in (setup.progress.status, setup.fan_out.cancel, lambda id_: setup.fan_out.read_slice(id_, 0)):
        with pytest.raises(NotFound):
            ask("none")


def test_after_a_cancel_no_slice_is_read_further_than_the_page_it_is_at(monkeypatch: pytest.MonkeyPatch) -> None:
    setup = FanOutSetup()
    backfill = setup.fan_out.start(SPEC)
    post = setup.queues.send

    def cancel_meanwhile(messages: Iterable[Message]) -> Sequence[Product]:
        setup.fan_out.cancel(backfill.backfill_id)
        return post(messages)

    with monkeypatch.context() as patched:
        patched.setattr(setup.queues, "send", cancel_meanwhile)
        setup.fan_out.read_slice(backfill.backfill_id, 0)
    setup.read_all()

    assert setup.queues.sent() == [f"p-{n}" for n in range(PAGE)]
    assert setup.state(backfill.backfill_id) == "cancelled"
    assert setup.fan_out.start(SPEC).run == 1
    setup.read_all()
    assert set(setup.queues.sent()) == {f"p-{n}" for n in range(COUNT)}


def test_documents_of_the_same_product_are_one_with_all_their_pictures() -> None:
    setup = FanOutSetup(0)
    setup.source.documents = [
        SourceDocument(f"d-{n}", Product("hat", (f"http://a/{n}", "http://a/same"), {"document": n})) for n in range(2)
    ]
    setup.source.parts = 1
    backfill = setup.fan_out.start(SPEC)
    setup.read_all()

    [(message, _)] = setup.queues.products
    assert message.items == (Product("hat", ("http://a/0", "http://a/same", "http://a/1"), {"document": 0}),)
    assert setup.progress.status(backfill.backfill_id)["read"] == 1


def test_where_a_product_may_come_on_several_pages_the_backfill_is_finished_once_each_is_indexed() -> None:
    setup = FanOutSetup(0)
    setup.source.unique = False
    setup.source.documents = [SourceDocument(f"d-{n}", Product(f"p-{n % PAGE}", ("http://a/1",))) for n in range(4 * PAGE)]
    backfill = setup.fan_out.start(SPEC)
    setup.read_all()
    assert setup.state(backfill.backfill_id) == "indexing"
    setup.settle(backfill.backfill_id, backfill.run)

    status = setup.progress.status(backfill.backfill_id)

    assert (status["state"], status["read"], status["indexed"]) == ("finished", 4 * PAGE, PAGE)


def test_a_product_with_more_pictures_than_a_message_takes_is_a_failure_of_its_own() -> None:
    setup = FanOutSetup(0)
    setup.source.documents = [
        SourceDocument("d", Product("hat", tuple(f"http://a/{n}" for n in range(MAX_IMAGE_URLS + 1)))),
        SourceDocument("e", Product("mug", ())),
    ]
    backfill = setup.fan_out.start(SPEC)
    setup.read_all()

    assert setup.queues.sent() == ["mug"]
    assert setup.progress.failures(backfill.backfill_id, None, 10, None)["failures"][0]["product_id"] == "hat"


def test_a_product_that_is_too_large_for_a_message_is_a_failure_of_its_own() -> None:
    setup = FanOutSetup(0)
    setup.source.documents = [SourceDocument("d", Product("hat", (), {"text": "x" * 300_000})), SourceDocument("e", Product("mug", ()))]
    setup.source.parts = 1
    backfill = setup.fan_out.start(SPEC, force=True)
    setup.read_all()
    setup.settle(backfill.backfill_id, backfill.run)

    status = setup.progress.status(backfill.backfill_id)
    [failure] = setup.progress.failures(backfill.backfill_id, None, 10, None)["failures"]
    assert setup.queues.sent() == ["mug"]
    assert (failure["product_id"], failure["code"]) == ("hat", "request_invalid")
    assert "too large for a message" in failure["reason"]
    assert (status["state"], status["read"]) == ("finished", 2)


def test_into_a_new_index_every_message_names_it() -> None:
    setup = FanOutSetup()
    backfill = setup.fan_out.start(SPEC, INTO)
    setup.read_all()

    assert (backfill.into, setup.indices.next) == ("lookalike-bigger-1", "lookalike-bigger-1")
    assert {message.into for message, _ in setup.queues.products} == {"lookalike-bigger-1"}


def test_pictures_of_the_current_index_are_copied_from_the_index_that_it_was_at_the_start() -> None:
    setup = FanOutSetup(0)
    setup.source.documents = [SourceDocument(f"d-{n}", image_id=f"{n:032}") for n in range(120)]
    backfill = setup.fan_out.start(CurrentSpec(), INTO)
    setup.indices.current = "moved"
    setup.read_all()

    assert [len(message.items) for message, _ in setup.queues.products] == [50, 10, 50, 10]
    assert {(message.source_index, message.into) for message, _ in setup.queues.products if isinstance(message, CopyPictures)} == {
        ("lookalike-fake-1", backfill.into)
    }


def test_nothing_is_copied_into_the_index_that_is_searched_already() -> None:
    setup = FanOutSetup()
    first = setup.fan_out.start(CurrentSpec(), INTO)
    setup.read_all()
    assert first.into
    setup.indices.switch(first.into)

    with pytest.raises(RequestInvalid):
        setup.fan_out.start(CurrentSpec(), INTO)


def test_a_cancelled_backfill_into_a_new_index_ends_the_dual_write_and_starts_anew() -> None:
    setup = FanOutSetup()
    backfill = setup.fan_out.start(SPEC, INTO)
    setup.fan_out.cancel(backfill.backfill_id)
    assert setup.indices.next is None

    again = setup.fan_out.start(SPEC, INTO)

    assert (again.run, again.into, setup.indices.next) == (2, backfill.into, backfill.into)


def test_every_run_but_the_first_reads_what_changed_since_the_one_before() -> None:
    setup = FanOutSetup()
    began = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
    fan_out = setup.make_fan_out(now=lambda: began)
    spec = IndexSpec("shop", updated_at="changed")
    first = fan_out.start(spec)
    setup.read_all()

    second = fan_out.start(spec)

    assert (first.spec, first.backfill_id) == (spec, second.backfill_id)
    assert isinstance(second.spec, IndexSpec)
    assert second.spec.since == "2026-01-01T12:00:00+00:00"


def test_a_source_whose_image_field_no_document_has_is_refused_unless_it_is_forced() -> None:
    setup = FanOutSetup(0)
    setup.source.documents = [SourceDocument(f"d-{n}", Product(f"p-{n}", ())) for n in range(50)]

    with pytest.raises(RequestInvalid, match="none of ") as refused:
        setup.fan_out.start(SPEC)
    assert refused.value.field == "source.fields.image_urls"
    assert setup.fan_out.start(SPEC, force=True).total == 50


def test_a_source_of_which_no_document_is_a_product_is_refused_with_the_reason() -> None:
    setup = FanOutSetup(0)
    setup.source.documents = [SourceDocument(f"d-{n}", fault="the document has no _source") for n in range(3)]

    with pytest.raises(RequestInvalid, match="no _source"):
        setup.fan_out.start(SPEC)


def test_nothing_is_read_while_the_products_queue_is_long_and_all_of_it_afterwards() -> None:
    setup = FanOutSetup()
    setup.fan_out.start(SPEC)
    slices = list(setup.queues.slices)
    setup.queues.slices.clear()
    setup.queues.more_waiting = MAX_WAITING + 1

    assert setup.fan_out.read_slice(*slices[0]) == SliceProgress(0, is_at_end=False)
    assert (setup.queues.sent(), setup.queues.slices) == ([], slices[:1])

    setup.queues.more_waiting = 0
    setup.queues.slices = slices
    setup.read_all()
    assert len(setup.queues.sent()) == COUNT
