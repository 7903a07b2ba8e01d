"""The one way to a client of Elasticsearch, and what its errors mean."""

import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from elastic_transport import ConnectionError as NoConnection
from elastic_transport import ConnectionTimeout, TransportError
from elasticsearch import ApiError, BadRequestError, Elasticsearch, NotFoundError

from lookalike.errors import IndexAway, IndexMissing, LookalikeError, Misconfigured

TIMEOUT_S = 10.0
RETRIES = 2

BUSY = frozenset({408, 429, 502, 503, 504})
"""HTTP statuses of a server that will answer later."""


def connect(url: str, secret: str | None = None, ca: str | None = None) -> Elasticsearch:
    """A client; it connects when it is first used.

    Args:
        url: the server's address, several separated by commas.
        secret: JSON with ``api_key``, or with ``username`` and ``password``.
        ca: PEM text of the certificate authority.

    Raises:
        Misconfigured: the secret is of another shape.
    """
    options: dict[str, Any] = credentials(secret) if secret else {}
    if ca:
        options["ssl_context"] = ssl.create_default_context(cadata=ca)
    return Elasticsearch(
        [each.strip() for each in url.split(",")],
        request_timeout=TIMEOUT_S,
        max_retries=RETRIES,
        retry_on_timeout=True,
        retry_on_status=sorted(BUSY),
        **options,
    )


@contextmanager
def explained(index: str = "") -> Iterator[None]:
    """Raises our errors for the client's.

    Raises:
        IndexAway: no connection, no time, or too much to do there.
        IndexMissing: there is no such index.
        Misconfigured: we may not do this, or the server is of another age.
    """
    try:
        yield
    except ConnectionTimeout as error:
        raise IndexAway("Elasticsearch did not answer in time") from error
    except (NoConnection, TransportError) as error:
        raise IndexAway("Elasticsearch cannot be reached") from error
    except NotFoundError as error:
        raise IndexMissing(f"there is no index {index!r} in Elasticsearch: it appears with the first picture") from error
    except ApiError as error:
        raise of_status(error.status_code, str(error)) from error


def make_index(client: Elasticsearch, name: str, body: Mapping[str, Any]) -> None:
    """Makes an index if it is not there yet; another process may be quicker."""
    with explained(name):
        if client.indices.exists(index=name):
            return
        try:
            client.indices.create(index=name, **body)
        except BadRequestError as error:
            if error.error != "resource_already_exists_exception":
                raise


def of_status(status: int, message: str) -> LookalikeError:
    """The error that an HTTP status of Elasticsearch stands for."""
    if status in BUSY:
        return IndexAway(f"Elasticsearch is busy: {message}", retry_after_s=5)
    if status in (401, 403):
        return Misconfigured(f"Elasticsearch refuses our credentials: {message}")
    return Misconfigured(f"Elasticsearch refuses the request: {message}")


def credentials(secret: str) -> dict[str, Any]:
    """The client's options for the credentials in a secret.

    Raises:
        Misconfigured: the secret is of another shape.
    """
    try:
        given = json.loads(secret)
        if "api_key" in given:
            return {"api_key": given["api_key"]}
        return {"basic_auth": (given["username"], given["password"])}
    except (ValueError, KeyError, TypeError) as error:
        raise Misconfigured('the Elasticsearch secret must be JSON: {"api_key": …} or {"username": …, "password": …}') from error
