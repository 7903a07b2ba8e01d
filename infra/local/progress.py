"""Says what goes on while something slow is silent."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from layers.models.export import Say


@contextmanager
def repeated(say: Say, line: Callable[[], str], every_s: float = 5) -> Iterator[None]:
    """Says the present line every few seconds until the block ends."""
    is_done = Event()

    def run() -> None:
        while not is_done.wait(every_s):
            say(line())

    Thread(target=run, daemon=True).start()
    try:
        yield
    finally:
        is_done.set()
