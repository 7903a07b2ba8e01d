"""Child processes that end when their parent ends, however that happens.

The parent holds one end of a pipe; this file, run as a small process beside the command, waits at the other. The kernel closes
the parent's end even after ``kill -9``. (``PR_SET_PDEATHSIG`` is Linux's only, and watches the thread that forked instead of the process.)
"""

import os
import pwd
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


class Failure(Exception):
    """Ends a command with a message for its user: what went wrong, and what to do."""


class ChildProcess:
    """A command in a session of its own: a terminal's Ctrl-C reaches the parent only, which can then stop things in order.

    Args:
        command: program and arguments.
        log: file to which standard output and error are appended.
        environment: the whole environment of the command.
        user: run as this user; only root may run as another one.
        lock: open file whose lock is held until the command has ended, even if the parent ends before it.
        grace_s: seconds between SIGTERM and SIGKILL.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str],
        user: str = "",
        lock: BinaryIO | None = None,
        grace_s: float = 20,
    ) -> None:
        beside = [sys.executable, "-I", __file__, str(grace_s), user]
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603
                [*beside, *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                pass_fds=[lock.fileno()] if lock else [],
                start_new_session=True,
            )
        self._log = log
        self._grace_s = grace_s

    @property
    def pid(self) -> int:
        """The process, which leads the group that the command is in."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def wait_until(self, is_ready: Callable[[], bool], within_s: float, name: str) -> None:
        """Waits until it is ready. If it ends or takes too long, it is killed, and a `Failure` with the end of its log is raised."""
        deadline = time.monotonic() + within_s
        try:
            while not is_ready():
                if self.exit_code is not None or time.monotonic() > deadline:
                    state = "ended while it started" if self.exit_code is not None else f"was not ready after {within_s:g} s"
                    raise Failure(f"{name} {state}. {tail(self._log)}")
                time.sleep(0.1)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """SIGTERM, then SIGKILL after the grace period. Returns when the command is gone."""
        assert self._process.stdin  # noqa: S101
        self._process.stdin.close()
        try:
            self._process.wait(self._grace_s + 5)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL to the whole group, as a test or the kernel's out-of-memory killer does."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def tail(log: Path, most: int = 15) -> str:
    """The last lines of a log, without the frames of Java's stack traces."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if not line.startswith("\t")]
    return f"The end of {log}:\n" + "\n".join(lines[-most:])


@contextmanager
def ended_by_signals(*failures: type[Exception]) -> Iterator[None]:
    """For a command: Ctrl-C and SIGTERM unwind what is inside; a `Failure`, or one of those named, ends the command with its message."""
    ends: tuple[type[Exception], ...] = (Failure, *failures)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        yield
    except KeyboardInterrupt:
        print("\nStopped.")
        sys.exit(130)
    except ends as error:
        sys.exit(str(error))


def main() -> None:
    """The small process beside the command."""
    grace_s, user, *command = sys.argv[1:]
    group, groups = (pwd.getpwnam(user).pw_gid, list[int]()) if user else (None, None)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, user=user or None, group=group, extra_groups=groups)  # noqa: S603
    threading.Thread(target=_end_with_parent, args=(process, float(grace_s)), daemon=True).start()
    code = process.wait()
    sys.exit(code if code >= 0 else 128 - code)


def _end_with_parent(command: subprocess.Popen[bytes], grace_s: float) -> None:
    os.read(0, 1)
    command.terminate()
    try:
        command.wait(grace_s)
    except subprocess.TimeoutExpired:
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
