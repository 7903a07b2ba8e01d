"""What the system as processes (`infra.local.system`) and the system in containers (`infra.sam.system`) share."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Self

from infra.local import aws
from infra.local.aws import Resources
from infra.local.loopback import free_port
from layers.models.export import Say


def usual_ports(say: Say, **wanted: int) -> dict[str, int]:
    """The ports given, and those that the Lambda API and AWS usually have; in place of those that are in use others, which is said."""
    found = {}
    for part, port in {"lambda_api": 3001, "aws": 5000, **wanted}.items():
        found[part] = free_port(port)
        if found[part] != port:
            say(f"Port {port} is in use; {part} takes {found[part]}")
    return found


@dataclass(kw_only=True, eq=False)
class RunningSystem(ABC):
    """A system that runs until its ``with`` block ends; all its parts are stopped then, also if it fails to start.

    Args:
        alias: alias of the index.
        ports: where ``api``, ``lambda_api``, ``aws`` and, in containers, ``elasticsearch`` listen; where nothing else does, if not given.
        visibility_timeout_s: seconds after which a failed message is redelivered.
        max_receive_count: how often a message may be received.
        first_retry_delay_s: seconds until a product or message with a transient error is tried again; twice as many each time.
        say: told what happens.
    """

    alias: str = "lookalike"
    ports: Mapping[str, int] = field(default_factory=dict)
    visibility_timeout_s: int = 30
    first_retry_delay_s: int = 10
    max_receive_count: int = 5
    say: Say = print

    search_url: str = field(init=False)
    lambda_url: str = field(init=False)
    aws_url: str = field(init=False)
    elasticsearch_url: str = field(init=False)
    resources: Resources = field(init=False)
    server: Any = field(init=False, default=None)
    """Elasticsearch, which can be stopped and started; None if it is somebody else's."""

    _stack: ExitStack = field(init=False, default_factory=ExitStack)

    @abstractmethod
    def _start(self, stack: ExitStack) -> None:
        """Starts the parts and sets the attributes above; the stack ends the parts."""

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _create_resources(self, secret: Mapping[str, str] | None = None) -> None:
        self.resources = aws.create_resources(
            self.aws_url, visibility_timeout_s=self.visibility_timeout_s, max_receive_count=self.max_receive_count, secret=secret
        )

    def _settings(self, private_image_origins: Iterable[str]) -> dict[str, str]:
        """Variables that template.yaml gives to the functions."""
        return {
            "LOOKALIKE_ALIAS": self.alias,
            "LOOKALIKE_FIRST_RETRY_DELAY_S": str(self.first_retry_delay_s),
            "LOOKALIKE_BUCKET": self.bucket,
            "LOOKALIKE_PRIVATE_IMAGE_ORIGINS": ",".join(private_image_origins),
            "LOOKALIKE_UPLOADS_QUEUE_URL": self.resources.uploads.url,
            "LOOKALIKE_PRODUCTS_QUEUE_URL": self.resources.products.url,
            "LOOKALIKE_BACKFILL_QUEUE_URL": self.resources.backfill.url,
        }

    @property
    def bucket(self) -> str:
        """The bucket of pictures."""
        return self.resources.bucket

    @property
    def aws_environment(self) -> dict[str, str]:
        """What boto3 and the AWS CLI need to speak with S3, SQS and Secrets Manager."""
        return aws.client_environment(self.aws_url)

    @property
    def client_environment(self) -> dict[str, str]:
        """What curl, boto3 and the AWS CLI need to use this system as they would the deployed one."""
        own = {"SEARCH_URL": self.search_url, "AWS_ENDPOINT_URL_LAMBDA": self.lambda_url, "BUCKET": self.bucket}
        return own | self.aws_environment

    def addresses(self, **examples: str) -> str:
        """The addresses of its parts, and lines that set the variables of the README's examples, those of ``examples`` among them."""
        exports = "\n".join(f"  export {name}={value}" for name, value in {**self.client_environment, **examples}.items())
        return f"""
Open {self.search_url}/ in a browser: the gallery

  search         {self.search_url}/search
  Lambda API     {self.lambda_url}
  S3 and SQS     {self.aws_url} (bucket {self.bucket})
  Elasticsearch  {self.elasticsearch_url} (alias {self.alias})

Paste these lines into another terminal to run the README's examples:
{exports}
"""
