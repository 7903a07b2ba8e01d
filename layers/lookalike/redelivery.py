"""When messages that failed come back: soon, not only after a queue's visibility timeout of six times the function's."""

import random
from collections.abc import Callable, Collection, Iterable
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
    """A message as a function received it.

    Args:
        receives: how often it was received, from 1.
        sent_ms: when it was sent first, in milliseconds since 1970.
        reason: why it failed.
        is_poison: whether it will fail however often it comes back.
    """

    queue_arn: str
    message_id: str
    receipt_handle: str
    receives: int
    body: str
    sent_ms: int
    reason: str
    is_poison: bool = False


Redeliver: TypeAlias = Callable[[Iterable[ReceivedMessage]], Collection[str]]
"""Has messages come back, each after its delay, or moves them to the dead-letter queue with their reasons if they were received as
often as the queue allows, or are poison; returns the ids of those that it moved, which are settled. Raises nothing."""
