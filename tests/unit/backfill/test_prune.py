"""Prune: products that the source no longer has are deleted, once the last run is finished and read the whole source."""

import pytest
from lookalike.backfill.model import BucketSpec, CurrentSpec, SourceSpec
from lookalike.errors import RequestInvalid
from lookalike.indexing.messages import CopyPictures, Message, SyncObjects
from lookalike.indexing.outcomes import ItemOutcome

from tests.unit.backfill.backfill_that_was_read import COUNT, BackfillThatWasRead


def test_what_an_earlier_run_read_and_the_last_did_not_is_deleted() -> None:
    setup = BackfillThatWasRead()
    setup.settle()
    setup.outcomes.record(ItemOutcome(f"gone-{n}", "indexed", setup.id, 0) for n in range(COUNT))

    assert setup.prune.prune(setup.id, dry_run=True) == COUNT
    assert setup.queues.products == []
    assert setup.prune.prune(setup.id, dry_run=False) == COUNT

    deleted = [str(product_id) for message, _ in setup.queues.products for product_id in message.items]
    assert sorted(deleted) == sorted(f"gone-{n}" for n in range(COUNT))
    assert setup.prune.prune(setup.id, dry_run=True) == 0


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (BucketSpec("b"), SyncObjects(("s3://b/images/1.jpg",))),
        (CurrentSpec(), CopyPictures(("s3://b/images/1.jpg",), source_index="lookalike-fake-1")),
    ],
)
def test_what_vanished_from_a_bucket_or_an_index_is_synced_with_it(spec: SourceSpec, message: Message) -> None:
    setup = BackfillThatWasRead(spec, count=0)
    setup.outcomes.record([ItemOutcome("1", "indexed", setup.id, 0, item="s3://b/images/1.jpg")])
    setup.prune.prune(setup.id, dry_run=False)

    assert [posted for posted, _ in setup.queues.products] == [message]


@pytest.mark.parametrize("dry_run", [True, False])
def test_prune_is_refused_until_the_backfill_is_finished(dry_run: bool) -> None:
    """While products are queued they have the outcome of an earlier run, though the source still has them."""
    setup = BackfillThatWasRead()
    setup.outcomes.record(ItemOutcome(f"p-{n}", "indexed", setup.id, 0) for n in range(COUNT))

    with pytest.raises(RequestInvalid, match="prune needs a backfill that is finished, and this one is indexing"):
        setup.prune.prune(setup.id, dry_run=dry_run)
    assert setup.queues.products == []
    assert len(setup.outcomes.known) == COUNT

    setup.settle()
    assert setup.prune.prune(setup.id, dry_run=dry_run) == 0


@pytest.mark.parametrize("dry_run", [True, False])
def test_prune_is_refused_after_a_cancel(dry_run: bool) -> None:
    setup = BackfillThatWasRead()
    setup.settle()
    setup.store.begin(setup.backfill, [{"from": 0, "to": COUNT}] * setup.backfill.slices)
    setup.store.set_cancelled(setup.id, True)

    with pytest.raises(RequestInvalid, match="this one is cancelled"):
        setup.prune.prune(setup.id, dry_run=dry_run)
