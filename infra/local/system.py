"""The whole system on this machine: Elasticsearch, AWS's services, the functions, the gateway, and what polls the queues.

``python -m infra.local.system`` serves until Ctrl-C. Everything is the deployed code with the deployed events; only what stands around
it is local.
"""

import argparse
import signal
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit, urlunsplit

from infra.elasticsearch.distribution import DistributionMissing, DownloadDamaged
from infra.elasticsearch.server import ElasticsearchServer, ServerFailed
from infra.local import aws, invocation, resources
from infra.local.aws import AwsServer, AwsServerFailed
from infra.local.event_source import EventSource
from infra.local.functions import Function, FunctionDefinition
from infra.local.gateway import Gateway
from infra.local.lambda_api import LambdaApi
from infra.local.loopback import free_port
from infra.local.resources import TRIGGERS, Resources
from layers.models import export

BUILD = Path("build")
SEARCH_PORT = 8800
LAMBDA_PORT = 3001
AWS_PORT = 5000

POLLERS = {"uploads": 2, "backfill": 1, "products": 2}
"""Of each queue; where there are two, one collects while the other's batch is worked on."""

FUNCTIONS = (
    FunctionDefinition("lookalike-on-upload", "functions.on_upload.entry", timeout_s=120),
    FunctionDefinition("lookalike-backfill", "functions.backfill.entry", timeout_s=120, memory_mb=1024),
    FunctionDefinition("lookalike-index-products", "functions.index_products.entry", timeout_s=120),
    FunctionDefinition("lookalike-search", "functions.search.entry", timeout_s=29, concurrency=2),
)

Say = Callable[[str], None]


class FunctionBroken(Exception):
    """A function's init phase failed; the message says why and where its log is."""


class LocalSystem:
    """Runs while its ``with`` block lasts; nothing of it is left afterwards, nor if it fails to start.

    Args:
        model: id of an exported network.
        models: folder of exported networks.
        data: folder of Elasticsearch's indices and of logs; a later run on it finds the indices again.
        alias: alias of the index.
        elasticsearch_url: a server of one's own, instead of one that is started here; ``user:password@`` in it becomes the secret.
        private_image_origins: ``host:port`` pairs that pictures may be fetched from although they are on this machine.
        api_key: what the gateway asks for; None for an open one.
        search_port, lambda_port, aws_port: 0 for any that is free.
        visibility_timeout_s: after how long a message that failed comes back.
        max_receive_count: how often it is tried.
        first_retry_delay_s: how long a product waits that failed for a passing reason; twice as long each time.
        say: told what happens.
    """

    resources: Resources

    def __init__(
        self,
        model: str,
        models: Path,
        data: Path,
        *,
        alias: str = "lookalike",
        elasticsearch_url: str | None = None,
        private_image_origins: Iterable[str] = (),
        api_key: str | None = None,
        search_port: int = 0,
        lambda_port: int = 0,
        aws_port: int = 0,
        visibility_timeout_s: int = 30,
        max_receive_count: int = 5,
        first_retry_delay_s: int = 10,
        say: Say = print,
    ) -> None:
        self._settings = {
            "LOOKALIKE_MODEL": model,
            "LOOKALIKE_MODELS": str(models.absolute()),
            "LOOKALIKE_ALIAS": alias,
            "LOOKALIKE_FIRST_RETRY_DELAY_S": str(first_retry_delay_s),
            "LOOKALIKE_INDEX_DEFINITIONS": str(Path(__file__).parents[1] / "elasticsearch"),
            "POWERTOOLS_METRICS_NAMESPACE": "lookalike",
            "LOG_LEVEL": "INFO",
        }
        self._private_image_origins = tuple(private_image_origins)
        self._data = data.absolute()
        self._api_key = api_key
        self._ports = search_port, lambda_port, aws_port
        self._visibility_timeout_s = visibility_timeout_s
        self._max_receive_count = max_receive_count
        self._say = say
        self._stack = ExitStack()
        self.alias = alias
        self.elasticsearch_url = elasticsearch_url or ""

    @property
    def bucket(self) -> str:
        """The bucket of pictures."""
        return self.resources.bucket

    @property
    def client_environment(self) -> dict[str, str]:
        """What curl, boto3 and the AWS CLI need to use this system as they would the deployed one."""
        own = {"SEARCH_URL": self.search_url, "AWS_ENDPOINT_URL_LAMBDA": self.lambda_url, "BUCKET": self.bucket}
        return own | self.aws_environment

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def _start(self, stack: ExitStack) -> None:
        search_port, lambda_port, aws_port = self._ports
        logs = self._data / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        self.server: ElasticsearchServer | None = None
        if not self.elasticsearch_url:
            self.server = stack.enter_context(ElasticsearchServer(self._data / "elasticsearch", say=self._say))
            self.elasticsearch_url = self.server.url
        services = stack.enter_context(AwsServer(logs / "aws.log", port=aws_port))
        self.aws_url, self.aws_environment = services.url, services.environment
        self.resources = resources.create(
            services.url,
            visibility_timeout_s=self._visibility_timeout_s,
            max_receive_count=self._max_receive_count,
            secret=_split(self.elasticsearch_url)[1],
        )
        self.functions = self._start_functions(stack, logs)
        self.lambda_url = stack.enter_context(LambdaApi(self.functions, port=lambda_port)).url
        invoke = invocation.through(invocation.client(self.lambda_url))
        self.search_url = stack.enter_context(Gateway(invoke, "lookalike-search", port=search_port, api_key=self._api_key)).url
        self._poll(stack, invoke)

    def _start_functions(self, stack: ExitStack, logs: Path) -> dict[str, Function]:
        """Starts all of them side by side, then waits for each."""
        self._say("Starting the functions")
        functions = {}
        for definition in FUNCTIONS:
            service = {"POWERTOOLS_SERVICE_NAME": definition.name.removeprefix("lookalike-").replace("-", "_")}
            function = Function(definition, self._environment() | service, logs / f"{definition.name}.log")
            stack.callback(function.stop)
            function.start()
            functions[definition.name] = function
        for function in functions.values():
            if error := function.init_error():
                raise FunctionBroken(f"{function.definition.name} does not start: {error}\nIts log is {function.log}")
        return functions

    def _environment(self) -> dict[str, str]:
        found = self.resources
        return {
            **self._settings,
            **self.aws_environment,
            "LOOKALIKE_ELASTICSEARCH_URL": _split(self.elasticsearch_url)[0],
            "LOOKALIKE_ELASTICSEARCH_SECRET_ARN": found.secret_arn or "",
            "LOOKALIKE_BUCKET": found.bucket,
            # The bucket too: the address of an uploaded picture that an answer carries can be searched by, as it can in AWS.
            "LOOKALIKE_PRIVATE_IMAGE_ORIGINS": ",".join((*self._private_image_origins, urlsplit(self.aws_url).netloc)),
            "LOOKALIKE_PRODUCTS_QUEUE_URL": found.products.url,
            "LOOKALIKE_BACKFILL_QUEUE_URL": found.backfill.url,
        }

    def _poll(self, stack: ExitStack, invoke: invocation.Invoke) -> None:
        """As Lambda does it, but that products are not waited for, which a backfill posts faster than they are indexed."""
        sqs = aws.session().client("sqs", endpoint_url=self.aws_url)
        triggers = [replace(trigger, window_s=0) if trigger.queue == "products" else trigger for trigger in TRIGGERS]
        sources = [EventSource.of(trigger, self.resources, sqs, invoke, concurrency=POLLERS[trigger.queue]) for trigger in triggers]
        for source in sources:
            stack.enter_context(source)
        # The stack unwinds from its end: no message is taken any more, then what runs is cut off, so that stopping does not wait for it.
        # The queues end with this process anyway, and whatever was half done can be repeated.
        for function in self.functions.values():
            stack.callback(function.stop)
        for source in sources:
            stack.callback(source.stop_polling)


def _split(url: str) -> tuple[str, dict[str, str] | None]:
    """The address alone, and its ``user:password@`` as the secret has them; None where there are none."""
    parts = urlsplit(url)
    if parts.username is None:
        return url, None
    address = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return address, {"username": unquote(parts.username), "password": unquote(parts.password or "")}


def preferred_port(wanted: int, what: str, say: Say) -> int:
    """The port that was wanted, or 0 if something listens there, which is said."""
    port = free_port(wanted)
    if port == 0:
        say(f"Port {wanted} is in use; {what} takes another")
    return port


STARTING_FAILS = (DistributionMissing, DownloadDamaged, ServerFailed, AwsServerFailed, FunctionBroken, export.ExportFailed)
"""What can keep the system from starting, each with a message for the user."""


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.system", description="The whole system on this machine, until Ctrl-C.")
    parser.add_argument("--model", default=export.AUTO, help="network (default: the best whose weights can be had)")
    parser.add_argument("--data", type=Path, default=BUILD / "system", help="folder of indices and logs")
    parser.add_argument("--elasticsearch-url", help="a server of your own")
    parser.add_argument(
        "--private-image-origin", action="append", default=[], metavar="HOST:PORT", help="may be fetched from though private"
    )
    parser.add_argument("--api-key", help="asked for in the header x-api-key")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        model = export.ensure(given.model, BUILD / "models", print)
        system = LocalSystem(
            model,
            BUILD / "models",
            given.data,
            elasticsearch_url=given.elasticsearch_url,
            private_image_origins=given.private_image_origin,
            api_key=given.api_key,
            search_port=preferred_port(SEARCH_PORT, "the search endpoint", print),
            lambda_port=preferred_port(LAMBDA_PORT, "the Lambda API", print),
            aws_port=preferred_port(AWS_PORT, "the AWS services", print),
        )
        with system:
            print(f"search         {system.search_url}\nLambda API     {system.lambda_url}\nElasticsearch  {system.elasticsearch_url}")
            print("\n".join(f"export {name}={value}" for name, value in system.client_environment.items()))
            print("Serving until Ctrl-C.")
            Event().wait()
    except KeyboardInterrupt:
        print("\nStopped; nothing is left running.")
    except STARTING_FAILS as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
