"""One secured server for all tests of this folder, and the four functions on it, each with the key of its role alone."""

import json
import runpy
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from infra.demo.image_server import ImageServer
from infra.local.aws import TRIGGERS, AwsServer, Resources, create_resources, session
from infra.local.event_source import event_sources
from infra.local.gateway import Gateway
from infra.local.invocation import Invoke, Json, command
from infra.local.runtime import Context
from layers.models import export
from tests.fakes.index import picture
from tests.integration.processes import wait_for
from tests.integration.secured.server import SecuredServer, secured_server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

MODEL = "efficientnet_lite0"
ROLE_OF = {"on-upload": "workers", "index-products": "workers", "backfill": "backfill", "search": "search"}
"""The role of each function, by the function's name."""


@dataclass(frozen=True)
class Deployment:
    """The running functions, and what a shop reaches them by."""

    resources: Resources
    images: ImageServer
    s3: "S3Client"
    sqs: "SQSClient"
    search_url: str
    invoke: Invoke

    def command(self, action: str, **more: Any) -> Json:
        """Has the backfill function carry out a command; raises if it is refused."""
        return command(self.invoke, {"action": action, **more})

    def get(self, path: str) -> requests.Response:
        """Asks the search function."""
        return requests.get(f"{self.search_url}{path}", timeout=60)

    def finished(self, backfill_id: str) -> Json:
        """Waits until a backfill has finished; answers with its status."""
        wait_for(lambda: self.command("status", backfill_id=backfill_id)["state"] == "finished")
        return self.command("status", backfill_id=backfill_id)


@pytest.fixture(scope="session")
def secured() -> Iterator[SecuredServer]:
    with secured_server() as server:
        yield server


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pictures that are all different, and a file that is none."""
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(6):
        (folder / f"{number}.png").write_bytes(picture(number, (64, 64)))
    (folder / "text.jpg").write_text("this is no picture")
    return {path.name: path for path in folder.iterdir()}


@pytest.fixture(scope="module")
def deployment(
    secured: SecuredServer, pictures: dict[str, Path], aws: AwsServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    resources = create_resources(aws.url, name="secured", visibility_timeout_s=10)
    s3, sqs = session().client("s3", endpoint_url=aws.url), session().client("sqs", endpoint_url=aws.url)
    with ExitStack() as stack:
        images = stack.enter_context(ImageServer(pictures))
        environment = stack.enter_context(pytest.MonkeyPatch.context())
        common = {
            **aws.environment,
            "LOOKALIKE_MODEL": MODEL,
            "LOOKALIKE_MODELS": str(_models(tmp_path_factory.mktemp("models"))),
            "LOOKALIKE_ELASTICSEARCH_URL": secured.url,
            "LOOKALIKE_ELASTICSEARCH_CA": secured.ca,
            "LOOKALIKE_BUCKET": resources.bucket,
            "LOOKALIKE_FIRST_RETRY_DELAY_S": "0",
            "LOOKALIKE_PRIVATE_IMAGE_ORIGINS": images.origin,
            "LOOKALIKE_PRODUCTS_QUEUE_URL": resources.products.url,
            "LOOKALIKE_BACKFILL_QUEUE_URL": resources.backfill.url,
            "LOOKALIKE_UPLOADS_QUEUE_URL": resources.uploads.url,
            "POWERTOOLS_SERVICE_NAME": "secured",
        }
        for name, value in common.items():
            environment.setenv(name, value)
        invoke = _invoke(_handlers(environment, _secrets(aws, secured)))
        gateway = stack.enter_context(Gateway(invoke, "lookalike-search"))
        for source in event_sources(resources, aws.url, invoke, TRIGGERS):
            stack.enter_context(source)
        yield Deployment(resources, images, s3, sqs, gateway.url, invoke)


def _models(folder: Path) -> Path:
    """A folder with one network."""
    shutil.copytree(Path("build/models") / export.ensure(MODEL, Path("build/models"), print), folder / MODEL)
    return folder


def _secrets(aws: AwsServer, secured: SecuredServer) -> dict[str, str]:
    """The ARN of each role's secret."""
    secrets = session().client("secretsmanager", endpoint_url=aws.url)
    return {role: secrets.create_secret(Name=f"secured-{role}", SecretString=secured.key(role))["ARN"] for role in set(ROLE_OF.values())}


def _handlers(environment: pytest.MonkeyPatch, arns: Mapping[str, str]) -> dict[str, Callable[..., Any]]:
    """What each function's entry module builds, with the secret of its role."""
    handlers = {}
    for function, role in ROLE_OF.items():
        environment.setenv("LOOKALIKE_ELASTICSEARCH_SECRET_ARN", arns[role])
        package = f"functions.{function.replace('-', '_')}"
        environment.setattr(import_module(f"{package}.app").metrics, "namespace", "lookalike")  # read from the environment once a process
        handlers[f"lookalike-{function}"] = runpy.run_module(f"{package}.entry")["handler"]
    return handlers


def _invoke(handlers: Mapping[str, Callable[..., Any]]) -> Invoke:
    def invoke(name: str, event: Mapping[str, Any]) -> Any:
        context = Context("id", time.time() + (29 if name.endswith("search") else 120), name, "3008", "arn")
        return json.loads(json.dumps(handlers[name](json.loads(json.dumps(event)), context)))

    return invoke
