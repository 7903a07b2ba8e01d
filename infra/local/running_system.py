"""What runs on the system knows of it, wherever it runs: as processes of this machine, or as the containers of `sam local`."""

from typing import Protocol

from infra.local.resources import Resources


class Restartable(Protocol):
    """Elasticsearch, which a test takes away for a while."""

    def start(self) -> None:
        """Returns when it answers."""

    def stop(self) -> None:
        """Returns when it is gone."""


class RunningSystem(Protocol):
    """`infra.local.system.LocalSystem` and `infra.local.sam.system.SamSystem` both are one."""

    alias: str
    search_url: str
    lambda_url: str
    aws_url: str
    elasticsearch_url: str
    resources: Resources

    @property
    def server(self) -> Restartable | None:
        """Elasticsearch, if it is not somebody else's."""

    @property
    def bucket(self) -> str:
        """The bucket of pictures."""

    @property
    def client_environment(self) -> dict[str, str]:
        """What curl, boto3 and the AWS CLI need."""
