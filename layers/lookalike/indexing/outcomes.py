"""What became of a picture, and of the product, object or image that a message was about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from lookalike.domain import Attributes, Origin
from lookalike.errors import Ending, LookalikeError

OutcomeState = Literal["indexed", "unchanged", "deleted", "failed"]

_SEVERITY: dict[OutcomeState | Ending, int] = {"unchanged": 0, "deleted": 1, "indexed": 2, "failed": 3, "drop": 3, "retry": 4, "fail": 5}


@dataclass(frozen=True, slots=True)
class PictureOutcome:
    """What became of one picture; ``etag`` and ``attributes`` are those of the file that was read, None if there was none."""

    product_id: str
    image_url: str
    state: OutcomeState
    error: LookalikeError | None = None
    etag: str | None = None
    attributes: Attributes | None = None


def most_severe(outcomes: Iterable[PictureOutcome]) -> PictureOutcome:
    """The outcome that decides for all: a failure before a success, and of failures the one that has to be tried again."""
    return max(outcomes, key=lambda outcome: _SEVERITY[outcome.error.ending if outcome.error else outcome.state])


@dataclass(frozen=True, slots=True)
class ItemOutcome:
    """What became of an item: a product, an object of the bucket, or a picture of an index. It failed if any of its pictures did.

    Args:
        state: ``queued`` is an item that waits in the products queue.
        backfill_id: None for an upload, and for a message of the shop's own.
        run: the run of the backfill.
        item: the item's key, where that is neither a product's id nor an upload's address.
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
    """What became of a batch of messages.

    Args:
        outcomes: of single pictures, where the caller reports them.
        returned: ids of messages that must come back, and why.
    """

    outcomes: Sequence[PictureOutcome] = ()
    returned: dict[str, str] = field(default_factory=dict)

    @classmethod
    def returning(cls, message_ids: Iterable[str], error: LookalikeError) -> "BatchResult":
        """A batch of which nothing came to its end."""
        result = cls()
        result.give_back(message_ids, error)
        return result

    def give_back(self, message_ids: Iterable[str], error: LookalikeError) -> None:
        """Has messages come back because of an error."""
        self.returned |= dict.fromkeys(message_ids, f"{error.code}: {error}")


class OutcomeRecorder(Protocol):
    """Stores what became of items."""

    def record(self, outcomes: Iterable[ItemOutcome]) -> None:
        """Stores outcomes, each in place of one of the same key unless that is of a later run. Raises `TransientError`."""
