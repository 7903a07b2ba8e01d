"""What tests ask about processes, and how they wait."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path


def wait_for(condition: Callable[[], bool], within_s: float = 60) -> None:
    """Returns when the condition holds; raises AssertionError if it does not come to."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"it did not happen within {within_s} s"
        time.sleep(0.05)


def wait_until_gone(pid: int) -> None:
    """Returns when the process has ended (a zombie has); raises AssertionError if it does not."""
    wait_for(lambda: not _runs(pid))


def descendants(pid: int) -> set[int]:
    """The processes that it started, and those that these started."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,comm="], capture_output=True, text=True, check=True).stdout.splitlines()
    parents = {int(child): int(parent) for child, parent, name in (line.split(None, 2) for line in listed) if name != "ps"}
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    process = Path(f"/proc/{pid}")
    try:
        is_zombie = (process / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
        return not is_zombie or len(list((process / "task").iterdir())) > 1  # its parent learns of it when the last thread has ended
    except FileNotFoundError:
        return not Path("/proc/self").exists()  # where there is no /proc, the signal above was the whole answer
