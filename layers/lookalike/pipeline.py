"""Work that overlaps: while one batch is in the network, the next is being fetched and decoded."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, as_completed, wait
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def as_ready(pool: Executor, function: Callable[[T], R], items: Iterable[T], *, window: int) -> Iterator[R]:
    """``function`` of each item, in the order in which they become ready, so that a slow one holds up nobody.

    Args:
        pool: calls the function.
        function: must not raise.
        items: read only as far as needed.
        window: how many results may be under way or waiting, which bounds the memory.
    """
    pending: set[Future[R]] = set()
    for item in items:
        pending.add(pool.submit(function, item))
        if len(pending) >= window:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    yield from (future.result() for future in as_completed(pending))


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of ``size``, the last one shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def run_ahead(items: Iterable[T], *, depth: int = 1) -> Generator[T]:
    """The same items in the same order, while the next ``depth`` of them are already being made in a thread of their own."""
    iterator = iter(items)
    with ThreadPoolExecutor(1) as thread:
        upcoming: deque[Future[list[T]]] = deque(thread.submit(lambda: list(islice(iterator, 1))) for _ in range(depth))
        while made := upcoming.popleft().result():
            upcoming.append(thread.submit(lambda: list(islice(iterator, 1))))
            yield from made
