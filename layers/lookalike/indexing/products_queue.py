"""The products queue: processes messages, records the outcome of each item, and sends items again after a transient error."""

import random
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import TypeAlias, TypeVar

from lookalike.domain import displayed
from lookalike.errors import Ending, Misconfigured, OutOfTime, RequestInvalid, TransientError
from lookalike.indexing.indexer import Indexer
from lookalike.indexing.messages import CopyPictures, DeleteProducts, ItemKey, Message, ProductsQueueSender, PutProducts, SyncObjects
from lookalike.indexing.outcomes import BatchResult, ItemOutcome, OutcomeRecorder, PictureOutcome, most_severe
from lookalike.indexing.product_updates import ProductState, ProductUpdates
from lookalike.keys import DEFAULT_KEYS, KeyPatterns
from lookalike.redelivery import backoff_s

MAX_ATTEMPTS = 4
"""After this many, an item stays in the queue as a message of its own, until it is moved to the dead-letter queue."""

FIRST_DELAY_S = 10


@dataclass(frozen=True, slots=True)
class _Item:
    """A message with a single item, and the id of the SQS message from which it comes."""

    message_id: str
    message: Message

    @property
    def key(self) -> ItemKey:
        [key] = self.message.keys
        return key

    @property
    def scope(self) -> tuple[str | None, str]:
        """The index to write to and the one to copy from: items of different scopes fail independently."""
        return self.message.into, self.message.source_index if isinstance(self.message, CopyPictures) else ""

    @property
    def as_of(self) -> int:
        return self.message.as_of or 0


@dataclass(frozen=True, slots=True)
class _Result:
    """The outcomes of an item's pictures."""

    item: _Item
    pictures: Sequence[PictureOutcome]

    @property
    def decisive(self) -> PictureOutcome:
        return most_severe(self.pictures)

    @property
    def ending(self) -> Ending | None:
        return self.decisive.error.ending if self.decisive.error else None

    @property
    def outcome(self) -> ItemOutcome:
        kind, key = self.item.key
        picture, message = self.decisive, self.item.message
        item = None if kind == "product" else key
        outcome = ItemOutcome(picture.product_id, picture.state, message.backfill_id, message.run, item=item)
        if kind == "object":
            outcome = replace(outcome, origin="upload", image_url=picture.image_url)
        if picture.error is None:
            return outcome
        return replace(outcome, image_url=displayed(picture.image_url), code=picture.error.code, reason=str(picture.error))


_Outcomes: TypeAlias = Iterator[tuple[ItemKey, PictureOutcome]]

M = TypeVar("M", PutProducts, DeleteProducts, SyncObjects, CopyPictures)


@dataclass(frozen=True, slots=True)
class ProductsQueue:
    """Processes the messages of the products queue.

    Args:
        first_delay_s: seconds until an item is tried again after its first transient error; doubled each time.
        draw: returns random numbers from 0 to 1, for the jitter.
        now_ms: returns the current time in milliseconds since 1970.
        keys: find the product id in the key of an object.
    """

    indexer: Indexer
    updates: ProductUpdates
    outcomes: OutcomeRecorder
    sender: ProductsQueueSender
    first_delay_s: int = FIRST_DELAY_S
    draw: Callable[[], float] = random.random
    now_ms: Callable[[], int] = lambda: round(time.time() * 1000)
    keys: KeyPatterns = DEFAULT_KEYS

    def receive(self, messages: Mapping[str, Sequence[Message]], stop_at: float = inf) -> BatchResult:
        """Processes a batch; of two messages about the same item only the newer one.

        An item with a transient error is sent again alone, with a delay; after `MAX_ATTEMPTS` its message stays in the queue.

        Args:
            messages: the decoded messages by SQS message id, the oldest first.
            stop_at: the time, by `time.monotonic`, after which no picture is started; such items are sent again at once.
        """
        now_ms = self.now_ms()
        items = [
            _Item(id_, one if one.as_of is not None else replace(one, as_of=now_ms))
            for id_, several in messages.items()
            for message in several
            for one in message.split()
        ]
        # Messages for a single index come first: those for all indices are the shop's own, and newer than what a backfill has read.
        scopes = sorted({item.scope for item in items}, key=lambda scope: (scope[0] is None, scope[0] or "", scope[1]))
        result = BatchResult()
        for scope in scopes:
            self._receive([item for item in items if item.scope == scope], scope[0], result, stop_at)
        return result

    def _receive(self, items: Sequence[_Item], into: str | None, result: BatchResult, stop_at: float) -> None:
        latest = {item.key: item for item in sorted(items, key=lambda item: item.as_of)}
        try:
            self.outcomes.record(_superseded(items, latest, self.keys))
            self._settle(list(self._index(latest.values(), into, stop_at)), result)
        except (TransientError, Misconfigured) as error:
            result.give_back((item.message_id for item in items), error)

    def _index(self, items: Collection[_Item], into: str | None, stop_at: float) -> Iterator[_Result]:
        """Indexes all items together, so that their pictures are batched."""
        outcomes: dict[ItemKey, list[PictureOutcome]] = {}
        for key, outcome in self._picture_outcomes(items, into, stop_at):
            outcomes.setdefault(key, []).append(outcome)
        results = (_Result(item, outcomes[item.key]) for item in items if item.key in outcomes)
        yield from (result for result in results if result.decisive.error or not isinstance(result.item.message, DeleteProducts))

    def _picture_outcomes(self, items: Collection[_Item], into: str | None, stop_at: float) -> _Outcomes:
        for outcome in self.updates.apply(_changes(items), into, stop_at):
            yield ("product", outcome.product_id), outcome
        named = {url: self.keys.product_of_url(url) for message in _of(SyncObjects, items) for url in message.items}
        for url in (url for url, product_id in named.items() if product_id is None):
            refused = RequestInvalid(f"the key does not match {self.keys}", field="sync")
            yield ("object", url), PictureOutcome("", url, "failed", refused)
        objects = {url: product_id for url, product_id in named.items() if product_id is not None}
        for outcome in self.indexer.sync(objects, into, stop_at):
            yield ("object", outcome.image_url), outcome
        copies = list(_of(CopyPictures, items))
        for source_index in sorted({message.source_index for message in copies}):
            image_ids = [id_ for message in copies if message.source_index == source_index for id_ in message.items]
            for image_id, outcome in self.indexer.copy(image_ids, source_index, into or source_index, stop_at):
                yield ("image", image_id), outcome

    def _settle(self, results: Iterable[_Result], batch: BatchResult) -> None:
        """Records final outcomes, sends items with transient errors again, and returns messages that cannot be settled."""
        final: list[ItemOutcome] = []
        delayed: dict[int, list[_Item]] = {}
        for result in results:
            error = result.decisive.error
            if isinstance(error, OutOfTime):
                delayed.setdefault(0, []).append(result.item)
                continue
            if isinstance(error, TransientError) and result.item.message.attempt < MAX_ATTEMPTS:
                delayed.setdefault(self._delay_s(result), []).append(_again(result.item))
                continue
            if result.ending != "fail":
                final.append(result.outcome)
            if error is not None and result.ending != "drop":
                batch.give_back([result.item.message_id], error)
        self.outcomes.record(final)
        for delay_s, items in delayed.items():
            self._send_again(items, delay_s, batch)

    def _send_again(self, items: Sequence[_Item], delay_s: int, batch: BatchResult) -> None:
        """Sends items, each as a message of its own; returns the messages of those that SQS refuses or that are too large."""
        try:
            too_large = self.sender.send((item.message for item in items), delay_s=delay_s)
        except TransientError as error:
            batch.give_back((item.message_id for item in items), error)
            return
        keys = {("product", product.product_id) for product in too_large}
        batch.give_back((item.message_id for item in items if item.key in keys), RequestInvalid("the product is too large for a message"))

    def _delay_s(self, result: _Result) -> int:
        """The backoff of the next attempt, at least what the picture's server asked for."""
        error = result.decisive.error
        asked_s = error.retry_after_s if isinstance(error, TransientError) else 0
        return backoff_s(self.first_delay_s, result.item.message.attempt, self.draw, least_s=asked_s)


def _of(kind: type[M], items: Iterable[_Item]) -> Iterator[M]:
    """The messages of one kind."""
    return (item.message for item in items if isinstance(item.message, kind))


def _again(item: _Item) -> _Item:
    return replace(item, message=replace(item.message, attempt=item.message.attempt + 1))


def _changes(items: Iterable[_Item]) -> Iterator[ProductState]:
    for item in items:
        if isinstance(item.message, PutProducts):
            yield from (ProductState(product.product_id, item.as_of, product) for product in item.message.items)
        elif isinstance(item.message, DeleteProducts):
            yield from (ProductState(product_id, item.as_of, None) for product_id in item.message.items)


def _superseded(items: Iterable[_Item], latest: Mapping[ItemKey, _Item], keys: KeyPatterns) -> Iterator[ItemOutcome]:
    """Outcomes of a backfill's items that a newer message in the batch replaces: the backfill counts each of its items."""
    for item in items:
        message, later = item.message, latest[item.key].message
        if message.backfill_id is not None and (message.backfill_id, message.run) != (later.backfill_id, later.run):
            yield _Result(item, [PictureOutcome(*_place(item.key, keys), "unchanged")]).outcome


def _place(key: ItemKey, keys: KeyPatterns) -> tuple[str, str]:
    """The product id and the image URL in an item's key, empty if it has none."""
    kind, id_ = key
    return (id_, "") if kind == "product" else (keys.product_of_url(id_) or "", id_) if kind == "object" else ("", "")
