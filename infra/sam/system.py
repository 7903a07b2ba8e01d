"""The deployed shape on this machine: the image built by `sam build`, run by `sam local`, beside Elasticsearch and moto in containers.

``python -m infra.sam.system`` serves until Ctrl-C.
"""

import argparse
import json
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import Any, Self

import requests
from rich.console import Console

from infra.demo.catalogue import Catalogue, drawn_catalogue
from infra.demo.demonstration import Demonstration
from infra.demo.image_server import ImageServer
from infra.local import invocation
from infra.local.aws import TRIGGERS
from infra.local.child_process import ChildProcess, Failure, ended_by_signals
from infra.local.event_source import event_sources
from infra.local.loopback import answers, free_port
from infra.local.running_system import RunningSystem, usual_ports
from infra.sam import image
from infra.sam.without_registry.engine import Engine
from infra.sam.without_registry.stand_ins import engine_with_images
from layers.models.export import Say, first_available
from layers.models.networks import NETWORKS, U2NETP

BUILD = Path("build/sam")
MODELS = Path("build/models")
API_PORT = 3000
ELASTICSEARCH_PORT = 9200
READY_WITHIN_S = 300
COMPOSE_FILE = image.PROJECT / "docker-compose.yml"


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
        return self.engine.docker("compose", "--project-name", self.network, "--file", str(COMPOSE_FILE), *arguments)


@dataclass(eq=False)
class SamSystem(RunningSystem):
    """The system as containers. Entering it starts all but the functions, which `serve` does.

    Args:
        engine: the container engine.
        model: a network's id.
        data: folder of the built template and of logs.
        random_weights: seed of made-up weights; None for the published ones.
        next_model: a second network in the image, for a backfill into a new index.
        parameters: others of the template, as ``SaliencyModel``; those that are left out are as in a deployment.
        project: name of the containers and their network.
        keep_index: whether a later run finds the index again.
    """

    engine: Engine
    model: str
    data: Path
    _: KW_ONLY
    random_weights: int | None = None
    next_model: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    project: str = "lookalike"
    keep_index: bool = False

    server: Services = field(init=False)

    @property
    def _parameters(self) -> dict[str, str]:
        """Of the template."""
        return {
            "ElasticsearchUrl": "http://elasticsearch:9200",
            "Alias": self.alias,
            "Model": self.model,
            "RandomWeights": "" if self.random_weights is None else str(self.random_weights),
            "NextModel": self.next_model or "",
            **self.parameters,
        }

    def _start(self, stack: ExitStack) -> None:
        self.data = self.data.absolute()
        self.data.mkdir(parents=True, exist_ok=True)
        image.build(self.engine, self.data, self._parameters, self.say)
        ports = {part: str(self.ports.get(part) or free_port()) for part in ("api", "lambda_api", "aws", "elasticsearch")}
        self.search_url, self.lambda_url, self.aws_url, self.elasticsearch_url = (f"http://127.0.0.1:{port}" for port in ports.values())
        published = {"LOOKALIKE_NETWORK": self.project, "ELASTICSEARCH_PORT": ports["elasticsearch"], "MOTO_PORT": ports["aws"]}
        engine = replace(self.engine, environment={**self.engine.environment, **published})
        self.server = stack.enter_context(Services(engine, self.project, self.keep_index, self.say))
        self._create_resources()

    def serve(self, private_image_origins: Iterable[str] = ()) -> None:
        """Starts `sam local` and the polling of the queues; returns when the API answers and the functions are warm.

        Args:
            private_image_origins: ``host:port`` pairs that pictures may be fetched from although they are on this machine; their host may
                be known only once the network is there, so they are not given earlier.
        """
        with ExitStack() as stack:
            environment = self._environment(private_image_origins)
            (self.data / "environment.json").write_text(json.dumps({"Parameters": environment}, indent=2))
            self.say("Starting sam local start-lambda and start-api with warm containers")
            stack.enter_context(self._sam("start-lambda", self.lambda_url))
            stack.enter_context(self._sam("start-api", self.search_url))
            health = requests.get(f"{self.search_url}/health", timeout=120)
            if health.status_code == 502:
                raise Failure(f"search does not start; its log is {self.data / 'start-api.log'}")
            invoke = invocation.through(invocation.client(self.lambda_url))
            for source in event_sources(self.resources, self.aws_url, invoke, TRIGGERS):
                stack.enter_context(source)
            self._stack.push(stack.pop_all())

    def sam(self, *arguments: str) -> list[str]:
        """A command of `sam local` on the built template, with this system's variables."""
        options = ["--docker-network", self.project, "--skip-pull-image", "--env-vars", str(self.data / "environment.json")]
        overrides = ["--parameter-overrides", *image.overrides(self._parameters)]
        return [*image.SAM, "local", *arguments, "--template", str(image.template(self.data)), *options, *overrides]

    @property
    def sam_environment(self) -> dict[str, str]:
        """The environment of such a command; `sam local` passes the credentials in it on to the functions."""
        return {**self.engine.whole_environment, **self.aws_environment, **image.QUIET}

    @contextmanager
    def _sam(self, command: str, url: str) -> Iterator[None]:
        log = self.data / f"{command}.log"
        log.unlink(missing_ok=True)
        full = [*self.sam(command), "--port", url.rpartition(":")[2], "--warm-containers", "EAGER", "--no-watch"]
        process = ChildProcess(full, log=log, environment=self.sam_environment, grace_s=30)
        try:
            process.wait_until(lambda: answers(url), READY_WITHIN_S, f"sam local {command}")
            yield
        finally:
            process.stop()
            self.server.remove_functions()

    def _environment(self, private_image_origins: Iterable[str]) -> dict[str, str]:
        """What `sam local` cannot know: the addresses of moto and of what is in it. It passes variables that the template declares."""
        inside = f"http://{self.server.aws_address}:5000"
        return {
            **{name: value.replace(self.aws_url, inside) for name, value in self._settings(private_image_origins).items()},
            "AWS_ENDPOINT_URL": inside,
            "LOOKALIKE_ELASTICSEARCH_URL": self._parameters["ElasticsearchUrl"],
            "LOOKALIKE_PUBLIC_S3_ENDPOINT": self.aws_url,
        }


@contextmanager
def running(model: str | None, data: Path = BUILD, *, say: Say = print, **options: Any) -> Iterator[SamSystem]:
    """The engine, the images and the system, but for what `SamSystem.serve` starts; ``options`` are `SamSystem`'s."""
    with engine_with_images(say) as found, SamSystem(found, model or first_available(MODELS, say).id, data, say=say, **options) as system:
        yield system


def main() -> None:
    """The command ``python -m infra.sam.system``."""
    parser = argparse.ArgumentParser(prog="python -m infra.sam.system", description="The deployed shape on this machine, until Ctrl-C.")
    parser.add_argument("--model", choices=NETWORKS, help="default: the best whose weights can be had")
    parser.add_argument("--random-weights", type=int, metavar="SEED", help="made-up weights")
    parser.add_argument("--next-model", choices=NETWORKS, help="a second one in the image, for a backfill into a new index")
    parser.add_argument("--catalogue", action="store_true", help="fill it with the demo's catalogue")
    given = parser.parse_args()
    ports = usual_ports(print, api=API_PORT, elasticsearch=ELASTICSEARCH_PORT)
    options = {
        "random_weights": given.random_weights,
        "next_model": given.next_model,
        "parameters": {"SaliencyModel": U2NETP.id},
        "keep_index": True,
        "ports": ports,
    }
    catalogue = drawn_catalogue(Path("build/catalogue")) if given.catalogue else Catalogue(())
    with ended_by_signals(), running(given.model, **options) as system:
        host, known_as = system.server.image_host
        with ImageServer(catalogue.pictures, host=host, known_as=known_as) as images:
            system.serve([images.origin])
            if given.catalogue:  # as `make demo` does it: half of the products through the bucket, half by a backfill
                demonstration = Demonstration(system, images, catalogue, Console())
                demonstration.search(indexed := demonstration.index()[0])
                demonstration.show_addresses(indexed)
            else:
                print(system.addresses())
            Event().wait()


if __name__ == "__main__":
    main()
