"""Runs that read only what changed: failures of earlier runs stay failures of the backfill until a run reads the whole source."""

import pytest
from lookalike.backfill.messages import ContinueRetry
from lookalike.backfill.model import Backfill, IndexSpec, Into, SourceSpec
from lookalike.errors import RequestInvalid
from lookalike.indexing.outcomes import ItemOutcome

from tests.fakes import BackfillUseCases, FakeSource

COUNT = 8
INCREMENTAL = IndexSpec("shop", updated_at="changed")
FAILED = {"p-0": "picture_unreachable", "p-1": "download_failed"}


class IncrementalSetup(BackfillUseCases):
    """A source of which later runs read one product, ``p-5``; the products in `FAILED` fail in the first run."""

    def __init__(self) -> None:
        super().__init__(FakeSource(COUNT))
        self.source.changed = [self.source.documents[5]]

    def run(self, spec: SourceSpec, failed: dict[str, str] | None = None) -> Backfill:
        """Starts a run, reads all of its slices and indexes what was sent."""
        backfill = self.fan_out.start(spec)
        self.read_all()
        self.index(backfill.backfill_id, failed)
        return backfill

    def index(self, backfill_id: str, failed: dict[str, str] | None = None) -> None:
        """Records an outcome for each product that was sent, under the run that its message names."""
        codes = failed or {}
        self.outcomes.record(
            ItemOutcome(str(id_), "failed" if id_ in codes else "indexed", backfill_id, message.run, code=codes.get(id_))
            for message, _ in self.queues.products
            for _, id_ in message.keys
        )
        self.queues.products.clear()


def test_failures_of_an_earlier_run_stay_after_a_run_that_read_only_what_changed() -> None:
    setup = IncrementalSetup()
    setup.run(INCREMENTAL, FAILED)
    backfill = setup.run(INCREMENTAL)

    status = setup.progress.status(backfill.backfill_id)
    listed = setup.progress.failures(backfill.backfill_id, None, 10, None)["failures"]

    assert (status["run"], status["state"], status["read"], status["indexed"]) == (2, "finished", 1, 1)
    assert status["failed"] == {"picture_unreachable": 1, "download_failed": 1}
    assert {each["product_id"]: each["code"] for each in listed} == FAILED


def test_a_failure_of_an_earlier_run_is_retried_and_recorded_under_the_run_in_which_it_failed() -> None:
    setup = IncrementalSetup()
    setup.run(INCREMENTAL, FAILED)
    backfill = setup.run(INCREMENTAL)

    assert setup.retry_failures.retry(backfill.backfill_id) == 2
    assert setup.queues.sent() == ["p-0", "p-1"]
    assert {message.run for message, _ in setup.queues.products} == {1}
    assert setup.progress.status(backfill.backfill_id)["state"] == "indexing"
    setup.index(backfill.backfill_id)

    status = setup.progress.status(backfill.backfill_id)
    assert (status["state"], status["failed"], status["indexed"]) == ("finished", {}, 1)
    assert {key: outcome.run for key, outcome in setup.outcomes.known.items()} == {f"p-{n}": 2 if n == 5 else 1 for n in range(COUNT)}


def test_a_retry_sends_failures_of_several_runs_each_as_one_of_its_own_run() -> None:
    setup = IncrementalSetup()
    setup.run(INCREMENTAL, FAILED)
    backfill = setup.run(INCREMENTAL, {"p-5": "download_failed"})

    assert setup.retry_failures.retry(backfill.backfill_id, "download_failed") == 2
    assert {id_: message.run for message, _ in setup.queues.products for _, id_ in message.keys} == {"p-1": 1, "p-5": 2}


def test_a_run_that_reads_the_whole_source_supersedes_failures_of_earlier_runs() -> None:
    setup = IncrementalSetup()
    setup.run(IndexSpec("shop"), FAILED)
    setup.source.documents = setup.source.documents[1:]
    backfill = setup.run(IndexSpec("shop"))

    status = setup.progress.status(backfill.backfill_id)

    assert (backfill.run, status["state"], status["failed"]) == (2, "finished", {})
    assert setup.progress.failures(backfill.backfill_id, None, 10, None)["failures"] == []
    assert setup.retry_failures.retry(backfill.backfill_id) == 0


def test_prune_is_refused_after_a_run_that_read_only_what_had_changed() -> None:
    setup = IncrementalSetup()
    setup.run(INCREMENTAL)
    backfill = setup.run(INCREMENTAL)

    with pytest.raises(RequestInvalid, match="read only changes"):
        setup.prune.prune(backfill.backfill_id, dry_run=True)


def test_after_a_cancelled_run_into_a_new_index_the_next_reads_the_whole_source() -> None:
    """Only a run that was read to its end leaves nothing but changes to read."""
    setup = IncrementalSetup()
    cancelled = setup.fan_out.start(INCREMENTAL, Into("bigger"))
    setup.fan_out.cancel(cancelled.backfill_id)

    again = setup.fan_out.start(INCREMENTAL, Into("bigger"))

    assert (again.run, again.total, again.full_run) == (2, COUNT, 2)
    assert again.spec == INCREMENTAL


def test_a_run_that_reads_only_what_changed_reads_again_what_failed_before() -> None:
    setup = IncrementalSetup()
    setup.run(INCREMENTAL, FAILED)
    setup.run(INCREMENTAL)
    [again] = setup.queues.continuations

    assert isinstance(again, ContinueRetry)
    setup.retry_failures.resume(again)

    assert setup.queues.sent() == ["p-0", "p-1"]
