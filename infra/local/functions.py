"""Lambda functions on this machine: each in processes of its own, one event at a time, JSON in and JSON out."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing import Pipe
from pathlib import Path

from infra.local.aws import ACCOUNT, REGION

REPOSITORY = Path(__file__).parents[2]
INIT_WITHIN_S = 120
MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
"""Lambda's limit for the event and for the answer of a synchronous invocation."""


@dataclass(frozen=True)
class FunctionDefinition:
    """A function as template.yaml describes it; ``module`` has the ``handler``, ``concurrency`` is the number of its processes."""

    name: str
    module: str
    timeout_s: float
    memory_mb: int = 3008
    concurrency: int = 1

    @property
    def arn(self) -> str:
        """Its Amazon Resource Name."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.name}"


@dataclass(frozen=True)
class Answer:
    """The result of an invocation as JSON, which describes the error if the function failed."""

    payload: str
    failed: bool


class Function:
    """A pool of processes; they end with the process that started them.

    Args:
        definition: its module, timeout and number of processes.
        environment: the function's environment variables.
        log: file to which its standard output and error are appended.
    """

    def __init__(self, definition: FunctionDefinition, environment: Mapping[str, str], log: Path) -> None:
        self.definition = definition
        self.log = log
        self._processes = [_Process(definition, _environment(definition, environment), log) for _ in range(definition.concurrency)]
        self._idle: queue.SimpleQueue[_Process] = queue.SimpleQueue()
        for process in self._processes:
            self._idle.put(process)

    def start(self) -> None:
        """Starts the processes without waiting for their init phase."""
        for process in self._processes:
            process.start()

    def init_error(self) -> str | None:
        """Waits for the init phase of all processes; returns the error as JSON if it failed."""
        failures = [failure.payload for process in self._processes if (failure := process.init_failure())]
        return failures[0] if failures else None

    @property
    def pids(self) -> list[int]:
        """The processes that run."""
        return [each.process.pid for each in self._processes if each.process]

    def invoke(self, payload: str) -> Answer:
        """Sends an event to an idle process, waiting until there is one."""
        process = self._idle.get()
        try:
            answer = process.invoke(payload)
        finally:
            self._idle.put(process)
        if len(answer.payload) > MAX_PAYLOAD_BYTES:
            message = f"Response payload size exceeded maximum allowed payload size ({MAX_PAYLOAD_BYTES})."
            return _error("Function.ResponseSizeTooLarge", message)
        return answer

    def stop(self) -> None:
        """Ends the processes, also busy ones: running and later invocations fail."""
        for process in self._processes:
            process.stop()


@dataclass(eq=False)
class _Process:
    """One process at a time: after a timeout or a death, the next invocation starts another."""

    definition: FunctionDefinition
    environment: Mapping[str, str]
    log: Path
    process: "subprocess.Popen[bytes] | None" = None
    is_initialised: bool = False
    is_stopped: bool = False
    busy: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        self.connection, other_end = Pipe()
        told = (self.definition.module, self.definition.arn, str(self.definition.timeout_s), str(other_end.fileno()))
        with self.log.open("ab") as log, other_end:
            self.process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "infra.local.runtime", *told],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[other_end.fileno()],
                env=dict(self.environment),
                cwd=REPOSITORY,
                start_new_session=True,
            )
        self.is_initialised = False

    def init_failure(self) -> Answer | None:
        if not self.is_initialised:
            answer = self._exchange(None, INIT_WITHIN_S)
            if answer.failed:
                self._end()
                return answer
            self.is_initialised = True
        return None

    def invoke(self, payload: str) -> Answer:
        with self.busy:
            if self.is_stopped:
                return _error("Function.Stopped", f"{self.definition.name} is stopped")
            if self.process and self.process.poll() is not None:
                self._end()
            if self.process is None:
                self.start()
            return self.init_failure() or self._exchange(payload, self.definition.timeout_s)

    def _exchange(self, payload: str | None, within_s: float) -> Answer:
        """Sends an event, if there is one, and waits for what comes."""
        try:
            if payload is not None:
                self.connection.send(payload)
            if self.connection.poll(within_s):
                return Answer(*self.connection.recv())
        except (EOFError, ConnectionError):
            code = self._end()
            cause = f"signal {-code}" if code < 0 else f"exit status {code}"
            return _error("Runtime.ExitError", f"Runtime exited without providing a reason: {cause}")
        self._end()
        return _error("Sandbox.Timedout", f"Task timed out after {within_s:.2f} seconds")

    def stop(self) -> None:
        self.is_stopped = True
        if process := self.process:
            process.kill()
        with self.busy:
            self._end()

    def _end(self) -> int:
        if self.process is None:
            return 0
        self.connection.close()
        self.process.kill()
        code = self.process.wait()
        self.process = None
        return code


def _environment(definition: FunctionDefinition, environment: Mapping[str, str]) -> dict[str, str]:
    """The machine's environment without what is meant for other uses of AWS, Lambda's own variables, and the function's."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LOOKALIKE_", "POWERTOOLS_"))}
    lambdas_own = {
        "AWS_LAMBDA_FUNCTION_NAME": definition.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(definition.memory_mb),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_REGION": REGION,
        "PYTHONUNBUFFERED": "1",
    }
    return inherited | lambdas_own | dict(environment)


def _error(kind: str, message: str) -> Answer:
    return Answer(json.dumps({"errorType": kind, "errorMessage": message}), failed=True)
