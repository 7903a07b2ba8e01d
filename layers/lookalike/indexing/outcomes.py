"""Outcomes: the results of indexing a picture, an item and a batch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from lookalike.domain import Attributes, Origin
from lookalike.errors import Ending, LookalikeError

OutcomeState = Literal["indexed", "unchanged", "deleted", "failed"]

_SEVERITY: dict[OutcomeState | Ending, int] = {"unchanged": 0, "deleted": 1, "indexed": 2, "failed": 3, "drop": 3, "retry": 4, "fail": 5}


@dataclass(frozen=True, slots=True)
class PictureOutcome:
    """The result of indexing one picture; ``etag`` and ``attributes`` are those of the file that was read, None without one."""

    product_id: str
    image_url: str
    state: OutcomeState
    error: LookalikeError | None = None
    etag: str | None = None
    attributes: Attributes | None = None


def most_severe(outcomes: Iterable[PictureOutcome]) -> PictureOutcome:
    """The most severe outcome: failures before successes, and failures that need another attempt before final ones."""
    return max(outcomes, key=lambda outcome: _SEVERITY[outcome.error.ending if outcome.error else outcome.state])


@dataclass(frozen=True, slots=True)
class ItemOutcome:
    """The result for an item (a product, an object of the bucket, or a picture of an index), which failed if any of its pictures did.

    Args:
        state: ``queued`` means that the item is in the products queue.
        backfill_id: None for uploads and for the shop's own messages.
        run: the run of the backfill.
        item: the item's key, unless that is the product's id or the URL of an upload.
    """

    product_id: str
    state: OutcomeState | Literal["queued"]
    backfill_id: str | None = None
    run: int = 0
    origin: Origin = "products"
    image_url: str | None = None
    code: str | None = None
    reason: str | None = None
    item: str | None = None

    @property
    def key(self) -> str:
        """The item's key; a later outcome of the same key replaces this one."""
        return self.item or ((self.image_url or "") if self.origin == "upload" else self.product_id)


@dataclass(slots=True)
class BatchResult:
    """The result of a batch of messages.

    Args:
        outcomes: those of single pictures, if the caller reports them.
        returned: reasons by message id, of messages that must be redelivered.
    """

    outcomes: Sequence[PictureOutcome] = ()
    returned: dict[str, str] = field(default_factory=dict)

    @classmethod
    def returning(cls, message_ids: Iterable[str], error: LookalikeError) -> "BatchResult":
        """The result of a batch that failed as a whole."""
        result = cls()
        result.give_back(message_ids, error)
        return result

    def give_back(self, message_ids: Iterable[str], error: LookalikeError) -> None:
        """Marks messages to be redelivered because of an error."""
        self.returned |= dict.fromkeys(message_ids, f"{error.code}: {error}")


class OutcomeRecorder(Protocol):
    """Stores outcomes of items."""

    def record(self, outcomes: Iterable[ItemOutcome]) -> None:
        """Stores outcomes; each replaces one of the same key unless that is of a later run. Raises `TransientError`."""
