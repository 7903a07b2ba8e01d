"""What runs inside a function's process, as Lambda's runtime does: imports the entry module once, then handles one event at a time."""

import importlib
import json
import os
import queue
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any


@dataclass(frozen=True)
class Context:
    """The second argument of a handler, with the names and types of Lambda's own."""

    aws_request_id: str
    deadline_s: float
    function_name: str
    memory_limit_in_mb: str
    invoked_function_arn: str
    function_version: str = "$LATEST"
    log_group_name: str = "local"
    log_stream_name: str = "local"
    identity: None = None
    client_context: None = None

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is ended."""
        return max(0, round((self.deadline_s - time.time()) * 1000))


def error_payload(error: BaseException) -> dict[str, Any]:
    """Lambda's answer when a handler raises."""
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "stackTrace": traceback.format_tb(error.__traceback__),
    }


def main() -> None:
    """``python -m infra.local.runtime MODULE FILE_DESCRIPTOR``."""
    module, descriptor = sys.argv[1:]
    parent = Connection(int(descriptor))
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(parent, requests), daemon=True).start()
    try:
        handler = importlib.import_module(module).handler
    except BaseException as error:
        traceback.print_exc()
        parent.send_bytes(json.dumps(error_payload(error)).encode())
        raise SystemExit(1) from error
    parent.send_bytes(b"null")
    while True:
        parent.send_bytes(json.dumps(_answer(handler, json.loads(requests.get()))).encode())


def _receive(parent: Connection, requests: "queue.SimpleQueue[bytes]") -> None:
    """Also notices, while a handler is busy, that the parent is gone: then this process ends."""
    try:
        while True:
            requests.put(parent.recv_bytes())
    except (EOFError, OSError):
        os._exit(0)


def _answer(handler: Any, request: dict[str, Any]) -> dict[str, Any]:
    context = Context(
        request["request_id"],
        request["deadline_s"],
        os.environ["AWS_LAMBDA_FUNCTION_NAME"],
        os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"],
        request["arn"],
    )
    try:
        return {"failed": False, "payload": json.dumps(handler(json.loads(request["payload"]), context))}
    except Exception as error:
        traceback.print_exc()
        return {"failed": True, "payload": json.dumps(error_payload(error))}
    finally:
        sys.stdout.flush()


if __name__ == "__main__":
    main()
