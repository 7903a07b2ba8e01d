"""Elasticsearch and moto of docker-compose.yml, as long as they are needed."""

import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

from infra.elasticsearch.distribution import Say
from infra.local.sam.engine import Engine

FILE = Path(__file__).parents[3] / "docker-compose.yml"
READY_WITHIN_S = 180


class ServicesFailed(Exception):
    """Compose could not start them; the message is what it said."""


class Services:
    """The two containers in their network; both go with the ``with`` block.

    Args:
        engine: where they run.
        project: compose's name for all of it, and the network's.
        elasticsearch_port, aws_port: on this machine.
        keep_index: whether Elasticsearch's volume stays for the next time.
        say: told what happens.
    """

    def __init__(self, engine: Engine, project: str, *, elasticsearch_port: int, aws_port: int, keep_index: bool, say: Say) -> None:
        self._engine = engine
        self._ports = {"ELASTICSEARCH_PORT": str(elasticsearch_port), "MOTO_PORT": str(aws_port)}
        self._keep_index = keep_index
        self._say = say
        self.network = project
        self.elasticsearch_url = f"http://127.0.0.1:{elasticsearch_port}"
        self.aws_url = f"http://127.0.0.1:{aws_port}"

    def __enter__(self) -> Self:
        self._say("Starting Elasticsearch and moto with docker compose")
        began = time.monotonic()
        self._remove()  # what a run that was killed has left
        try:
            self._compose("up", "--detach", "--wait", "--wait-timeout", str(READY_WITHIN_S))
        except subprocess.CalledProcessError as error:
            log = self._compose("logs", "--tail", "20")
            self._remove()
            raise ServicesFailed(f"docker compose up failed:\n{error.stderr.strip()}\n{log}") from error
        self._say(f"Both are ready after {time.monotonic() - began:.0f} s")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._remove()

    def _remove(self) -> None:
        self._compose("down", "--timeout", "5", *([] if self._keep_index else ["--volumes"]))

    def start(self) -> None:
        """Starts Elasticsearch again, and waits for it."""
        self._compose("up", "--detach", "--wait", "--wait-timeout", str(READY_WITHIN_S), "elasticsearch")

    def stop(self) -> None:
        """Stops Elasticsearch, whose address stays the same."""
        self._compose("stop", "--timeout", "20", "elasticsearch")

    @property
    def aws_address(self) -> str:
        """Moto's in the network, as a number: boto3 asks a name for buckets as its sub-domains, an address for them as paths."""
        container = self._compose("ps", "--quiet", "moto")
        return self._engine.docker("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container)

    @property
    def gateway(self) -> str:
        """This machine's address in the network."""
        return self._engine.docker("network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", self.network)

    def _compose(self, *arguments: str) -> str:
        environment: Mapping[str, str] = {**self._engine.whole_environment, **self._ports, "LOOKALIKE_NETWORK": self.network}
        command = ["docker", "compose", "--project-name", self.network, "--file", str(FILE), *arguments]
        run = subprocess.run(command, env=environment, check=True, text=True, capture_output=True)  # noqa: S603
        return run.stdout.strip()


def answers(url: str) -> bool:
    """Whether something speaks HTTP there, whatever it says."""
    try:
        requests.get(url, timeout=5)
    except requests.RequestException:
        return False
    return True
