"""The program in a function's process, like Lambda's runtime: imports the entry module once, then handles one event at a time."""

import importlib
import json
import os
import queue
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any


@dataclass(frozen=True)
class Context:
    """The second argument of a handler, with the attributes of Lambda's context that the functions and their logs use."""

    aws_request_id: str
    deadline_s: float
    function_name: str
    memory_limit_in_mb: str
    invoked_function_arn: str

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is ended."""
        return max(0, round((self.deadline_s - time.time()) * 1000))


def main() -> None:
    """``python -m infra.local.runtime MODULE ARN TIMEOUT_S FILE_DESCRIPTOR``: events come and answers go through the descriptor."""
    module, arn, timeout_s, descriptor = sys.argv[1:]
    parent = Connection(int(descriptor))
    events: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(parent, events), daemon=True).start()
    handler, failure = _tried(lambda: importlib.import_module(module).handler)
    parent.send(failure or ("null", False))
    while not failure:
        event = json.loads(events.get())
        name, memory_mb = os.environ["AWS_LAMBDA_FUNCTION_NAME"], os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        context = Context(str(uuid.uuid4()), time.time() + float(timeout_s), name, memory_mb, arn)
        payload, error = _tried(lambda: json.dumps(handler(event, context)))  # noqa: B023 - called at once
        parent.send(error or (payload, False))


def _receive(parent: Connection, events: "queue.SimpleQueue[str]") -> None:
    """Receives events; ends this process when the parent is gone, also while a handler is busy."""
    try:
        while True:
            events.put(parent.recv())
    except (EOFError, OSError):
        os._exit(0)


def _tried(step: Callable[[], Any]) -> tuple[Any, tuple[str, bool] | None]:
    """What the step returns, or Lambda's description of the exception, marked as failed."""
    try:
        return step(), None
    except Exception as error:
        traceback.print_exc()
        frames = traceback.format_tb(error.__traceback__)
        return None, (json.dumps({"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": frames}), True)
    finally:
        sys.stdout.flush()


if __name__ == "__main__":
    main()
