"""S3, SQS and Secrets Manager on this machine: moto's server as a child process. What it holds is in memory and goes with it."""

import functools
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from infra.local import moto_repairs

REGION: Final = "eu-central-1"
ACCOUNT = "123456789012"


class AwsServerFailed(Exception):
    """The server did not start; the message says where its log is."""


class AwsServer:
    """The server; it ends with the process that started it.

    Args:
        log: file to which its log is appended.
        port: 0 for any that is free.
    """

    def __init__(self, log: Path, *, port: int = 0) -> None:
        self._log = log
        self._port = port
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """The endpoint of all services, once it was started."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def environment(self) -> dict[str, str]:
        """What boto3 and the AWS CLI need to speak with it."""
        return client_environment(self.url)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when the server answers.

        Raises:
            AwsServerFailed: it did not start; the message says where its log is.
        """
        with self._log.open("a") as log:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "infra.local.aws", str(self._port)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=Path(__file__).parents[2],
                start_new_session=True,
                env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            )
        assert self._process.stdout  # noqa: S101
        port = self._process.stdout.readline()
        if not port:
            raise AwsServerFailed(f"moto's server did not start; its log is {self._log}")
        self._port = int(port)

    def stop(self) -> None:
        """Ends it; does nothing if it does not run."""
        if self._process:
            self._process.communicate()
            self._process = None


def client_environment(url: str) -> dict[str, str]:
    """What boto3 and the AWS CLI need to speak with a server at this address."""
    return {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}


def session() -> boto3.Session:
    """Clients made from it (with ``endpoint_url``) carry credentials that the local services accept, whatever the environment holds."""
    return boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)  # noqa: S106 - any will do


def main() -> None:
    """The child: serves until its parent closes the pipe, which the kernel does if the parent is killed."""
    moto_repairs.mend()
    app = DomainDispatcherApplication(create_backend_app)
    app.get_backend_for_host = functools.cache(app.get_backend_for_host)  # type: ignore[method-assign]  # else each request lists moto's folder
    server = make_server("127.0.0.1", int(sys.argv[1]), app, threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
