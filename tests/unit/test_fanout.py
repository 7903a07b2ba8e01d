"""Fan-out: every document is read once, whoever dies on the way, and nobody reads on after a cancel."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import pytest
from lookalike.backfills import CurrentSpec, IndexSpec, Into, Position, Row, Slice
from lookalike.domain import Product
from lookalike.errors import NotFound, RequestInvalid, Unavailable
from lookalike.fanout import PAGE, FanOut
from lookalike.products import MAX_IMAGE_URLS, Message, ProductOutcome
from lookalike.progress import Progress

from tests.fakes import Clock, FakeIndices, FakeOutbox, FakeOutcomes, FakeSource, FakeStore

SPEC = IndexSpec("shop")
INTO = Into("bigger")
COUNT = 4 * PAGE + 7


class Bench:
    """The use case with fakes around it."""

    def __init__(self, count: int = COUNT, faults: int = 0) -> None:
        self.outbox, self.outcomes, self.store, self.indices = FakeOutbox(), FakeOutcomes(), FakeStore(), FakeIndices()
        self.source = FakeSource(count, faults)
        self.fan_out = FanOut(self.source, self.store, self.outcomes, self.outbox, self.indices)
        self.progress = Progress(self.store, self.outcomes, self.outbox)

    def read_all(self) -> None:
        while self.outbox.slices:
            self.fan_out.read_slice(*self.outbox.slices.pop())

    def settle(self, backfill_id: str, run: int) -> None:
        self.outcomes.record(ProductOutcome(product_id, "indexed", backfill_id, run) for product_id in self.outbox.posted())

    def state(self, backfill_id: str) -> str:
        return str(self.progress.status(backfill_id)["state"])


def test_every_product_is_posted_once_and_the_status_adds_up() -> None:
    bench = Bench(faults=3)
    backfill = bench.fan_out.start(SPEC)
    assert bench.progress.status(backfill.backfill_id)["state"] == "reading"
    bench.read_all()
    assert bench.progress.status(backfill.backfill_id)["state"] == "indexing"
    bench.settle(backfill.backfill_id, backfill.run)

    status = bench.progress.status(backfill.backfill_id)

    assert sorted(bench.outbox.posted()) == sorted(f"p-{n}" for n in range(COUNT))
    assert max(len(message.put) for message, _ in bench.outbox.products) == 50
    assert (status["state"], status["percent"], status["read"], status["total"]) == ("finished", 100.0, COUNT + 3, COUNT + 3)
    assert (status["indexed"], status["failed"]) == (COUNT, {"request_invalid": 3})


def test_a_slice_that_died_after_a_post_posts_that_page_again_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    bench.fan_out.start(SPEC)
    advance = bench.store.advance

    def die(slice_: Slice, position: Position | None, read: int) -> Slice | None:
        raise Unavailable("killed")

    monkeypatch.setattr(bench.store, "advance", die)
    slices = list(bench.outbox.slices)
    with pytest.raises(Unavailable):
        bench.fan_out.read_slice(*slices[0])
    monkeypatch.setattr(bench.store, "advance", advance)
    bench.read_all()

    assert set(bench.outbox.posted()) == {f"p-{n}" for n in range(COUNT)}
    assert len(bench.outbox.posted()) == COUNT + PAGE


def test_of_two_who_read_a_slice_one_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    backfill = bench.fan_out.start(SPEC)
    stale = bench.store.slice(backfill.backfill_id, 0)
    bench.fan_out.read_slice(backfill.backfill_id, 0)
    read = len(bench.outbox.posted())
    monkeypatch.setattr(bench.store, "slice", lambda *_: stale)

    bench.fan_out.read_slice(backfill.backfill_id, 0)

    assert len(bench.outbox.posted()) == read + PAGE


def test_a_slice_whose_time_is_up_posts_itself_again(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    monkeypatch.setattr("lookalike.fanout.SLICE_RUN_S", 0.5)
    fan_out = FanOut(bench.source, bench.store, bench.outcomes, bench.outbox, bench.indices, clock=Clock())
    backfill = fan_out.start(SPEC)
    bench.outbox.slices.clear()

    fan_out.read_slice(backfill.backfill_id, 0)

    assert bench.outbox.slices == [(backfill.backfill_id, 0)]
    assert len(bench.outbox.posted()) == PAGE


def test_the_same_request_again_resumes_and_after_the_end_runs_again() -> None:
    bench = Bench()
    first = bench.fan_out.start(SPEC)
    bench.fan_out.read_slice(*bench.outbox.slices.pop())
    bench.outbox.slices.clear()

    again = bench.fan_out.start(SPEC)
    assert (again.backfill_id, again.run, len(bench.outbox.slices)) == (first.backfill_id, 1, 1)
    bench.read_all()

    assert bench.fan_out.start(SPEC).run == 2


def test_an_unknown_backfill_is_told() -> None:
    bench = Bench()
    for ask in (bench.progress.status, bench.fan_out.cancel, lambda id_: bench.fan_out.read_slice(id_, 0)):
        with pytest.raises(NotFound):
            ask("none")


def test_after_a_cancel_no_slice_is_read_further_than_the_page_it_is_at(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    backfill = bench.fan_out.start(SPEC)
    post = bench.outbox.post_products

    def cancel_meanwhile(messages: Iterable[Message]) -> Sequence[Product]:
        bench.fan_out.cancel(backfill.backfill_id)
        return post(messages)

    with monkeypatch.context() as patched:
        patched.setattr(bench.outbox, "post_products", cancel_meanwhile)
        bench.fan_out.read_slice(backfill.backfill_id, 0)
    bench.read_all()

    assert bench.outbox.posted() == [f"p-{n}" for n in range(PAGE)]
    assert bench.state(backfill.backfill_id) == "cancelled"
    assert bench.fan_out.start(SPEC).run == 1
    bench.read_all()
    assert set(bench.outbox.posted()) == {f"p-{n}" for n in range(COUNT)}


def test_documents_of_the_same_product_are_one_with_all_their_pictures() -> None:
    bench = Bench(0)
    bench.source.rows = [Row(f"d-{n}", Product("hat", (f"http://a/{n}", "http://a/same"), {"document": n})) for n in range(2)]
    bench.source.parts = 1
    backfill = bench.fan_out.start(SPEC)
    bench.read_all()

    [(message, _)] = bench.outbox.products
    assert message.put == (Product("hat", ("http://a/0", "http://a/same", "http://a/1"), {"document": 0}),)
    assert bench.progress.status(backfill.backfill_id)["read"] == 1


def test_where_a_product_may_come_on_several_pages_the_backfill_ends_when_each_was_settled() -> None:
    bench = Bench(0)
    bench.source.unique = False
    bench.source.rows = [Row(f"d-{n}", Product(f"p-{n % PAGE}", ("http://a/1",))) for n in range(4 * PAGE)]
    backfill = bench.fan_out.start(SPEC)
    bench.read_all()
    assert bench.state(backfill.backfill_id) == "indexing"
    bench.settle(backfill.backfill_id, backfill.run)

    status = bench.progress.status(backfill.backfill_id)

    assert (status["state"], status["read"], status["indexed"]) == ("finished", 4 * PAGE, PAGE)


def test_a_product_with_more_pictures_than_a_message_takes_is_a_failure_of_its_own() -> None:
    bench = Bench(0)
    bench.source.rows = [Row("d", Product("hat", tuple(f"http://a/{n}" for n in range(MAX_IMAGE_URLS + 1)))), Row("e", Product("mug", ()))]
    backfill = bench.fan_out.start(SPEC)
    bench.read_all()

    assert bench.outbox.posted() == ["mug"]
    assert bench.progress.failures(backfill.backfill_id, None, 10, None)["failures"][0]["product_id"] == "hat"


def test_a_product_that_is_too_large_for_a_message_is_a_failure_of_its_own() -> None:
    bench = Bench(0)
    bench.source.rows = [Row("d", Product("hat", (), {"text": "x" * 300_000})), Row("e", Product("mug", ()))]
    bench.source.parts = 1
    backfill = bench.fan_out.start(SPEC)
    bench.read_all()
    bench.settle(backfill.backfill_id, backfill.run)

    status = bench.progress.status(backfill.backfill_id)
    [failure] = bench.progress.failures(backfill.backfill_id, None, 10, None)["failures"]
    assert bench.outbox.posted() == ["mug"]
    assert (failure["product_id"], failure["code"]) == ("hat", "request_invalid")
    assert "too large for a message" in failure["reason"]
    assert (status["state"], status["read"]) == ("finished", 2)


def test_into_a_new_index_every_message_names_it() -> None:
    bench = Bench()
    backfill = bench.fan_out.start(SPEC, INTO)
    bench.read_all()

    assert (backfill.into, bench.indices.next) == ("lookalike-bigger-1", "lookalike-bigger-1")
    assert {message.into for message, _ in bench.outbox.products} == {"lookalike-bigger-1"}


def test_pictures_of_the_current_index_are_copied_from_the_index_that_it_was_at_the_start() -> None:
    bench = Bench(0)
    bench.source.rows = [Row(f"d-{n}", image_id=f"{n:032}") for n in range(120)]
    backfill = bench.fan_out.start(CurrentSpec(), INTO)
    bench.indices.current = "moved"
    bench.read_all()

    assert [len(message.copy) for message, _ in bench.outbox.products] == [50, 10, 50, 10]
    assert {(message.copy_from, message.into) for message, _ in bench.outbox.products} == {("lookalike-fake-1", backfill.into)}


def test_nothing_is_copied_into_the_index_that_is_searched_already() -> None:
    bench = Bench()
    first = bench.fan_out.start(CurrentSpec(), INTO)
    bench.read_all()
    assert first.into
    bench.indices.switch(first.into)

    with pytest.raises(RequestInvalid):
        bench.fan_out.start(CurrentSpec(), INTO)


def test_a_cancelled_backfill_into_a_new_index_lets_go_of_it_and_starts_anew() -> None:
    bench = Bench()
    backfill = bench.fan_out.start(SPEC, INTO)
    bench.fan_out.cancel(backfill.backfill_id)
    assert bench.indices.next is None

    again = bench.fan_out.start(SPEC, INTO)

    assert (again.run, again.into, bench.indices.next) == (2, backfill.into, backfill.into)


def test_every_run_but_the_first_reads_what_changed_since_the_one_before() -> None:
    bench = Bench()
    began = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
    fan_out = FanOut(bench.source, bench.store, bench.outcomes, bench.outbox, bench.indices, now=lambda: began)
    spec = IndexSpec("shop", updated_at="changed")
    first = fan_out.start(spec)
    bench.read_all()

    second = fan_out.start(spec)

    assert (first.spec, first.backfill_id) == (spec, second.backfill_id)
    assert isinstance(second.spec, IndexSpec)
    assert second.spec.since == "2026-01-02T02:50:00+00:00"
