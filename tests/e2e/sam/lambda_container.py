"""One function in its container, as strict as Lambda: no root, files read-only but for /tmp, so much memory and no more."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests
import samcli

from infra.sam.system import SamSystem
from infra.sam.without_registry.engine import Engine
from layers.models.networks import NETWORKS, model_id

EMULATOR = Path(samcli.__file__).parent / "local" / "rapid" / "aws-lambda-rie-x86_64"
INVOKE = "/2015-03-31/functions/function/invocations"


class LambdaContainer:
    """The image with AWS's runtime interface emulator before it, which begins a function's init phase with its first event.

    Args:
        found: the engine.
        image: its name.
        command: the handler.
        environment: variables of the function.
        network: that the container joins.
        memory_mb: limit.
    """

    def __init__(
        self,
        found: Engine,
        image: str,
        command: str,
        environment: Mapping[str, str],
        *,
        network: str = "bridge",
        memory_mb: int = 3008,
    ) -> None:
        self._engine = found
        entry_point = json.loads(found.docker("image", "inspect", "--format", "{{json .Config.Entrypoint}}", image))
        self._command = [
            *("run", "--detach", "--rm", "--read-only", "--tmpfs", "/tmp:mode=1777", "--tmpfs", "/sys", "--publish", "127.0.0.1::8080"),
            *("--volume", f"{EMULATOR}:/emulator:ro", "--entrypoint", "/emulator", "--network", network, "--memory", f"{memory_mb}m"),
            *(part for name, value in environment.items() for part in ("--env", f"{name}={value}")),
            *(image, *_without_emulator(entry_point), command),
        ]
        self._id = ""

    def __enter__(self) -> Self:
        self._id = self._engine.docker(*self._command)
        port = self._engine.docker("port", self._id, "8080").splitlines()[0].rpartition(":")[2]
        self._url = f"http://127.0.0.1:{port}{INVOKE}"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._engine.docker("rm", "--force", self._id)

    def invoke(self, event: Mapping[str, Any]) -> Any:
        """What the handler returns. The first call also waits until the emulator listens."""
        deadline = time.monotonic() + 10
        while True:
            try:
                return requests.post(self._url, json=event, timeout=300).json()
            except requests.ConnectionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    @property
    def log(self) -> str:
        """What the function has printed."""
        return self._engine.docker("logs", self._id)

    @property
    def peak_memory_mb(self) -> float:
        """The most that the function's processes have held at a time, as the kernel counts it (VmHWM), without the emulator."""
        script = (
            "import pathlib\n"
            "for status in pathlib.Path('/proc').glob('[0-9]*/status'):\n"
            "    lines = dict(line.split(':', 1) for line in status.read_text().splitlines())\n"
            "    print(lines['Name'].strip(), lines.get('VmHWM', '0 kB').split()[0], status.parent.name)\n"
        )
        listed = self._engine.docker("exec", self._id, "python3", "-c", script).splitlines()
        held = [(name, int(kb)) for name, kb, _ in map(str.split, listed) if name.startswith("python")]
        return max(kb for _, kb in held) / 1000


def variables_of(sam: SamSystem) -> dict[str, str]:
    """All that the search function needs which runs in the system's network without `sam local`."""
    told: dict[str, str] = json.loads((sam.data / "environment.json").read_text())["Parameters"]
    model = model_id(NETWORKS[sam.model], sam.random_weights)
    own = {"LOOKALIKE_MODEL": model, "POWERTOOLS_METRICS_NAMESPACE": "lookalike", "POWERTOOLS_SERVICE_NAME": "search"}
    return {**sam.aws_environment, **told, **own}


def _without_emulator(entry_point: Sequence[str]) -> list[str]:
    """AWS's base begins with a script that starts an emulator of its own unless it finds itself in Lambda; what it runs there is this."""
    return ["/var/runtime/bootstrap"] if entry_point == ["/lambda-entrypoint.sh"] else list(entry_point)
