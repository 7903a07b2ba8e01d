"""Work that takes several calls: a call that runs out of time sends a message from which the next call continues."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from lookalike.backfill.messages import BackfillMessage, ContinuePrune, ContinueRetry, Sender
from lookalike.backfill.model import Backfill, BackfillStore, get_backfill
from lookalike.backfill.outcomes import StoredOutcome

PAGE = 500
RUN_S = 20.0
"""How long one call works, because the caller of a command waits for it."""

MAX_WAITING = 10_000
"""Messages of the products queue, of up to 50 products each, above which no more are sent: some hours of work."""

POSTPONED_S = 300

C = TypeVar("C", ContinueRetry, ContinuePrune)


def postpone_if_busy(sender: Sender, message: BackfillMessage) -> bool:
    """Sends a message to itself, delayed, while the products queue is long; returns whether it did.

    A catalogue can be read much faster than it is embedded, and SQS deletes messages that waited for longer than the retention period.
    """
    is_busy = sender.waiting() > MAX_WAITING
    if is_busy:
        sender.send_backfill([message], delay_s=POSTPONED_S)
    return is_busy


def page_by_page(
    store: BackfillStore,
    sender: Sender,
    clock: Callable[[], float],
    message: C,
    read: Callable[[Backfill, C], Sequence[StoredOutcome]],
    work: Callable[[Backfill, Sequence[StoredOutcome]], None],
) -> None:
    """Works on a backfill's outcomes for about `RUN_S`, then sends a message to continue; stops if the backfill was started again.

    Args:
        store: has the backfill.
        sender: sends the message to continue.
        clock: seconds, from any start.
        message: names the backfill, and the key after which to begin.
        read: returns the next `PAGE` outcomes after the message's key; fewer mean the end.
        work: works on a page.

    Raises `NotFound`, and whatever ``read``, ``work`` and the queue raise; the message must be redelivered then.
    """
    backfill = get_backfill(store, message.backfill_id)
    stop = clock() + RUN_S
    if postpone_if_busy(sender, message):
        return
    while backfill.run == message.run:
        page = read(backfill, message)
        work(backfill, page)
        if len(page) < PAGE:
            return
        message = replace(message, after=page[-1].key)
        if clock() > stop:
            sender.send_backfill([message])
            return
