"""Messages of the backfill queue, which the backfill function sends to itself to go on with long work.

How they are written as JSON is `lookalike.adapters.sqs.backfill_messages`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from lookalike.indexing.messages import ProductsQueueSender


@dataclass(frozen=True, slots=True)
class ReadSlice:
    """Read on in the slice with this number of a backfill's source."""

    backfill_id: str
    slice: int


@dataclass(frozen=True, slots=True)
class ContinueRetry:
    """Go on retrying failures, behind the item with the key ``after``; ``code`` None means failures of all codes."""

    backfill_id: str
    run: int
    code: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class ContinuePrune:
    """Go on deleting what the source no longer has, behind the item with the key ``after``."""

    backfill_id: str
    run: int
    after: str | None = None


@dataclass(frozen=True, slots=True)
class MergeWhenFinished:
    """Have the index merged into few segments once the run is finished; ``task`` is the server's, once it merges."""

    backfill_id: str
    run: int
    task: str | None = None


BackfillMessage: TypeAlias = ReadSlice | ContinueRetry | ContinuePrune | MergeWhenFinished


class Sender(ProductsQueueSender, Protocol):
    """Sends to the products queue and to the backfill queue."""

    def send_backfill(self, messages: Iterable[BackfillMessage], *, delay_s: int = 0) -> None:
        """Sends to the backfill queue. Raises `TransientError` if the queue did not take all of the messages."""

    def waiting(self) -> int:
        """About how many messages wait in the products queue. Raises `TransientError`."""
