"""Queues, product states and a clock in memory."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count

from lookalike.backfill.dead_letters import DeadLetter, QueueName
from lookalike.backfill.messages import BackfillMessage, ContinuePrune, ContinueRetry, MergeWhenFinished, ReadSlice
from lookalike.domain import Product
from lookalike.errors import LookalikeError
from lookalike.indexing.messages import Message, PutProducts
from lookalike.indexing.product_updates import ProductState

FAKE_MESSAGE_SIZE = 200_000


class FakeQueues:
    """Keeps what was sent: messages of the products queue with their delays, and the slices and continuations of the backfill queue."""

    def __init__(self) -> None:
        self.products: list[tuple[Message, int]] = []
        self.slices: list[tuple[str, int]] = []
        self.continuations: list[ContinueRetry | ContinuePrune | MergeWhenFinished] = []
        self.delays_s: list[int] = []
        self.more_waiting = 0
        """Messages of the products queue beside those that were sent here."""

    def send(self, messages: Iterable[Message], *, delay_s: int = 0) -> Sequence[Product]:
        too_large: list[Product] = []
        for message in messages:
            kept = message
            if isinstance(message, PutProducts):
                too_large += (product for product in message.items if len(str(product)) > FAKE_MESSAGE_SIZE)
                kept = replace(message, items=tuple(product for product in message.items if product not in too_large))
            if kept.items:
                self.products.append((kept, delay_s))
        return too_large

    def send_backfill(self, messages: Iterable[BackfillMessage], *, delay_s: int = 0) -> None:
        for message in messages:
            if isinstance(message, ReadSlice):
                self.slices.append((message.backfill_id, message.slice))
            else:
                self.continuations.append(message)
                self.delays_s.append(delay_s)

    def waiting(self) -> int:
        return len(self.products) + self.more_waiting

    def sent(self) -> list[str]:
        """The ids of products that were sent, in order."""
        return [product.product_id for message, _ in self.products if isinstance(message, PutProducts) for product in message.items]


class FakeDeadLetterQueues:
    """Dead letters that wait, and those that were sent again."""

    def __init__(self, *waiting: DeadLetter) -> None:
        self.waiting, self.sent_again = list(waiting), list[DeadLetter]()

    def drain(self, record: Callable[[Sequence[DeadLetter]], None], stop_at: float) -> None:
        while self.waiting:
            record(self.waiting[:1])
            self.waiting.pop(0)

    def send_again(self, letters: Sequence[DeadLetter]) -> None:
        self.sent_again += letters


class FakeDeadLetterStore:
    """Dead letters in memory."""

    def __init__(self) -> None:
        self._letters: dict[tuple[str, str], DeadLetter] = {}

    def put(self, letters: Iterable[DeadLetter]) -> None:
        self._letters |= {(letter.queue, letter.message_id): replace(letter, messages=()) for letter in letters}

    def page(self, queue: QueueName | None = None, backfill_id: str | None = None, *, size: int) -> Sequence[DeadLetter]:
        wanted = [each for each in self._letters.values() if queue in (None, each.queue) and backfill_id in (None, each.backfill_id)]
        return sorted(wanted, key=lambda letter: letter.sent_ms)[:size]

    def counts(self) -> Mapping[str, Mapping[str, int]]:
        counted: dict[str, Counter[str]] = {}
        for letter in self._letters.values():
            if letter.backfill_id is not None:
                counted.setdefault(letter.backfill_id, Counter())[letter.queue] += 1
        return counted

    def remove(self, letters: Iterable[DeadLetter]) -> None:
        for letter in letters:
            self._letters.pop((letter.queue, letter.message_id), None)

    def remove_of(self, backfill_id: str, queue: QueueName) -> None:
        self.remove(self.page(queue, backfill_id, size=len(self._letters)))


class Clock:
    """Seconds that advance by one at each call."""

    def __init__(self) -> None:
        self._ticks: Iterator[int] = iter(range(1_000_000))

    def __call__(self) -> float:
        return float(next(self._ticks))


class FakeProductStates:
    """States in memory, with versions as the real store has."""

    def __init__(self) -> None:
        self._scoped: dict[tuple[str, str], ProductState] = {}
        self._versions = count()

    def get(self, product_ids: Iterable[str], scope: str = "") -> dict[str, ProductState]:
        return {id_: self._scoped[scope, id_] for id_ in product_ids if (scope, id_) in self._scoped}

    def put(self, states: Iterable[ProductState], scope: str = "") -> dict[str, ProductState | LookalikeError]:
        stored: dict[str, ProductState | LookalikeError] = {}
        for state in states:
            there = self._scoped.get((scope, state.product_id))
            if state.version == (there.version if there else None):
                self._scoped[scope, state.product_id] = stored[state.product_id] = replace(state, version=next(self._versions))
        return stored
