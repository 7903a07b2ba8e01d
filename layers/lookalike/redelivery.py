"""When messages that failed come back: soon, not only after a queue's visibility timeout of six times the function's."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

MAX_DELAY_S = 900
JITTER = 0.25
"""A delay is longer by up to this fraction, so that what failed together does not come back together."""

MAX_DOUBLINGS = 10


def backoff_s(first_delay_s: int, failures: int, draw: Callable[[], float] = random.random, *, least_s: int = 0) -> int:
    """Seconds to wait: twice as many after each earlier failure, ``least_s`` at least, and `MAX_DELAY_S`, SQS's longest delay, at most.

    ``draw`` returns numbers from 0 to 1, for the jitter.
    """
    delay_s = max(first_delay_s << min(failures, MAX_DOUBLINGS), least_s)
    return min(round(delay_s * (1 + JITTER * draw())), MAX_DELAY_S)


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A message as a function received it; ``receives`` counts how often, from 1.

    One that ``is_unreadable`` can never be processed: it comes back at once, until the queue moves it to the dead-letter queue.
    """

    queue_arn: str
    receipt_handle: str
    receives: int
    is_unreadable: bool = False

    def delay_s(self, first_delay_s: int, draw: Callable[[], float] = random.random) -> int:
        """Seconds until the message comes back, twice as many each time; ``draw`` returns numbers from 0 to 1."""
        return 0 if self.is_unreadable else backoff_s(first_delay_s, self.receives - 1, draw)


Redeliver: TypeAlias = Callable[[Iterable[ReceivedMessage]], None]
"""Has messages come back, each after its delay; raises nothing."""
