"""Messages of the products queue.

An outcome is recorded for each item of a message: a product, an object of a bucket, or a picture of an index.
`lookalike.adapters.sqs.messages` encodes messages as JSON.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Generic, Literal, Protocol, Self, TypeAlias, TypeVar

from lookalike.domain import Product

T = TypeVar("T", Product, str)

MAX_ITEMS = 50
"""Items of one message."""

MAX_IMAGE_URLS = 1000
"""Image URLs of one product."""

ItemKey: TypeAlias = tuple[str, str]
"""The kind of an item (``product``, ``object`` or ``image``), and its id or URL."""


@dataclass(frozen=True, slots=True)
class _Message(Generic[T]):
    """The fields of all messages.

    Args:
        items: at most `MAX_ITEMS`.
        into: the name of the only index to write to; by default the one that is searched and the one that is being filled.
        backfill_id, run: the backfill that sent the message; None for the shop's own messages.
        attempt: how often the items were sent again after a transient error.
        as_of: the time of this state, in milliseconds since 1970; None for the time when the message was first sent.
    """

    kind: ClassVar[Literal["product", "object", "image"]]

    items: tuple[T, ...]
    into: str | None = field(default=None, kw_only=True)
    backfill_id: str | None = field(default=None, kw_only=True)
    run: int = field(default=0, kw_only=True)
    attempt: int = field(default=0, kw_only=True)
    as_of: int | None = field(default=None, kw_only=True)

    @property
    def keys(self) -> tuple[ItemKey, ...]:
        """The key of each item; a put and a delete of the same product have the same key."""
        return tuple((self.kind, item.product_id if isinstance(item, Product) else str(item)) for item in self.items)

    def split(self, size: int = 1) -> Iterator[Self]:
        """Splits the message into messages of at most ``size`` items."""
        return (replace(self, items=self.items[at : at + size]) for at in range(0, len(self.items), size))


@dataclass(frozen=True, slots=True)
class PutProducts(_Message[Product]):
    """Index these products, in place of their earlier pictures from this queue."""

    kind = "product"


@dataclass(frozen=True, slots=True)
class DeleteProducts(_Message[str]):
    """Delete every picture of the products with these ids."""

    kind = "product"


@dataclass(frozen=True, slots=True)
class SyncObjects(_Message[str]):
    """Bring the index to the current state of the objects at these ``s3://`` URLs."""

    kind = "object"


@dataclass(frozen=True, slots=True)
class CopyPictures(_Message[str]):
    """Copy the current documents of these image ids from ``source_index`` to the index ``into``."""

    kind = "image"

    source_index: str = field(kw_only=True)


Message: TypeAlias = PutProducts | DeleteProducts | SyncObjects | CopyPictures


class ProductsQueueSender(Protocol):
    """Sends to the products queue."""

    def send(self, messages: Iterable[Message], *, delay_s: int = 0) -> Sequence[Product]:
        """Sends messages, to be received after ``delay_s`` seconds; returns the products that are too large for any message.

        Raises `TransientError` if the queue did not take all of them.
        """
