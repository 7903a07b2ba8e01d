"""A function that does what its event says; what is tested is everything around it."""

import os
import signal
import time
from pathlib import Path
from typing import Any


def handler(event: dict[str, Any], context: Any) -> Any:
    if "touch" in event:
        Path(event["touch"]).touch()
    if "sleep_s" in event:
        time.sleep(event["sleep_s"])
    while "wait_for" in event and not Path(event["wait_for"]).exists():
        time.sleep(0.01)
    if "raise" in event:
        raise ValueError(event["raise"])
    if "die" in event:
        os.kill(os.getpid(), signal.SIGKILL)
    if "unserialisable" in event:
        return {1, 2}
    if "repeat" in event:
        return "x" * event["repeat"]
    return {
        "event": event,
        "pid": os.getpid(),
        "request_id": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "remaining_ms": context.get_remaining_time_in_millis(),
        "setting": os.environ.get("LOOKALIKE_ALIAS"),
        "foreign": os.environ.get("AWS_PROFILE"),
    }
