"""The backfill function's handler with fakes behind it."""

import json
from typing import Any

from lookalike.adapters.sqs import backfill_messages
from lookalike.backfill.fan_out import PAGE, FanOut
from lookalike.backfill.model import SourceSpec
from lookalike.backfill.progress import Progress
from lookalike.backfill.prune import Prune
from lookalike.backfill.retry_failures import RetryFailures
from lookalike.backfill.state import BackfillStates
from lookalike.backfill.switch_alias import SwitchAlias

from functions.backfill import app
from tests.fakes import FakeBackfillStore, FakeIndices, FakeOutcomeStore, FakeQueues, FakeSource
from tests.unit.functions.events import REQUEST_ID, Context

COUNT = 2 * PAGE + 7
START = {"action": "start", "source": {"index": "shop"}}


class SourceWithError(FakeSource):
    """A source whose documents cannot be counted while ``error`` is set."""

    error: Exception | None = None

    def count(self, spec: SourceSpec) -> int | None:
        if self.error:
            raise self.error
        return super().count(spec)


class BackfillFunction:
    """The handler with fakes behind it."""

    def __init__(self) -> None:
        self.source, self.queues, self.outcomes = SourceWithError(COUNT, faults=1), FakeQueues(), FakeOutcomeStore()
        self.store, self.indices = FakeBackfillStore(), FakeIndices()
        use_cases = app.UseCases(
            FanOut(self.source, self.store, self.outcomes, self.queues, self.indices),
            Progress(self.store, self.outcomes, self.queues),
            RetryFailures(self.source, self.store, self.outcomes, self.queues),
            Prune(self.store, self.outcomes, self.queues),
            SwitchAlias(self.store, BackfillStates(self.store, self.outcomes), self.indices),
        )
        self._handler = app.create(use_cases, backfill_messages.decode, lambda _: None)

    def call(self, event: Any) -> dict[str, Any]:
        return self._handler(event, Context())

    def refusal(self, event: Any) -> dict[str, Any]:
        answer = self.call(event)
        assert set(answer) == {"error"}
        error: dict[str, Any] = answer["error"]
        assert error["request_id"] == REQUEST_ID
        return error

    def sent_slices(self) -> dict[str, str]:
        """What is in the backfill's own queue, as message ids and bodies; it is empty then."""
        bodies = {
            f"slice-{number}": json.dumps({"action": "slice", "backfill_id": id_, "slice": number}) for id_, number in self.queues.slices
        }
        self.queues.slices.clear()
        return bodies
