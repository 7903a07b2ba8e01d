"""Backfilling: every document is read once, whoever dies on the way."""

import pytest
from lookalike.backfilling import PAGE, Backfilling, Position, Slice, SourceSpec
from lookalike.errors import NotFound, Unavailable
from lookalike.products import ProductOutcome

from tests.fakes import Clock, FakeOutbox, FakeOutcomes, FakeSource, FakeStore

SPEC = SourceSpec("shop")
COUNT = 4 * PAGE + 7


class Bench:
    """The use case with fakes around it."""

    def __init__(self, count: int = COUNT, faults: int = 0) -> None:
        self.outbox, self.outcomes = FakeOutbox(), FakeOutcomes()
        self.store = FakeStore(self.outcomes)
        self.backfilling = Backfilling(FakeSource(count, faults), self.store, self.outcomes, self.outbox)

    def read_all(self) -> None:
        while self.outbox.slices:
            self.backfilling.read_slice(*self.outbox.slices.pop())

    def settle(self, backfill_id: str, run: int) -> None:
        self.outcomes.record(ProductOutcome(product_id, "indexed", backfill_id, run) for product_id in self.outbox.posted())


def test_every_product_is_posted_once_and_the_status_adds_up() -> None:
    bench = Bench(faults=3)
    backfill = bench.backfilling.start(SPEC)
    assert bench.backfilling.status(backfill.backfill_id)["state"] == "reading"
    bench.read_all()
    assert bench.backfilling.status(backfill.backfill_id)["state"] == "indexing"
    bench.settle(backfill.backfill_id, backfill.run)

    status = bench.backfilling.status(backfill.backfill_id)

    assert sorted(bench.outbox.posted()) == sorted(f"p-{n}" for n in range(COUNT))
    assert max(len(message.put) for message, _ in bench.outbox.products) == 50
    assert (status["state"], status["percent"], status["read"], status["total"]) == ("finished", 100.0, COUNT + 3, COUNT + 3)
    assert (status["indexed"], status["failed"]) == (COUNT, {"request_invalid": 3})


def test_a_slice_that_died_after_a_post_posts_that_page_again_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    bench.backfilling.start(SPEC)
    advance = bench.store.advance

    def die(slice_: Slice, position: Position | None, read: int) -> Slice | None:
        raise Unavailable("killed")

    monkeypatch.setattr(bench.store, "advance", die)
    slices = list(bench.outbox.slices)
    with pytest.raises(Unavailable):
        bench.backfilling.read_slice(*slices[0])
    monkeypatch.setattr(bench.store, "advance", advance)
    bench.read_all()

    assert set(bench.outbox.posted()) == {f"p-{n}" for n in range(COUNT)}
    assert len(bench.outbox.posted()) == COUNT + PAGE


def test_of_two_who_read_a_slice_one_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    backfill = bench.backfilling.start(SPEC)
    stale = bench.store.slice(backfill.backfill_id, 0)
    bench.backfilling.read_slice(backfill.backfill_id, 0)
    read = len(bench.outbox.posted())
    monkeypatch.setattr(bench.store, "slice", lambda *_: stale)

    bench.backfilling.read_slice(backfill.backfill_id, 0)

    assert len(bench.outbox.posted()) == read + PAGE


def test_a_slice_whose_time_is_up_posts_itself_again(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    monkeypatch.setattr("lookalike.backfilling.SLICE_RUN_S", 1.5)
    backfilling = Backfilling(FakeSource(COUNT), bench.store, bench.outcomes, bench.outbox, clock=Clock())
    backfill = backfilling.start(SPEC)
    bench.outbox.slices.clear()

    backfilling.read_slice(backfill.backfill_id, 0)

    assert bench.outbox.slices == [(backfill.backfill_id, 0)]
    assert len(bench.outbox.posted()) == PAGE


def test_the_same_request_again_resumes_and_after_the_end_runs_again() -> None:
    bench = Bench()
    first = bench.backfilling.start(SPEC)
    bench.backfilling.read_slice(*bench.outbox.slices.pop())
    bench.outbox.slices.clear()

    again = bench.backfilling.start(SPEC)
    assert (again.backfill_id, again.run, len(bench.outbox.slices)) == (first.backfill_id, 1, 1)
    bench.read_all()

    assert bench.backfilling.start(SPEC).run == 2


def test_an_unknown_backfill_is_told() -> None:
    with pytest.raises(NotFound):
        Bench().backfilling.status("none")
