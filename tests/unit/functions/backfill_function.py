"""The backfill function's handler with fakes behind it."""

import json
from collections.abc import Iterable
from typing import Any

from lookalike.adapters.sqs import backfill_messages
from lookalike.backfill.fan_out import PAGE
from lookalike.backfill.model import SourceSpec
from lookalike.redelivery import ReceivedMessage

from functions.backfill import app
from tests.fakes import BackfillUseCases, FakeSource
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


class BackfillFunction(BackfillUseCases):
    """The handler with fakes behind it."""

    def __init__(self) -> None:
        self.failing_source = SourceWithError(COUNT, faults=1)
        super().__init__(self.failing_source)
        self.given_up: list[ReceivedMessage] = []
        use_cases = app.UseCases(
            self.fan_out, self.progress, self.retry_failures, self.prune, self.merge, self.switch_alias, self.dead_letters, self.report
        )
        self._handler = app.create(use_cases, backfill_messages.decode, self._redeliver)

    def call(self, event: Any) -> dict[str, Any]:
        return self._handler(event, Context())

    def refusal(self, event: Any) -> dict[str, Any]:
        answer = self.call(event)
        assert set(answer) == {"error"}
        error: dict[str, Any] = answer["error"]
        assert error["request_id"] == REQUEST_ID
        return error

    def _redeliver(self, messages: Iterable[ReceivedMessage]) -> list[str]:
        self.given_up += (message for message in messages if message.is_poison)
        return [message.message_id for message in self.given_up]

    def sent_slices(self) -> dict[str, str]:
        """What is in the backfill's own queue, as message ids and bodies; it is empty then."""
        bodies = {
            f"slice-{number}": json.dumps({"action": "slice", "backfill_id": id_, "slice": number}) for id_, number in self.queues.slices
        }
        self.queues.slices.clear()
        return bodies
