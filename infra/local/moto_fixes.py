"""Fixes of moto's queues: imported by `aws.py`, and by Python as it starts in the container of docker-compose.yml.

Python imports a module named sitecustomize by itself; in the container this file has that name, and nothing else of ours is there.
"""

import functools
import time

from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.sqs import models
from moto.sqs.models import Queue, SQSBackend


def apply() -> None:
    """Changes moto's classes.

    On each deletion, moto copies a queue's list without what is deleted: a message that another thread adds meanwhile would be lost; so
    deletion takes the queue's lock. For the age of each message that is received, moto counts the whole queue several times, by a slow
    clock, 16 ms a message; so no message is too old. For each request it lists its own folder; so it remembers what it found.
    """
    delete, backend_of_host = Queue.delete_message, DomainDispatcherApplication.get_backend_for_host

    def delete_under_lock(queue: Queue, receipt_handle: str) -> None:
        with queue._messages_lock:
            delete(queue, receipt_handle)

    DomainDispatcherApplication.get_backend_for_host = functools.cache(backend_of_host)  # type: ignore[method-assign]
    Queue.delete_message = delete_under_lock  # type: ignore[method-assign, assignment]
    SQSBackend.is_message_valid_based_on_retention_period = lambda *_: True  # type: ignore[method-assign]
    models.unix_time_millis = lambda *_: time.time() * 1000  # type: ignore[attr-defined]


if __name__ == "sitecustomize":
    apply()
