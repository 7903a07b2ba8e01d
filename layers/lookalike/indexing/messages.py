"""Messages of the products queue: what each asks for, and about which items.

An item is what one outcome is about: a product, an object of a bucket, or a picture of an index. How messages are written as JSON is
`lookalike.adapters.sqs.messages`.
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
"""What an item is (``product``, ``object`` or ``image``), and its id or address."""


@dataclass(frozen=True, slots=True)
class _Message(Generic[T]):
    """What all messages carry.

    Args:
        items: what the message is about, `MAX_ITEMS` at most.
        into: name of the one index to write; by default every index that is searched or being filled.
        backfill_id, run: the backfill whose outcomes these are; None for a message of the shop's own.
        attempt: how often the items were sent again after a transient error.
        as_of: when this was true, in milliseconds since 1970; None for when the message was sent first.
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
        """The key of each item; the put and the delete of a product have the same."""
        return tuple((self.kind, item.product_id if isinstance(item, Product) else str(item)) for item in self.items)

    def split(self, size: int = 1) -> Iterator[Self]:
        """The same in messages of at most ``size`` items."""
        return (replace(self, items=self.items[at : at + size]) for at in range(0, len(self.items), size))


@dataclass(frozen=True, slots=True)
class PutProducts(_Message[Product]):
    """Index these products as they are given."""

    kind = "product"


@dataclass(frozen=True, slots=True)
class DeleteProducts(_Message[str]):
    """Delete every picture of the products with these ids."""

    kind = "product"


@dataclass(frozen=True, slots=True)
class SyncObjects(_Message[str]):
    """Make the index hold the objects at these s3 addresses as the bucket holds them when the message is read."""

    kind = "object"


@dataclass(frozen=True, slots=True)
class CopyPictures(_Message[str]):
    """Make the index ``into`` hold the pictures with these image ids as ``source_index`` holds them when the message is read."""

    kind = "image"

    source_index: str = field(kw_only=True)


Message: TypeAlias = PutProducts | DeleteProducts | SyncObjects | CopyPictures


class ProductsQueueSender(Protocol):
    """Sends to the products queue."""

    def send(self, messages: Iterable[Message], *, delay_s: int = 0) -> Sequence[Product]:
        """Sends messages, to be received after ``delay_s`` seconds; returns the products that are too large for any message.

        Raises `TransientError` if the queue did not take all of them.
        """
