"""Lambda functions on this machine: each in processes of its own, one event at a time, JSON in and JSON out."""

import json
import os
import queue
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

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
    """What an invocation gave: JSON, which describes the error if the function failed."""

    payload: str
    failed: bool


class Function:
    """A pool of processes; they end with the process that started them.

    Args:
        definition: what it is.
        environment: the variables that the function is configured with.
        log: file to which its standard output and error are appended.
    """

    def __init__(self, definition: FunctionDefinition, environment: Mapping[str, str], log: Path) -> None:
        self.definition = definition
        self.log = log
        self._sandboxes = [_Sandbox(definition, _environment(definition, environment), log) for _ in range(definition.concurrency)]
        self._idle: queue.SimpleQueue[_Sandbox] = queue.SimpleQueue()
        for sandbox in self._sandboxes:
            self._idle.put(sandbox)

    def start(self) -> None:
        """Starts the processes without waiting for their init phase."""
        for sandbox in self._sandboxes:
            sandbox.start()

    def init_error(self) -> str | None:
        """Waits for the init phase of all processes; what went wrong in it, as JSON."""
        return next((error for sandbox in self._sandboxes if (error := sandbox.init_error())), None)

    @property
    def pids(self) -> list[int]:
        """The processes that were started."""
        return [sandbox.pid for sandbox in self._sandboxes if sandbox.pid is not None]

    def invoke(self, payload: str) -> Answer:
        """Hands an event to a process that is free, waiting for one if need be.

        A process that has ended or had failed to start is started anew.
        """
        sandbox = self._idle.get()
        try:
            answer = sandbox.invoke(payload)
        finally:
            self._idle.put(sandbox)
        if len(answer.payload) > MAX_PAYLOAD_BYTES:
            return _error(
                "Function.ResponseSizeTooLarge", f"Response payload size exceeded maximum allowed payload size ({MAX_PAYLOAD_BYTES})."
            )
        return answer

    def stop(self) -> None:
        """Ends the processes for good, busy or not: their invocations fail, and so do all later ones."""
        for sandbox in self._sandboxes:
            sandbox.stop()


class _Sandbox:
    """One process."""

    def __init__(self, definition: FunctionDefinition, environment: Mapping[str, str], log: Path) -> None:
        self._definition = definition
        self._environment = environment
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._initialised = False
        self._stopped = False
        self._busy = threading.Lock()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        self._connection, other_end = Pipe()
        with self._log.open("ab") as log, other_end:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "infra.local.runtime", self._definition.module, str(other_end.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[other_end.fileno()],
                env=dict(self._environment),
                cwd=REPOSITORY,
                start_new_session=True,
            )
        self._initialised = False

    def init_error(self) -> str | None:
        if self._initialised:
            return None
        try:
            error = self._connection.recv_bytes().decode() if self._connection.poll(INIT_WITHIN_S) else _timeout(INIT_WITHIN_S).payload
        except EOFError:
            return _exited(self._end()).payload
        if error != "null":
            self._end()
            return error
        self._initialised = True
        return None

    def invoke(self, payload: str) -> Answer:
        with self._busy:
            if self._stopped:
                return _error("Function.Stopped", f"{self._definition.name} is stopped")
            return self._invoke(payload)

    def _invoke(self, payload: str) -> Answer:
        if self._process and self._process.poll() is not None:
            self._end()
        if self._process is None:
            self.start()
        if error := self.init_error():
            return Answer(error, failed=True)
        timeout_s = self._definition.timeout_s
        request = {
            "request_id": str(uuid.uuid4()),
            "deadline_s": time.time() + timeout_s,
            "arn": self._definition.arn,
            "payload": payload,
        }
        try:
            self._connection.send_bytes(json.dumps(request).encode())
            if not self._connection.poll(timeout_s):
                self._end()
                return _timeout(timeout_s)
            answer: dict[str, Any] = json.loads(self._connection.recv_bytes())
        except (EOFError, ConnectionError):
            return _exited(self._end())
        return Answer(answer["payload"], answer["failed"])

    def stop(self) -> None:
        self._stopped = True
        if process := self._process:
            process.kill()
        with self._busy:
            if self._process:
                self._end()

    def _end(self) -> int:
        """Ends the process; the next invocation starts another."""
        assert self._process  # noqa: S101
        self._connection.close()
        self._process.kill()
        code = self._process.wait()
        self._process = None
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


def _timeout(seconds: float) -> Answer:
    return _error("Sandbox.Timedout", f"Task timed out after {seconds:.2f} seconds")


def _exited(code: int) -> Answer:
    cause = f"signal {-code}" if code < 0 else f"exit status {code}"
    return _error("Runtime.ExitError", f"Runtime exited without providing a reason: {cause}")
