"""How long each stage of a search took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

STAGES = ("fetch", "decode", "embed", "search")


class Stopwatch:
    """Milliseconds by stage; a stage that did not come up is 0."""

    def __init__(self) -> None:
        self.timings_ms: dict[str, float] = dict.fromkeys(STAGES, 0.0)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times what is done inside."""
        start = time.perf_counter()
        yield
        self.timings_ms[name] = round(self.timings_ms[name] + (time.perf_counter() - start) * 1000, 2)
