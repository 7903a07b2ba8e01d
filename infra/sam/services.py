"""Elasticsearch and moto of docker-compose.yml, as long as they are needed."""

import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from infra.local.child_process import Failure
from infra.sam.without_registry.engine import Engine
from layers.models.export import Say

FILE = Path(__file__).parents[2] / "docker-compose.yml"
READY_WITHIN_S = 180


@dataclass(frozen=True)
class Services:
    """The two containers in their network; both go with the ``with`` block.

    Args:
        engine: where they run; its environment has the variables of docker-compose.yml.
        network: compose's name for all of it, and the network's.
        keep_index: whether Elasticsearch's volume stays for the next time.
        say: told what happens.
    """

    engine: Engine
    network: str
    keep_index: bool
    say: Say

    def __enter__(self) -> Self:
        self.say("Starting Elasticsearch and moto with docker compose")
        began = time.monotonic()
        self._remove()  # what a run that was killed has left
        try:
            self.start()
        except subprocess.CalledProcessError as error:
            log = self._compose("logs", "--tail", "20")
            self._remove()
            raise Failure(f"docker compose up failed:\n{error.stderr.strip()}\n{log}") from error
        self.say(f"Both are ready after {time.monotonic() - began:.0f} s")
        return self

    def __exit__(self, *_: object) -> None:
        self._remove()

    def start(self) -> None:
        """Starts what does not run, and waits for it."""
        self._compose("up", "--detach", "--wait", "--wait-timeout", str(READY_WITHIN_S))

    def stop(self) -> None:
        """Stops Elasticsearch, whose address stays the same."""
        self._compose("stop", "--timeout", "20", "elasticsearch")

    def _remove(self) -> None:
        self._compose("down", "--timeout", "5", *([] if self.keep_index else ["--volumes"]))

    def remove_functions(self) -> None:
        """Removes containers of functions that `sam` has left in the network, if it was killed."""
        filters = ["--filter", f"network={self.network}", "--filter", "label=sam.cli.container.type=lambda"]
        if left := self.engine.docker("ps", "--quiet", *filters):
            self.engine.docker("rm", "--force", *left.split())

    @property
    def aws_address(self) -> str:
        """Moto's in the network, as a number: boto3 asks a name for buckets as its sub-domains, an address for them as paths."""
        container = self._compose("ps", "--quiet", "moto")
        return self.engine.docker("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container)

    @property
    def image_host(self) -> tuple[str, str]:
        """Where an image server on this machine listens, and by which host containers reach it.

        On Linux both are the network's gateway. Docker Desktop's is in a machine of its own, which forwards a name to our loopback.
        """
        gateway = self.engine.docker("network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", self.network)
        with socket.socket() as probe:
            try:
                probe.bind((gateway, 0))
            except OSError:
                return "127.0.0.1", "host.docker.internal"
        return gateway, gateway

    def _compose(self, *arguments: str) -> str:
        return self.engine.docker("compose", "--project-name", self.network, "--file", str(FILE), *arguments)
