"""Messages of the backfill queue, which the backfill function sends to itself to continue long work.

`lookalike.adapters.sqs.backfill_messages` encodes them as JSON.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from lookalike.indexing.messages import ProductsQueueSender


@dataclass(frozen=True, slots=True)
class ReadSlice:
    """Continue reading the slice with this number of a backfill's source."""

    backfill_id: str
    slice: int


@dataclass(frozen=True, slots=True)
class ContinueRetry:
    """Continue retrying failures after the item with the key ``after``; ``code`` None means failures of all codes."""

    backfill_id: str
    run: int
    code: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class ContinuePrune:
    """Continue deleting items that the source no longer has, after the item with the key ``after``."""

    backfill_id: str
    run: int
    after: str | None = None


@dataclass(frozen=True, slots=True)
class MergeWhenFinished:
    """Merge the index into few segments when the run is finished; ``task`` is Elasticsearch's id of the merge, once it was started."""

    backfill_id: str
    run: int
    task: str | None = None


BackfillMessage: TypeAlias = ReadSlice | ContinueRetry | ContinuePrune | MergeWhenFinished


class Sender(ProductsQueueSender, Protocol):
    """Sends to the products queue and to the backfill queue."""

    def send_backfill(self, messages: Iterable[BackfillMessage], *, delay_s: int = 0) -> None:
        """Sends to the backfill queue. Raises `TransientError` if the queue did not take all of the messages."""

    def waiting(self) -> int:
        """The approximate number of messages in the products queue. Raises `TransientError`."""
