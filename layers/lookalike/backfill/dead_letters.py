"""Dead letters: messages that failed too often are recorded with their reasons, and sent again by a command."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from lookalike.backfill.continuation import RUN_S
from lookalike.backfill.outcomes import OutcomeStore
from lookalike.errors import TriedTooOften
from lookalike.indexing.messages import Message
from lookalike.indexing.outcomes import ItemOutcome

QueueName = Literal["uploads", "products", "backfill"]

PAGE = 100
LISTED = 100
"""Dead letters that `DeadLetters.list` shows."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that failed too often.

    Args:
        queue: the queue in which it failed.
        message_id: the queue's id of the message.
        body: as it was sent.
        sent_ms: when it was first sent, in milliseconds since 1970.
        reason: the last error, if the function could record it.
        backfill_id: the backfill that it belongs to.
        messages: the decoded body of a message of the products queue; empty if it cannot be decoded, and for other queues.
    """

    queue: QueueName
    message_id: str
    body: str
    sent_ms: int
    reason: str
    backfill_id: str | None = None
    messages: Sequence[Message] = ()


class DeadLetterQueues(Protocol):
    """The dead-letter queues of the three queues."""

    def drain(self, record: Callable[[Sequence[DeadLetter]], None], stop_at: float) -> None:
        """Receives all messages of the dead-letter queues, batch by batch, and deletes each batch after it was recorded.

        Args:
            record: stores a batch; an exception ends the work and leaves the batch in its queue.
            stop_at: the time, by `time.monotonic`, after which no batch is received.

        Raises as `lookalike.indexing.messages.ProductsQueueSender.send`.
        """

    def send_again(self, letters: Sequence[DeadLetter]) -> None:
        """Sends messages to their queues again; those about products keep their original time. Raises as `drain`."""


class DeadLetterStore(Protocol):
    """Stores dead letters; reads see every earlier write."""

    def put(self, letters: Iterable[DeadLetter]) -> None:
        """Stores dead letters, replacing those with the same queue and message id."""

    def page(self, queue: QueueName | None = None, backfill_id: str | None = None, *, size: int) -> Sequence[DeadLetter]:
        """The oldest dead letters: those of one queue, or of one backfill, or all."""

    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """The number of dead letters by backfill id and queue; backfills without any are missing."""

    def remove(self, letters: Iterable[DeadLetter]) -> None:
        """Removes dead letters; those that are not stored are ignored."""

    def remove_of(self, backfill_id: str, queue: QueueName) -> None:
        """Removes the dead letters of a backfill that came from one queue."""


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Records dead letters, lists them and sends them again; ``clock`` is that of `time.monotonic`."""

    queues: DeadLetterQueues
    store: DeadLetterStore
    outcomes: OutcomeStore
    clock: Callable[[], float] = time.monotonic

    def collect(self) -> None:
        """Records the messages of the dead-letter queues, for at most `RUN_S`; a backfill's items in them become failures of the backfill.

        Raises as `DeadLetterQueues.drain`.
        """
        self.queues.drain(self._record, self.clock() + RUN_S)

    def list(self, queue: QueueName | None = None, backfill_id: str | None = None) -> dict[str, Any]:
        """The oldest `LISTED` dead letters with their reasons."""
        names = ("queue", "backfill_id", "reason", "sent_ms", "body")
        found = self.store.page(queue, backfill_id, size=LISTED)
        return {"dead_letters": [{name: getattr(letter, name) for name in names} for letter in found]}

    def redrive(self, queue: QueueName | None = None, backfill_id: str | None = None) -> dict[str, Any]:
        """Sends dead letters again, for at most `RUN_S`: those of one queue, or of one backfill, or all.

        Returns:
            ``redriven``, the number of messages sent, and ``is_complete``, false if there are more.

        Raises as `DeadLetterQueues.drain`.
        """
        stop_at, redriven = self.clock() + RUN_S, 0
        while self.clock() < stop_at:
            letters = self.store.page(queue, backfill_id, size=PAGE)
            self.queues.send_again(letters)
            self.store.remove(letters)
            redriven += len(letters)
            if len(letters) < PAGE:
                return {"redriven": redriven, "is_complete": True}
        return {"redriven": redriven, "is_complete": False}

    def supersede(self, backfill_id: str) -> None:
        """Prepares a retry: redrives the backfill's own messages, and removes its products' dead letters, whose items the retry sends."""
        self.redrive("backfill", backfill_id)
        self.store.remove_of(backfill_id, "products")

    def _record(self, letters: Sequence[DeadLetter]) -> None:
        self.store.put(letters)
        self.outcomes.record_dead_letters(failure for letter in letters for failure in _failures(letter))


def _failures(letter: DeadLetter) -> Iterable[ItemOutcome]:
    """The items of a backfill's dead letter, as failures, so that a retry includes them."""
    for message in letter.messages:
        if message.backfill_id is None:
            continue
        for kind, key in message.keys:
            product_id, item = (key, None) if kind == "product" else ("", key)
            yield ItemOutcome(
                product_id, "failed", message.backfill_id, message.run, code=TriedTooOften.code, reason=letter.reason, item=item
            )
