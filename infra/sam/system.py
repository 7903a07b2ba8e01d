"""The deployed shape on this machine: the image built by `sam build`, run by `sam local`, beside Elasticsearch and moto in containers.

``python -m infra.sam.system`` serves until Ctrl-C.
"""

import argparse
import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import KW_ONLY, astuple, dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import requests
from rich.console import Console

from infra.demo.catalogue import drawn_catalogue
from infra.demo.demonstration import Demonstration
from infra.demo.image_server import ImageServer
from infra.local import invocation
from infra.local.aws import TRIGGERS
from infra.local.child_process import ChildProcess, Failure, ended_by_signals
from infra.local.event_source import event_sources
from infra.local.loopback import answers, free_port
from infra.local.running_system import Ports, RunningSystem
from infra.sam import image
from infra.sam.services import Services
from infra.sam.without_registry.engine import Engine
from infra.sam.without_registry.stand_ins import engine_with_images
from layers.models.export import Say, first_available
from layers.models.networks import NETWORKS

BUILD = Path("build/sam")
MODELS = Path("build/models")
API_PORT = 3000
ELASTICSEARCH_PORT = 9200
READY_WITHIN_S = 300


@dataclass(eq=False)
class SamSystem(RunningSystem):
    """The system as containers. Entering it starts all but the functions, which `serve` does.

    Args:
        engine: the container engine.
        model: a network's id.
        data: folder of the built template and of logs.
        random_weights: seed of made-up weights; None for the published ones.
        next_model: a second network in the image, for a backfill into a new index.
        project: name of the containers and their network.
        keep_index: whether a later run finds the index again.
    """

    engine: Engine
    model: str
    data: Path
    _: KW_ONLY
    random_weights: int | None = None
    next_model: str | None = None
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
        }

    def _start(self, stack: ExitStack) -> None:
        self.data = self.data.absolute()
        self.data.mkdir(parents=True, exist_ok=True)
        image.build(self.engine, self.data, self._parameters, self.say)
        api, lambda_api, aws, elasticsearch = (port or free_port() for port in astuple(self.ports))
        self.search_url, self.lambda_url = f"http://127.0.0.1:{api}", f"http://127.0.0.1:{lambda_api}"
        self.aws_url, self.elasticsearch_url = f"http://127.0.0.1:{aws}", f"http://127.0.0.1:{elasticsearch}"
        ports = {"ELASTICSEARCH_PORT": str(elasticsearch), "MOTO_PORT": str(aws)}
        engine = self.engine.with_variables(LOOKALIKE_NETWORK=self.project, **ports)
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
            one_each = {trigger.queue: 1 for trigger in TRIGGERS}  # `sam local` has one container of a function
            for source in event_sources(self.resources, self.aws_url, invoke, TRIGGERS, one_each):
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
    ports = Ports.usual(print, api=API_PORT, elasticsearch=ELASTICSEARCH_PORT)
    options = {"random_weights": given.random_weights, "next_model": given.next_model, "keep_index": True, "ports": ports}
    with ended_by_signals(), running(given.model, **options) as system:
        if given.catalogue:
            _serve_with_catalogue(system)
        else:
            system.serve()
            print(system.addresses())
            Event().wait()


def _serve_with_catalogue(system: SamSystem) -> None:
    """As ``make demo`` does it: half of the products through the bucket, half by a backfill, whose pictures a server of ours has."""
    catalogue = drawn_catalogue(Path("build/catalogue"))
    host, known_as = system.server.image_host
    with ImageServer(catalogue.pictures, host=host, known_as=known_as) as images:
        system.serve([images.origin])
        demonstration = Demonstration(system, images, catalogue, Console())
        indexed, _ = demonstration.index()
        demonstration.search(indexed)
        demonstration.show_addresses()
        Event().wait()


if __name__ == "__main__":
    main()
