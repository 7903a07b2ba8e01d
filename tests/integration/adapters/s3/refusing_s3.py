"""An S3 that answers every request with one error, in the words that S3 has for it; moto knows no permissions."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.config import Config

from infra.local.aws import session
from tests.integration.scripted_server import ScriptedServer, answer

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@contextmanager
def refusing_s3(status: str, code: str, message: str = "") -> Iterator["S3Client"]:
    """A client of it, which asks once."""
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message or code}</Message></Error>'.encode()
    with ScriptedServer(defaultdict(lambda: answer(status, body, Content_Type="application/xml"))) as server:
        config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
        yield session().client("s3", endpoint_url=f"http://{server.origin}", config=config)
