"""Messages of the products queue: put or delete products, remember what became of each, and try again what may pass."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from lookalike.domain import Origin, Product
from lookalike.errors import Ending, Unavailable
from lookalike.indexing import Outcome, State

PRODUCTS_A_MESSAGE = 50
MAX_ATTEMPTS = 4
"""After so many, a product stays in the queue as its own message until the queue gives it to the dead letters."""

FIRST_DELAY_S = 10
MAX_DELAY_S = 900
"""The longest that SQS can hold a message back."""

_GRAVITY: dict[State | Ending, int] = {"unchanged": 0, "deleted": 1, "indexed": 2, "failed": 3, "drop": 3, "retry": 4, "fail": 5}


@dataclass(frozen=True, slots=True)
class Message:
    """One message. What the backfill posts names it, so that outcomes are counted for it; ``attempt`` counts the posts of a product."""

    put: tuple[Product, ...] = ()
    delete: tuple[str, ...] = ()
    backfill_id: str | None = None
    run: int = 0
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class ProductOutcome:
    """What became of a product; it failed if any of its pictures did.

    Without ``backfill_id`` it was an upload, of which each object has an outcome of its own, or a shop's own message.
    """

    product_id: str
    state: State
    backfill_id: str | None = None
    run: int = 0
    origin: Origin = "products"
    image_url: str | None = None
    code: str | None = None
    reason: str | None = None

    @property
    def key(self) -> str:
        """What it overwrites an earlier outcome of."""
        return (self.image_url or "") if self.origin == "upload" else self.product_id


class Outbox(Protocol):
    """Where messages are posted."""

    def post_products(self, messages: Iterable[Message], *, delay_s: int = 0) -> None:
        """Posts to the products queue. Raises `Unavailable`."""

    def post_slice(self, backfill_id: str, number: int) -> None:
        """Posts to the backfill's own queue. Raises `Unavailable`."""


class Outcomes(Protocol):
    """Where outcomes are remembered."""

    def record(self, outcomes: Iterable[ProductOutcome]) -> None:
        """Overwrites what was known of these products."""


class Indexing(Protocol):
    """What of `lookalike.indexing.Indexing` is needed here."""

    def put(self, products: Iterable[Product]) -> Iterator[Outcome]:
        """As there."""

    def delete(self, product_ids: Iterable[str]) -> None:
        """As there."""


class Products:
    """The use case behind the products queue."""

    def __init__(self, indexing: Indexing, outcomes: Outcomes, outbox: Outbox) -> None:
        self._indexing = indexing
        self._outcomes = outcomes
        self._outbox = outbox

    def receive(self, messages: Mapping[str, Message]) -> set[str]:
        """Carries out messages, of two about the same product only the later one.

        A product that fails for a passing reason is posted again alone, with a delay; one that did so too often stays.

        Args:
            messages: by their ids, the oldest first.

        Returns:
            The ids of messages that are not done and must come back.
        """
        latest = {product_id: message_id for message_id, message in messages.items() for product_id in _products_of(message)}
        puts = {p.product_id: p for id_, message in messages.items() for p in message.put if latest[p.product_id] == id_}
        deletes = [product_id for id_, message in messages.items() for product_id in message.delete if latest[product_id] == id_]
        unfinished = {latest[product_id] for product_id in [*puts, *deletes]}
        try:
            outcomes: dict[str, list[Outcome]] = {}
            for outcome in self._indexing.put(puts.values()):
                outcomes.setdefault(outcome.product_id, []).append(outcome)
            self._indexing.delete(deletes)
            return self._settle(_Result(puts[id_], latest[id_], messages[latest[id_]], of_one) for id_, of_one in outcomes.items())
        except Unavailable:
            return unfinished

    def _settle(self, results: Iterable["_Result"]) -> set[str]:
        back: set[str] = set()
        final: list[ProductOutcome] = []
        again: dict[int, list[Message]] = {}
        for result in results:
            if result.ending == "fail":
                back.add(result.message_id)
            elif result.ending == "retry" and result.message.attempt < MAX_ATTEMPTS:
                again.setdefault(result.delay_s, []).append(result.next_message)
            else:
                final.append(result.outcome)
                if result.ending == "retry":
                    back.add(result.message_id)
        for delay_s, messages in again.items():
            self._outbox.post_products(messages, delay_s=delay_s)
        self._outcomes.record(final)
        return back


@dataclass(frozen=True, slots=True)
class _Result:
    """A product, the message it came in, and what became of each of its pictures."""

    product: Product
    message_id: str
    message: Message
    pictures: Sequence[Outcome]

    @property
    def gravest(self) -> Outcome:
        """The picture that decides what becomes of the product."""
        return max(self.pictures, key=lambda outcome: _GRAVITY[outcome.error.ending if outcome.error else outcome.state])

    @property
    def ending(self) -> Ending | None:
        return self.gravest.error.ending if self.gravest.error else None

    @property
    def delay_s(self) -> int:
        """Twice as long each time, and never shorter than the remote asked for."""
        asked = self.gravest.error.retry_after_s if isinstance(self.gravest.error, Unavailable) else 0
        return min(max(FIRST_DELAY_S << self.message.attempt, asked), MAX_DELAY_S)

    @property
    def next_message(self) -> Message:
        return replace(self.message, put=(self.product,), delete=(), attempt=self.message.attempt + 1)

    @property
    def outcome(self) -> ProductOutcome:
        picture, message = self.gravest, self.message
        known = ProductOutcome(self.product.product_id, picture.state, message.backfill_id, message.run)
        if picture.error is None:
            return known
        return replace(known, image_url=picture.image_url, code=picture.error.code, reason=str(picture.error))


def _products_of(message: Message) -> Iterator[str]:
    yield from (product.product_id for product in message.put)
    yield from message.delete
