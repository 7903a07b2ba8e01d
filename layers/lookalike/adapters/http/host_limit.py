"""How many requests a host gets at once: a shop's pictures come from one server, which serves its customers too."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class HostLimit:
    """For all threads of a process; hosts that nobody asks are forgotten.

    Args:
        most: requests at once to each host.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._under_way: Counter[str] = Counter()
        self._changed = Condition()

    @contextmanager
    def of(self, host: str, timeout_s: float) -> Iterator[None]:
        """Waits for its turn. Raises `TimeoutError` if the host was kept busy for too long."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._under_way[host] < self._most, timeout_s):
                raise TimeoutError(f"{host} was busy with {self._most} other requests for {timeout_s} s")
            self._under_way[host] += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way[host] -= 1
                if not self._under_way[host]:
                    del self._under_way[host]
                self._changed.notify_all()
