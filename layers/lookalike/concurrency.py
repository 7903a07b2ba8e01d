"""Work that overlaps, and work that has a time limit."""

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, as_completed, wait
from contextvars import copy_context
from itertools import islice
from typing import TypeVar

from lookalike.errors import TransientError

T = TypeVar("T")
R = TypeVar("R")


def map_unordered(pool: Executor, function: Callable[[T], R], items: Iterable[T], *, window: int) -> Iterator[R]:
    """Applies ``function`` to each item and yields the results as they become ready, so that a slow one delays no other.

    Args:
        pool: calls the function.
        function: must not raise.
        items: read only as far as needed.
        window: how many items may be in progress or waiting to be yielded, which bounds the memory.
    """
    pending: set[Future[R]] = set()
    for item in items:
        pending.add(pool.submit(function, item))
        if len(pending) >= window:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    yield from (future.result() for future in as_completed(pending))


def prefetch(items: Iterable[T]) -> Generator[T]:
    """Yields the same items in the same order, while a thread of its own produces the next one."""
    iterator = iter(items)
    with ThreadPoolExecutor(1) as thread:
        upcoming = thread.submit(lambda: list(islice(iterator, 1)))
        while made := upcoming.result():
            upcoming = thread.submit(lambda: list(islice(iterator, 1)))
            yield from made


def run_within(seconds: float, work: Callable[[], R], what: str, kind: type[TransientError] = TransientError) -> R:
    """Returns what ``work`` returns, or raises its error, if it ends in time.

    ``work`` runs in a thread of its own, which is abandoned then: socket timeouts do not bound a server that sends a byte now and then.

    Args:
        seconds: the time limit; if it is not above 0, nothing is started.
        work: the function to call.
        what: who did not answer, for the error's message.
        kind: the class of that error.

    Raises `TransientError`: the time limit is over.
    """
    result: Future[R] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:
            result.set_exception(error)

    if seconds > 0:
        threading.Thread(target=copy_context().run, args=(run,), name="time-limit", daemon=True).start()
    try:
        return result.result(max(seconds, 0))
    except TimeoutError as error:
        if result.done():
            raise
        raise kind(f"{what} did not answer in time") from error
