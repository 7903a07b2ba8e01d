"""Mends moto's queues: imported by our own server (`aws.py`), and by Python as it starts in the container of docker-compose.yml.

Python imports a module named sitecustomize by itself; in the container this file has that name, and nothing else of ours is there.
"""

import time

from moto.sqs import models
from moto.sqs.models import Queue, SQSBackend


def mend() -> None:
    """Both repairs."""
    _delete_messages_under_lock()
    _receive_without_counting()


def _delete_messages_under_lock() -> None:
    """On each deletion, moto copies a queue's list without what is deleted: a message that another thread adds meanwhile would be lost."""
    delete = Queue.delete_message

    def delete_under_lock(queue: Queue, receipt_handle: str) -> None:
        with queue._messages_lock:
            delete(queue, receipt_handle)

    Queue.delete_message = delete_under_lock  # type: ignore[method-assign, assignment]


def _receive_without_counting() -> None:
    """For the age of each message that is received, moto counts the whole queue several times, by a slow clock: 16 ms a message."""

    def is_young(_backend: SQSBackend, _queue_name: str, _message: models.Message) -> bool:
        return True

    def now_ms() -> float:
        return time.time() * 1000

    SQSBackend.is_message_valid_based_on_retention_period = is_young  # type: ignore[method-assign, assignment]
    models.unix_time_millis = now_ms  # type: ignore[attr-defined, assignment]


if __name__ == "sitecustomize":
    mend()
