"""Mending: what failed is tried again as the source has it now, what vanished is removed, however much it is and whoever dies."""

import pytest
from lookalike.backfills import Backfill, BucketSpec, CurrentSpec, IndexSpec, Row, SourceSpec
from lookalike.domain import Product
from lookalike.errors import RequestInvalid, Unavailable
from lookalike.fanout import FanOut
from lookalike.mending import PAGE, Mending
from lookalike.products import Message, ProductOutcome
from lookalike.progress import Progress

from tests.fakes import Clock, FakeIndices, FakeOutbox, FakeOutcomes, FakeSource, FakeStore

COUNT = 2 * PAGE + 7


class Bench:
    """A backfill that was read to its end."""

    def __init__(self, spec: SourceSpec | None = None, count: int = COUNT) -> None:
        self.outbox, self.outcomes, self.store = FakeOutbox(), FakeOutcomes(), FakeStore()
        self.source = FakeSource(count)
        fan_out = FanOut(self.source, self.store, self.outcomes, self.outbox, FakeIndices())
        self.backfill: Backfill = fan_out.start(spec or IndexSpec("shop"))
        while self.outbox.slices:
            fan_out.read_slice(*self.outbox.slices.pop())
        self.outbox.products.clear()
        self.progress = Progress(self.store, self.outcomes, self.outbox)
        self.mending = Mending(self.source, self.store, self.outcomes, self.outbox)

    @property
    def id(self) -> str:
        return self.backfill.backfill_id

    def settle(self, count: int = COUNT, code: str | None = None) -> None:
        state = "failed" if code else "indexed"
        self.outcomes.record(ProductOutcome(f"p-{n}", state, self.id, 1, code=code) for n in range(count))  # type: ignore[arg-type]


def test_every_failed_product_is_posted_again_as_the_source_has_it_now() -> None:
    bench = Bench()
    bench.settle()
    bench.settle(2, "picture_unreachable")
    bench.source.rows[1] = Row("p-1", Product("p-1", ("http://mended/1",)))

    assert bench.mending.retry(bench.id) == 2

    [(message, _)] = bench.outbox.products
    assert message.put == (bench.source.rows[0].product, Product("p-1", ("http://mended/1",)))
    assert (message.backfill_id, message.run) == (bench.id, 1)
    assert bench.progress.status(bench.id)["state"] == "indexing"
    bench.settle()
    assert bench.progress.status(bench.id)["state"] == "finished"


def test_a_retry_by_reason_leaves_other_failures_alone() -> None:
    bench = Bench()
    bench.settle(5, "picture_unusable")
    bench.settle(2, "download_failed")

    assert bench.mending.retry(bench.id, "download_failed") == 2
    assert bench.outbox.posted() == ["p-0", "p-1"]


def test_a_failed_product_that_the_source_lost_is_told_as_such() -> None:
    bench = Bench()
    bench.settle(2, "picture_unusable")
    del bench.source.rows[0]
    bench.mending.retry(bench.id)

    assert bench.outbox.posted() == ["p-1"]
    assert bench.progress.status(bench.id)["failed"] == {"not_found": 1}


def test_many_failures_are_walked_by_several_calls() -> None:
    bench = Bench()
    bench.settle(COUNT, "download_failed")
    mending = Mending(bench.source, bench.store, bench.outcomes, bench.outbox, clock=lambda: Clock.__call__(clock) * 100)
    clock = Clock()

    mending.retry(bench.id)
    assert len(bench.outbox.posted()) == PAGE
    while bench.outbox.walks:
        mending.go_on(bench.outbox.walks.pop())

    assert sorted(bench.outbox.posted()) == sorted(f"p-{n}" for n in range(COUNT))


def test_a_retry_that_died_before_it_posted_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    bench.settle(3, "download_failed")

    def die(*_: object, **__: object) -> None:
        raise Unavailable("killed")

    with monkeypatch.context() as patched:
        patched.setattr(bench.outbox, "post_products", die)
        with pytest.raises(Unavailable):
            bench.mending.retry(bench.id, "download_failed")
    bench.mending.retry(bench.id, "download_failed")

    assert bench.outbox.posted() == ["p-0", "p-1", "p-2"]


def test_what_an_earlier_run_read_and_the_last_did_not_is_removed() -> None:
    bench = Bench()
    bench.settle()
    bench.outcomes.record(ProductOutcome(f"gone-{n}", "indexed", bench.id, 0) for n in range(COUNT))

    assert bench.mending.remove_vanished(bench.id, dry_run=True) == COUNT
    assert bench.outbox.products == []
    assert bench.mending.remove_vanished(bench.id, dry_run=False) == COUNT

    deleted = [product_id for message, _ in bench.outbox.products for product_id in message.delete]
    assert sorted(deleted) == sorted(f"gone-{n}" for n in range(COUNT))
    assert bench.mending.remove_vanished(bench.id, dry_run=True) == 0


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (BucketSpec("b"), Message(mirror=("s3://b/images/1.jpg",))),
        (CurrentSpec(), Message(copy=("s3://b/images/1.jpg",), copy_from="lookalike-fake-1")),
    ],
)
def test_what_vanished_from_a_bucket_or_an_index_is_looked_at_again(spec: SourceSpec, message: Message) -> None:
    bench = Bench(spec, count=0)
    bench.outcomes.record([ProductOutcome("1", "indexed", bench.id, 0, unit="s3://b/images/1.jpg")])
    bench.mending.remove_vanished(bench.id, dry_run=False)

    assert [posted for posted, _ in bench.outbox.products] == [message]


def test_nothing_is_removed_after_a_run_that_read_only_what_had_changed() -> None:
    bench = Bench(IndexSpec("shop", updated_at="changed", since="2026-01-01"))

    with pytest.raises(RequestInvalid):
        bench.mending.remove_vanished(bench.id, dry_run=True)
