"""S3, SQS and Secrets Manager on this machine: moto's server as a child process. What it holds is in memory and goes with it."""

import os
import sys
from pathlib import Path
from typing import Final, Self

import boto3
import moto.server

from infra.local import moto_fixes
from infra.local.child_process import ChildProcess
from infra.local.loopback import answers, free_port

READY_WITHIN_S = 60
REGION: Final = "eu-central-1"
ACCOUNT = "123456789012"


class AwsServer:
    """The server; it ends with the process that started it.

    Args:
        log: file to which its log is appended.
        port: 0 for any that is free.
    """

    def __init__(self, log: Path, *, port: int = 0) -> None:
        self._log = log
        self._port = port

    @property
    def url(self) -> str:
        """The endpoint of all services, once it was started."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def environment(self) -> dict[str, str]:
        """What boto3 and the AWS CLI need to speak with it."""
        return client_environment(self.url)

    def __enter__(self) -> Self:
        self._port = free_port(self._port)
        command = [sys.executable, "-m", "infra.local.aws", str(self._port)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self._process = ChildProcess(command, log=self._log, environment=environment, grace_s=5)
        self._process.wait_until(lambda: answers(f"{self.url}/moto-api/"), READY_WITHIN_S, "moto's server")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()


def client_environment(url: str) -> dict[str, str]:
    """What boto3 and the AWS CLI need to speak with a server at this address."""
    return {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}


def session() -> boto3.Session:
    """Clients made from it (with ``endpoint_url``) carry credentials that the local services accept, whatever the environment holds."""
    return boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)  # noqa: S106 - any will do


if __name__ == "__main__":
    moto_fixes.apply()
    moto.server.main(["--port", sys.argv[1]])
