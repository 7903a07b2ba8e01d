"""Sends failed items of a backfill again, with the data that the source has now."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from lookalike.backfill.continuation import PAGE, page_by_page
from lookalike.backfill.dead_letters import DeadLetters
from lookalike.backfill.enqueue import enqueue
from lookalike.backfill.fan_out import REFRESH_MS
from lookalike.backfill.messages import ContinueRetry, Sender
from lookalike.backfill.model import Backfill, BackfillStore, Source, SourceDocument, get_backfill
from lookalike.backfill.outcomes import OutcomeStore, StoredOutcome
from lookalike.backfill.state import BackfillStates, Phase
from lookalike.indexing.outcomes import ItemOutcome

RETRY_IN = frozenset(Phase)
"""Failures may be retried in every phase, also while reading and indexing go on."""


@dataclass(frozen=True, slots=True)
class RetryFailures:
    """Retries failures, page by page; ``clock`` counts seconds, ``now_ms`` gives the time in milliseconds since 1970."""

    source: Source
    store: BackfillStore
    outcomes: OutcomeStore
    sender: Sender
    states: BackfillStates
    dead_letters: DeadLetters
    clock: Callable[[], float] = time.monotonic
    now_ms: Callable[[], int] = lambda: round(time.time() * 1000)

    def retry(self, backfill_id: str, code: str | None = None) -> int:
        """Sends failed items again, of one error code or of all; returns how many. Resumes an interrupted backfill. Raises `NotFound`."""
        backfill = get_backfill(self.store, backfill_id)
        state = self.states.of(backfill)
        state.require("retry", RETRY_IN)
        self.dead_letters.supersede(backfill_id)
        self.resume(ContinueRetry(backfill_id, backfill.run, code))
        failures = state.counts.failures
        return failures.get(code, 0) if code else sum(failures.values())

    def resume(self, message: ContinueRetry) -> None:
        """Continues after the message's key. Raises as `page_by_page`."""
        page_by_page(self.store, self.sender, self.clock, message, self._failures, self._send)

    def _failures(self, backfill: Backfill, message: ContinueRetry) -> Sequence[StoredOutcome]:
        return self.outcomes.failures(
            backfill.backfill_id, backfill.full_run, code=message.code, after=message.after, size=PAGE, with_queued=True
        )

    def _send(self, backfill: Backfill, failures: Sequence[StoredOutcome]) -> None:
        """Sends a page of failures, each with the number of the run in which it failed."""
        as_of = self.now_ms() - REFRESH_MS
        documents = self.source.find(backfill.spec, [failure.key for failure in failures])
        items = {document.item_key for document in documents}
        # Marked as queued before they are sent: after a crash in between, the next attempt finds them, because it lists both states.
        self.outcomes.record(_marked(backfill, failure, failure.key in items) for failure in failures)
        run_of = {failure.key: failure.run for failure in failures}
        run_of |= {document.item_key: run_of[document.key] for document in documents if document.key in run_of}
        by_run = sorted(documents, key=lambda document: run_of.get(document.item_key, backfill.run))
        for run, of_run in groupby(by_run, key=lambda document: run_of.get(document.item_key, backfill.run)):
            enqueue(replace(backfill, run=run), list(of_run), as_of, self.outcomes, self.sender)
        self.outcomes.remove(backfill.backfill_id, _renamed(failures, documents))


def _renamed(failures: Sequence[StoredOutcome], documents: Sequence[SourceDocument]) -> list[str]:
    """Keys of documents that were faulty when they failed and now describe an item, which has another key."""
    items = {document.key: document.item_key for document in documents}
    return [failure.key for failure in failures if items.get(failure.key, failure.key) != failure.key]


def _marked(backfill: Backfill, failure: StoredOutcome, is_found: bool) -> ItemOutcome:
    """The failure as a queued item; its code is kept, so that an interrupted retry of this code finds it again."""
    outcome = ItemOutcome(
        failure.product_id,
        "queued",
        backfill.backfill_id,
        failure.run,
        image_url=failure.image_url,
        code=failure.code,
        reason=failure.reason,
        item=failure.key,
    )
    return outcome if is_found else replace(outcome, state="failed", code="not_found", reason="the source no longer has it")
