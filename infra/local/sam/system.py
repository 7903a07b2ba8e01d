"""The deployed shape on this machine: the image built by `sam build`, run by `sam local`, beside Elasticsearch and moto in containers.

``python -m infra.local.sam.system`` serves until Ctrl-C.
"""

import argparse
import json
import signal
import socket
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Any, Self

import requests
from rich.console import Console

from infra.elasticsearch.distribution import Say
from infra.local import aws, invocation, resources
from infra.local.catalogue import drawn_catalogue
from infra.local.demonstration import Demonstration, picture_name
from infra.local.event_source import EventSource
from infra.local.image_server import ImageServer
from infra.local.invocation import FunctionFailed
from infra.local.loopback import free_port
from infra.local.resources import TRIGGERS, Resources
from infra.local.sam import image, stand_ins
from infra.local.sam.engine import Engine, EngineMissing, engine
from infra.local.sam.image import BuildFailed
from infra.local.sam.services import Services, ServicesFailed, answers
from infra.local.sam.stand_ins import ImageMissing
from infra.local.tether import TetheredProcess
from layers.models.networks import EFFICIENTNET_LITE2, INCEPTION_RESNET_V2, NETWORKS, Download, model_id

BUILD = Path("build/sam")
STACK = "lookalike"
API_PORT = 3000
LAMBDA_PORT = 3001
ELASTICSEARCH_PORT = 9200
AWS_PORT = 5000
READY_WITHIN_S = 300


class SamFailed(Exception):
    """`sam local` ended or did not answer; the message has the end of its log."""


class SamSystem:
    """Runs while its ``with`` block lasts; no container, network, process or port of it is left afterwards.

    It offers what `infra.local.system.LocalSystem` offers, so that what runs on one runs on the other.

    Args:
        found: the container engine.
        model: a network's id.
        random_weights: seed of made-up weights; None for the published ones.
        next_model: a second network in the image, to walk to.
        data: folder of the built template and of logs.
        alias: alias of the index.
        project: name of the containers and their network.
        keep_index: whether a later run finds the index again.
        ports: of the API, the Lambda API, Elasticsearch and moto; 0 for any that is free.
        visibility_timeout_s: after how long a message that failed comes back.
        max_receive_count: how often it is tried.
        say: told what happens.
    """

    resources: Resources

    def __init__(
        self,
        found: Engine,
        model: str,
        data: Path,
        *,
        random_weights: int | None = None,
        next_model: str | None = None,
        alias: str = "lookalike",
        project: str = "lookalike",
        keep_index: bool = False,
        ports: tuple[int, int, int, int] = (0, 0, 0, 0),
        visibility_timeout_s: int = 30,
        max_receive_count: int = 5,
        say: Say = print,
    ) -> None:
        api_port, lambda_port, elasticsearch_port, aws_port = (port or _any_free_port() for port in ports)
        self.engine = found
        self._parameters = {
            "ElasticsearchUrl": "http://elasticsearch:9200",
            "Alias": alias,
            "Model": model,
            "RandomWeights": "" if random_weights is None else str(random_weights),
            "NextModel": next_model or "",
        }
        self._data = data.absolute()
        self._visibility_timeout_s = visibility_timeout_s
        self._max_receive_count = max_receive_count
        self._say = say
        self._stack = ExitStack()
        self._api_port, self._lambda_port = api_port, lambda_port
        self.alias = alias
        self.search_url = f"http://127.0.0.1:{api_port}"
        self.lambda_url = f"http://127.0.0.1:{lambda_port}"
        self.server = Services(found, project, elasticsearch_port=elasticsearch_port, aws_port=aws_port, keep_index=keep_index, say=say)
        self.elasticsearch_url, self.aws_url = self.server.elasticsearch_url, self.server.aws_url

    @property
    def bucket(self) -> str:
        """The bucket of pictures."""
        return self.resources.bucket

    @property
    def aws_environment(self) -> dict[str, str]:
        """What boto3 and the AWS CLI need to speak with moto from this machine."""
        return aws.client_environment(self.aws_url)

    @property
    def client_environment(self) -> dict[str, str]:
        """What curl, boto3 and the AWS CLI need to use this system as they would the deployed one."""
        own = {"SEARCH_URL": self.search_url, "AWS_ENDPOINT_URL_LAMBDA": self.lambda_url, "BUCKET": self.bucket}
        return own | self.aws_environment

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._data.mkdir(parents=True, exist_ok=True)
            image.build(self.engine, self._data, self._parameters, self._say)
            stack.enter_context(self.server)
            self.resources = resources.create(
                self.aws_url, visibility_timeout_s=self._visibility_timeout_s, max_receive_count=self._max_receive_count
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def serve(self, private_image_origins: Iterable[str] = ()) -> None:
        """Starts `sam local` and the polling of the queues; returns when the API answers and the functions are warm.

        Args:
            private_image_origins: ``host:port`` pairs that pictures may be fetched from although they are on this machine; their host may
                be known only once the network is there, so they are not given earlier.
        """
        with ExitStack() as stack:
            environment = self._environment(private_image_origins)
            (self._data / "environment.json").write_text(json.dumps({"Parameters": environment}, indent=2))
            self._say("Starting sam local start-lambda and start-api with warm containers")
            stack.enter_context(self._sam("start-lambda", self.lambda_url, self._lambda_port))
            stack.enter_context(self._sam("start-api", self.search_url, self._api_port))
            invoke = invocation.through(invocation.client(self.lambda_url))
            health = requests.get(f"{self.search_url}/health", timeout=120)
            if health.status_code == 502:
                raise SamFailed(f"search does not start; its log is {self._data / 'start-api.log'}")
            self._poll(stack, invoke)
            self._stack.push(stack.pop_all())

    def sam(self, *arguments: str) -> list[str]:
        """A command of `sam local` on the built template, with this system's variables."""
        options = ["--docker-network", self.server.network, "--skip-pull-image", "--env-vars", str(self._data / "environment.json")]
        overrides = ["--parameter-overrides", *image.overrides(self._parameters)]
        return [*image.SAM, "local", *arguments, "--template", str(image.template(self._data)), *options, *overrides]

    @property
    def sam_environment(self) -> dict[str, str]:
        """The environment of such a command; `sam local` passes the credentials in it on to the functions."""
        return {**self.engine.whole_environment, **self.aws_environment, **image.QUIET}

    @property
    def function_environment(self) -> dict[str, str]:
        """All that a function needs which runs in the network without `sam`."""
        told: dict[str, str] = json.loads((self._data / "environment.json").read_text())["Parameters"]
        seed = self._parameters["RandomWeights"]
        model = model_id(NETWORKS[self._parameters["Model"]], int(seed) if seed else None)
        inside = {"AWS_ENDPOINT_URL": told["AWS_ENDPOINT_URL"], "LOOKALIKE_MODEL": model, "POWERTOOLS_METRICS_NAMESPACE": "lookalike"}
        return {**self.aws_environment, **told, **inside}

    @contextmanager
    def _sam(self, command: str, url: str, port: int) -> Iterator[None]:
        log = self._data / f"{command}.log"
        log.unlink(missing_ok=True)
        full = [*self.sam(command), "--port", str(port), "--warm-containers", "EAGER", "--no-watch"]
        process = TetheredProcess(full, log=log, environment=self.sam_environment, grace_s=30)
        try:
            deadline = time.monotonic() + READY_WITHIN_S
            while not answers(url):
                if process.exit_code is not None or time.monotonic() > deadline:
                    tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
                    raise SamFailed(f"sam local {command} did not start. The end of {log}:\n{tail}")
                time.sleep(0.2)
            yield
        finally:
            process.stop()
            self._remove_functions()

    def _remove_functions(self) -> None:
        """Containers of functions that `sam` has left in the network, if it was killed."""
        left = self.engine.docker(
            "ps", "--quiet", "--filter", f"network={self.server.network}", "--filter", "label=sam.cli.container.type=lambda"
        )
        if left:
            self.engine.docker("rm", "--force", *left.split())

    def _environment(self, private_image_origins: Iterable[str]) -> dict[str, str]:
        """What `sam local` cannot know: the addresses of moto and of what is in it. It passes variables that the template declares."""
        inside = f"http://{self.server.aws_address}:5000"
        return {
            "AWS_ENDPOINT_URL": inside,
            "LOOKALIKE_ELASTICSEARCH_URL": self._parameters["ElasticsearchUrl"],
            "LOOKALIKE_ALIAS": self.alias,
            "LOOKALIKE_BUCKET": self.bucket,
            "LOOKALIKE_PRODUCTS_QUEUE_URL": self.resources.products.url.replace(self.aws_url, inside),
            "LOOKALIKE_BACKFILL_QUEUE_URL": self.resources.backfill.url.replace(self.aws_url, inside),
            "LOOKALIKE_PUBLIC_S3_ENDPOINT": self.aws_url,
            "LOOKALIKE_PRIVATE_IMAGE_ORIGINS": ",".join(private_image_origins),
        }

    def _poll(self, stack: ExitStack, invoke: invocation.Invoke) -> None:
        """As Lambda does it; one poller of a queue, for `sam local` has one container of a function."""
        sqs = aws.session().client("sqs", endpoint_url=self.aws_url)
        for trigger in TRIGGERS:
            stack.enter_context(EventSource.of(trigger, self.resources, sqs, invoke))


def _any_free_port() -> int:
    """One that nothing listens on now: `sam local` and compose do not choose by themselves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def image_host(gateway: str) -> tuple[str, str]:
    """Where an image server on this machine listens, and by which host containers reach it.

    On Linux both are the network's gateway. Docker Desktop's is in a machine of its own, which forwards a name to our loopback interface.
    """
    with socket.socket() as probe:
        try:
            probe.bind((gateway, 0))
        except OSError:
            return "127.0.0.1", "host.docker.internal"
    return gateway, gateway


def preferred_ports(say: Say) -> tuple[int, int, int, int]:
    """The usual ones, but for those that are in use."""
    wanted = {"the API": API_PORT, "the Lambda API": LAMBDA_PORT, "Elasticsearch": ELASTICSEARCH_PORT, "moto": AWS_PORT}
    for what, port in wanted.items():
        if free_port(port) == 0:
            say(f"Port {port} is in use; {what} takes another")
    api, lambdas, elasticsearch, services = (free_port(port) for port in wanted.values())
    return api, lambdas, elasticsearch, services


def best_model(say: Say) -> str:
    """InceptionResNetV2 if its weights can be downloaded, else EfficientNet-Lite2."""
    weights = INCEPTION_RESNET_V2.weights
    if isinstance(weights, Download) and answers(weights.url):
        return INCEPTION_RESNET_V2.id
    say(f"The weights of {INCEPTION_RESNET_V2.id} cannot be had; taking {EFFICIENTNET_LITE2.id}")
    return EFFICIENTNET_LITE2.id


FAILURES = (EngineMissing, ImageMissing, BuildFailed, ServicesFailed, SamFailed, FunctionFailed)
"""What can keep the system from starting, each with a message for the user."""


@contextmanager
def running(model: str | None, data: Path = BUILD, *, say: Say = print, **options: Any) -> Iterator[SamSystem]:
    """The engine, the images and the system, but for what `SamSystem.serve` starts; ``options`` are `SamSystem`'s."""
    with engine(say) as found:
        stand_ins.ensure(found, say)
        stand_ins.ensure_compose(found, say)
        with SamSystem(found, model or best_model(say), data, say=say, **options) as system:
            yield system


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.local.sam.system", description="The deployed shape on this machine, until Ctrl-C."
    )
    parser.add_argument("--model", choices=NETWORKS, help="default: the best whose weights can be had")
    parser.add_argument("--random-weights", type=int, metavar="SEED", help="made-up weights")
    parser.add_argument("--next-model", choices=NETWORKS, help="a second one in the image, for a backfill into a new index")
    parser.add_argument(
        "--private-image-origin", action="append", default=[], metavar="HOST:PORT", help="may be fetched from though private"
    )
    parser.add_argument("--catalogue", action="store_true", help="fill it with the demo's catalogue")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with running(
            given.model,
            random_weights=given.random_weights,
            next_model=given.next_model,
            keep_index=True,
            ports=preferred_ports(print),
        ) as system:
            if given.catalogue:
                _serve_with_catalogue(system, given.private_image_origin)
            else:
                system.serve(given.private_image_origin)
                print(invitation(system, system.client_environment))
                Event().wait()
    except KeyboardInterrupt:
        print("\nStopped; nothing is left running.")
    except FAILURES as error:
        sys.exit(str(error))


def _serve_with_catalogue(system: SamSystem, origins: list[str]) -> None:
    """As ``make demo`` does it: half of the products through the bucket, half by a backfill, whose pictures a server of ours has."""
    catalogue, console = drawn_catalogue(Path("build/catalogue")), Console()
    host, known_as = image_host(system.server.gateway)
    pictures = {picture_name(item): item.path for item in catalogue}
    with ImageServer(pictures, host=host, known_as=known_as) as images:
        system.serve([*origins, images.origin])
        demonstration = Demonstration(system, images, catalogue, system.alias, console)
        account, _ = demonstration.index()
        console.print(f"{len(account.documents)} of {len(catalogue)} products are indexed, {len(account.lost)} lost")
        demonstration.search(account)
        print(invitation(system, demonstration.variables()))
        Event().wait()


def invitation(system: SamSystem, variables: Mapping[str, str]) -> str:
    """The addresses, the variables of the README's examples, and lines to try."""
    exports = "\n".join(f"export {name}={value}" for name, value in variables.items())
    return f"""
gallery        {system.search_url}/
search         {system.search_url}/search
Lambda API     {system.lambda_url}
Elasticsearch  {system.elasticsearch_url}
S3, SQS        {system.aws_url}

{exports}

aws s3 cp picture.jpg s3://$BUCKET/images/my-cup/front.jpg --metadata category=cup,price=12.5
curl "$SEARCH_URL/search?size=3" -H "Content-Type: image/jpeg" --data-binary @picture.jpg
curl "$SEARCH_URL/products/my-cup/similar"

Serving until Ctrl-C."""


if __name__ == "__main__":
    main()
