"""The whole system on this machine: Elasticsearch, AWS's services, the functions, the gateway, and what polls the queues.

``python -m infra.local.system`` serves until Ctrl-C. Code and events are those of the deployed system; only the
services around them are local.
"""

import argparse
import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path
from threading import Event
from urllib.parse import unquote, urlsplit, urlunsplit

from lookalike.adapters.elasticsearch.client import connect, translate_errors
from lookalike.errors import LookalikeError

from infra.local import invocation
from infra.local.aws import TRIGGERS, AwsServer
from infra.local.child_process import Failure, ended_by_signals
from infra.local.elasticsearch.server import ElasticsearchServer
from infra.local.event_source import event_sources
from infra.local.functions import Function, FunctionDefinition
from infra.local.gateway import Gateway
from infra.local.lambda_api import LambdaApi
from infra.local.running_system import RunningSystem, usual_ports
from layers.models import export, networks
from layers.models.networks import U2NETP

BUILD = Path("build")
SEARCH_PORT = 8800

FUNCTIONS = (
    FunctionDefinition("lookalike-on-upload", "functions.on_upload.entry", timeout_s=120),
    FunctionDefinition("lookalike-backfill", "functions.backfill.entry", timeout_s=120, memory_mb=1024),
    FunctionDefinition("lookalike-index-products", "functions.index_products.entry", timeout_s=120),
    FunctionDefinition("lookalike-search", "functions.search.entry", timeout_s=29, concurrency=2),
)


@dataclass(eq=False)
class LocalSystem(RunningSystem):
    """The system as processes of this machine.

    Args:
        model: id of an exported network.
        models: folder of exported networks.
        data: folder of Elasticsearch's indices and of logs; a later run on it finds the indices again.
        elasticsearch_url: a server of one's own, instead of one that is started here; ``user:password@`` in it becomes the secret.
        private_image_origins: ``host:port`` pairs that pictures may be fetched from although they are on this machine.
        api_key: what the gateway asks for; None for an open one.
    """

    model: str
    models: Path
    data: Path
    _: KW_ONLY
    elasticsearch_url: str = ""
    private_image_origins: Sequence[str] = ()
    api_key: str | None = None

    server: ElasticsearchServer | None = field(init=False, default=None)
    functions: dict[str, Function] = field(init=False, default_factory=dict)

    def _start(self, stack: ExitStack) -> None:
        logs = self.data.absolute() / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        if self.elasticsearch_url:
            _check(self.elasticsearch_url)
        else:
            self.server = stack.enter_context(ElasticsearchServer(self.data.absolute() / "elasticsearch", say=self.say))
            self.elasticsearch_url = self.server.url
        self.aws_url = stack.enter_context(AwsServer(logs / "aws.log", port=self.ports.get("aws", 0))).url
        self._create_resources(_split(self.elasticsearch_url)[1])
        self._start_functions(stack, logs)
        self.lambda_url = stack.enter_context(LambdaApi(self.functions, port=self.ports.get("lambda_api", 0))).url
        invoke = invocation.through(invocation.client(self.lambda_url))
        self.search_url = stack.enter_context(Gateway(invoke, "lookalike-search", port=self.ports.get("api", 0), api_key=self.api_key)).url
        self._poll(stack, invoke)

    def _start_functions(self, stack: ExitStack, logs: Path) -> None:
        """Starts all of them side by side, then waits for each."""
        self.say("Starting the functions")
        for definition in FUNCTIONS:
            service = {"POWERTOOLS_SERVICE_NAME": definition.name.removeprefix("lookalike-").replace("-", "_")}
            function = Function(definition, self._environment() | service, logs / f"{definition.name}.log")
            stack.callback(function.stop)
            function.start()
            self.functions[definition.name] = function
        for function in self.functions.values():
            if error := function.init_error():
                raise Failure(f"{function.definition.name} does not start: {json.loads(error)['errorMessage']}\nIts log is {function.log}")

    def _environment(self) -> dict[str, str]:
        """All variables that template.yaml gives to the functions."""
        # The bucket's origin too: the address of an uploaded picture that an answer carries can be searched by, as it can in AWS.
        return {
            **self.aws_environment,
            **self._settings([*self.private_image_origins, urlsplit(self.aws_url).netloc]),
            "LOOKALIKE_MODEL": self.model,
            "LOOKALIKE_MODELS": str(self.models.absolute()),
            "LOOKALIKE_ELASTICSEARCH_URL": _split(self.elasticsearch_url)[0],
            "LOOKALIKE_ELASTICSEARCH_SECRET_ARN": self.resources.secret_arn or "",
            "POWERTOOLS_METRICS_NAMESPACE": "lookalike",
            "LOG_LEVEL": "INFO",
        }

    def _poll(self, stack: ExitStack, invoke: invocation.Invoke) -> None:
        """Polls as Lambda does, but without a batching window for products, because backfills send them faster than they are indexed.

        Of uploads and products, one batch is collected while another is worked on.
        """
        triggers = [replace(trigger, concurrency=1 if trigger.queue == "backfill" else 2) for trigger in TRIGGERS]
        triggers = [replace(trigger, window_s=0) if trigger.queue == "products" else trigger for trigger in triggers]
        sources = [stack.enter_context(each) for each in event_sources(self.resources, self.aws_url, invoke, triggers)]
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


def _check(url: str) -> None:
    """Raises `Failure` if there is no Elasticsearch that takes these credentials."""
    address, secret = _split(url)
    try:
        with translate_errors():
            connect(address, json.dumps(secret) if secret else None).info()
    except (LookalikeError, ValueError) as error:
        raise Failure(f"Elasticsearch at {address or url} cannot be used: {error}") from error


def ensure_models(model: str, models: Path, say: export.Say, random_weights: int | None = None) -> str:
    """The network's id, exported; and beside it the network that finds things in pictures, where its package is installed."""
    try:
        export.ensure(U2NETP.id, models, say)
    except export.ExportFailed as error:
        say(f"{error}; searches are of whole pictures then")
    return export.ensure(model, models, say, random_weights)


def main() -> None:
    """The command ``python -m infra.local.system``."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.system", description="The whole system on this machine, until Ctrl-C.")
    parser.add_argument("--model", default=networks.AUTO, help="network (default: the best whose weights can be had)")
    parser.add_argument("--elasticsearch-url", default="", help="a server of your own")
    parser.add_argument("--private-image-origin", action="append", default=[], metavar="HOST:PORT", help="may be fetched though private")
    given = parser.parse_args()
    with ended_by_signals(export.ExportFailed):
        models, ports = BUILD / "models", usual_ports(print, api=SEARCH_PORT)
        reach = {"elasticsearch_url": given.elasticsearch_url, "private_image_origins": given.private_image_origin}
        with LocalSystem(ensure_models(given.model, models, print), models, BUILD / "system", ports=ports, **reach) as system:
            print(system.addresses())
            print("Serving until Ctrl-C.")
            Event().wait()


if __name__ == "__main__":
    main()
