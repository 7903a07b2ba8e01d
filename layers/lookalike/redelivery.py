"""When failed messages are redelivered: after a backoff, not only after the queue's visibility timeout."""

import random
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import TypeAlias

MAX_DELAY_S = 900
JITTER = 0.25
"""A delay is longer by up to this fraction, so that messages that failed together are not redelivered together."""

MAX_DOUBLINGS = 10


def backoff_s(first_delay_s: int, failures: int, draw: Callable[[], float] = random.random, *, least_s: int = 0) -> int:
    """Seconds to wait before the next attempt: doubled after each failure, from ``least_s`` to `MAX_DELAY_S`, the longest delay of SQS.

    ``draw`` returns random numbers from 0 to 1, for the jitter.
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
        is_poison: whether it would fail however often it is redelivered.
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
"""Has failed messages redelivered, each after its backoff; moves those that are poison, or were received as often as their queue allows,
to the dead-letter queue with their reasons. Returns the ids of the moved messages, which are settled. Raises nothing."""
