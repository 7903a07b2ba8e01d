"""What tests ask about processes."""

import os
import time
from pathlib import Path


def wait_until_gone(pid: int, within_s: float = 60) -> None:
    """Returns when the process has ended (a zombie has); raises AssertionError if it does not."""
    deadline = time.monotonic() + within_s
    while _runs(pid):
        assert time.monotonic() < deadline, f"process {pid} still runs"
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return not Path("/proc/self").exists()
