"""Messages of the products queue: put or delete products, remember what became of each, and try again what may pass."""

import random
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from lookalike.domain import Origin, Product
from lookalike.errors import Ending, RequestInvalid, Unavailable
from lookalike.indexing import Outcome, State, product_of_key

PRODUCTS_A_MESSAGE = 50
MAX_IMAGE_URLS = 1000
MAX_ATTEMPTS = 4
"""After so many, a product stays in the queue as its own message until the queue gives it to the dead letters."""

FIRST_DELAY_S = 10
MAX_DELAY_S = 900
"""The longest that SQS can hold a message back."""

JITTER = 0.25
"""A delay is longer by up to this part of it, so that what failed together does not come back together."""

_GRAVITY: dict[State | Ending, int] = {"unchanged": 0, "deleted": 1, "indexed": 2, "failed": 3, "drop": 3, "retry": 4, "fail": 5}


@dataclass(frozen=True, slots=True)
class Message:
    """One message. What the backfill posts names it, so that outcomes are counted for it; ``attempt`` counts the posts of a product.

    Args:
        mirror: s3 addresses of objects that are to be indexed as they are now.
        copy: ids of pictures that are to be indexed as the index ``copy_from`` has them now.
        into: the one index that is written; by default every one that is searched or being filled.
    """

    put: tuple[Product, ...] = ()
    delete: tuple[str, ...] = ()
    mirror: tuple[str, ...] = ()
    copy: tuple[str, ...] = ()
    copy_from: str | None = None
    into: str | None = None
    backfill_id: str | None = None
    run: int = 0
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class ProductOutcome:
    """What became of a product; it failed if any of its pictures did. ``posted`` is one that is known to be under way.

    Without ``backfill_id`` it was an upload, of which each object has an outcome of its own, or a shop's own message. ``unit`` is what
    the outcome is about where that is neither a product nor an upload.
    """

    product_id: str
    state: State | Literal["posted"]
    backfill_id: str | None = None
    run: int = 0
    origin: Origin = "products"
    image_url: str | None = None
    code: str | None = None
    reason: str | None = None
    unit: str | None = None

    @property
    def key(self) -> str:
        """What it overwrites an earlier outcome of."""
        return self.unit or ((self.image_url or "") if self.origin == "upload" else self.product_id)


class Outbox(Protocol):
    """Where messages are posted."""

    def post_products(self, messages: Iterable[Message], *, delay_s: int = 0) -> Sequence[Product]:
        """Posts to the products queue all but those products that no message can carry: its answer. Raises `Unavailable`."""

    def post_slices(self, backfill_id: str, numbers: Iterable[int]) -> None:
        """Posts to the backfill's own queue. Raises `Unavailable`."""


class Outcomes(Protocol):
    """Where outcomes are remembered."""

    def record(self, outcomes: Iterable[ProductOutcome]) -> None:
        """Overwrites what was known of these products."""


class Indexing(Protocol):
    """What of `lookalike.indexing.Indexing` is needed here."""

    def put(self, products: Iterable[Product], into: str | None = None) -> Iterator[Outcome]:
        """As there."""

    def mirror(self, objects: Mapping[str, str], into: str | None = None) -> Iterator[Outcome]:
        """As there."""

    def copy(self, image_ids: Iterable[str], copy_from: str, into: str) -> Iterator[tuple[str, Outcome]]:
        """As there."""

    def delete(self, product_ids: Iterable[str], into: str | None = None) -> None:
        """As there."""


class Products:
    """The use case behind the products queue.

    Args:
        first_delay_s: how long a product waits that failed for a passing reason; twice as long each time.
        draw: gives numbers from 0 to 1, for the jitter.
    """

    def __init__(
        self,
        indexing: Indexing,
        outcomes: Outcomes,
        outbox: Outbox,
        *,
        first_delay_s: int = FIRST_DELAY_S,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._indexing = indexing
        self._first_delay_s = first_delay_s
        self._outcomes = outcomes
        self._outbox = outbox
        self._draw = draw

    def receive(self, messages: Mapping[str, Message]) -> set[str]:
        """Carries out messages, of two about the same product only the later one.

        A product that fails for a passing reason is posted again alone, with a delay; one that did so too often stays.

        Args:
            messages: by their ids, the oldest first.

        Returns:
            The ids of messages that are not done and must come back.
        """
        # What is for one index alone first: a message for all of them is a shop's own, and newer than what a backfill has read.
        scopes = sorted({message.into for message in messages.values()}, key=lambda into: (into is None, into or ""))
        back: set[str] = set()
        for into in scopes:
            back |= self._receive({id_: message for id_, message in messages.items() if message.into == into}, into)
        return back

    def _receive(self, messages: Mapping[str, Message], into: str | None) -> set[str]:
        latest = {unit: id_ for id_, message in messages.items() for unit in _units(message)}
        kept = {id_: _only(message, {unit for unit in _units(message) if latest[unit] == id_}) for id_, message in messages.items()}
        try:
            self._outcomes.record(_overtaken(messages, latest))
            results = list(self._index(kept, into))
            self._indexing.delete([product_id for message in kept.values() for product_id in message.delete], into)
            return self._settle(results)
        except Unavailable:
            return set(latest.values())

    def _index(self, messages: Mapping[str, Message], into: str | None) -> Iterator["_Result"]:
        """All messages' units together, so that their pictures are batched and overlap."""
        outcomes: dict[_Unit, list[Outcome]] = {}
        for unit, outcome in self._outcomes_of(messages.values(), into):
            outcomes.setdefault(unit, []).append(outcome)
        for id_, message in messages.items():
            yield from (_Result(unit, id_, _only(message, {unit}), outcomes[unit]) for unit in _units(message) if unit in outcomes)

    def _outcomes_of(self, messages: Collection[Message], into: str | None) -> Iterator[tuple["_Unit", Outcome]]:
        for outcome in self._indexing.put([product for message in messages for product in message.put], into):
            yield ("product", outcome.product_id), outcome
        objects = {url: product_of_url(url) for message in messages for url in message.mirror}
        for outcome in self._indexing.mirror(objects, into):
            yield ("object", outcome.image_url), outcome
        for copy_from in sorted({message.copy_from for message in messages if message.copy_from}):
            images = [image for message in messages if message.copy_from == copy_from for image in message.copy]
            for image, outcome in self._indexing.copy(images, copy_from, into or copy_from):
                yield ("image", image), outcome

    def _settle(self, results: Iterable["_Result"]) -> set[str]:
        back: set[str] = set()
        final: list[ProductOutcome] = []
        again: dict[int, list[_Result]] = {}
        for result in results:
            if result.ending == "fail":
                back.add(result.message_id)
            elif result.ending == "retry" and result.message.attempt < MAX_ATTEMPTS:
                again.setdefault(self._delay_s(result), []).append(result)
            else:
                final.append(result.outcome)
                if result.ending == "retry":
                    back.add(result.message_id)
        for delay_s, waiting in again.items():
            too_large = self._outbox.post_products((result.next_message for result in waiting), delay_s=delay_s)
            back |= {result.message_id for result in waiting if any(product in too_large for product in result.message.put)}
        self._outcomes.record(final)
        return back

    def _delay_s(self, result: "_Result") -> int:
        """Twice as long each time, and never shorter than the remote asked for."""
        error = result.gravest.error
        asked_s = error.retry_after_s if isinstance(error, Unavailable) else 0
        delay_s = max(self._first_delay_s << result.message.attempt, asked_s)
        return min(round(delay_s * (1 + JITTER * self._draw())), MAX_DELAY_S)


@dataclass(frozen=True, slots=True)
class _Result:
    """A unit, the message it came in, that message with this unit alone, and what became of each of its pictures."""

    unit: "_Unit"
    message_id: str
    message: Message
    pictures: Sequence[Outcome]

    @property
    def gravest(self) -> Outcome:
        """The picture that decides what becomes of the unit."""
        return max(self.pictures, key=lambda outcome: _GRAVITY[outcome.error.ending if outcome.error else outcome.state])

    @property
    def ending(self) -> Ending | None:
        return self.gravest.error.ending if self.gravest.error else None

    @property
    def next_message(self) -> Message:
        return replace(self.message, attempt=self.message.attempt + 1)

    @property
    def outcome(self) -> ProductOutcome:
        kind, key = self.unit
        picture, message = self.gravest, self.message
        known = ProductOutcome(picture.product_id, picture.state, message.backfill_id, message.run, unit=None if kind == "product" else key)
        if kind == "object":
            known = replace(known, origin="upload", image_url=picture.image_url)
        if picture.error is None:
            return known
        return replace(known, image_url=picture.image_url, code=picture.error.code, reason=str(picture.error))


_Unit = tuple[str, str]
"""What a part of a message is about: a product, an object or an image, and which."""


def product_of_url(url: str) -> str:
    """The product of an object's s3 address.

    Raises:
        RequestInvalid: its key is of another form than the bucket's.
    """
    product_id = product_of_key(url.removeprefix("s3://").partition("/")[2])
    if product_id is None:
        raise RequestInvalid(f"{url!r} is not s3://BUCKET/images/PRODUCT_ID/NAME.jpg or s3://BUCKET/images/PRODUCT_ID.jpg", field="mirror")
    return product_id


def _units(message: Message) -> Iterator[_Unit]:
    yield from (("product", product.product_id) for product in message.put)
    yield from (("product", product_id) for product_id in message.delete)
    yield from (("object", url) for url in message.mirror)
    yield from (("image", image) for image in message.copy)


def _only(message: Message, units: set[_Unit]) -> Message:
    """The message, with these units alone."""
    return replace(
        message,
        put=tuple(product for product in message.put if ("product", product.product_id) in units),
        delete=tuple(product_id for product_id in message.delete if ("product", product_id) in units),
        mirror=tuple(url for url in message.mirror if ("object", url) in units),
        copy=tuple(image for image in message.copy if ("image", image) in units),
    )


def _overtaken(messages: Mapping[str, Message], latest: Mapping[_Unit, str]) -> Iterator[ProductOutcome]:
    """A backfill counts each of its products, also those of which a later message of somebody else's says how they are now."""
    for message in messages.values():
        for product in message.put:
            later = messages[latest["product", product.product_id]]
            if message.backfill_id and (message.backfill_id, message.run) != (later.backfill_id, later.run):
                yield ProductOutcome(product.product_id, "unchanged", message.backfill_id, message.run)
