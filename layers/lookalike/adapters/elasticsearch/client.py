"""The Elasticsearch client, what its errors mean, and the definitions of the system's indices."""

import base64
import json
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from importlib import resources
from typing import Any

from elastic_transport import ObjectApiResponse, TlsError, Transport, TransportApiResponse, Urllib3HttpNode
from elasticsearch import ApiError, BadRequestError, ConnectionTimeout, Elasticsearch, NotFoundError, TransportError
from elasticsearch import ConnectionError as NoConnection
from elasticsearch.helpers import streaming_bulk

from lookalike.errors import IndexMissing, IndexUnavailable, LookalikeError, Misconfigured

TIMEOUT_S = 10.0
RETRIES = 2
BULK_RETRIES = 3

STARTING_S = (0.2, 0.5, 1.0, 2.0)
"""Pauses between the tries to read an index that was just created, until its shards have started."""

STARTING = frozenset({"no_shard_available_action_exception", "search_phase_execution_exception"})
"""Elasticsearch's errors of `mget` and of a search while no shard has started."""

BUSY = frozenset({408, 429, 502, 503, 504})
"""HTTP statuses that are worth a retry."""


def connect(
    url: str,
    secret: str | None = None,
    ca: str | None = None,
    new_secret: Callable[[], str] | None = None,
    request_id: Callable[[], str | None] = lambda: None,
) -> Elasticsearch:
    """Makes a client; it connects when it is first used.

    Args:
        url: the server's address, several separated by commas.
        secret: JSON with ``api_key``, or with ``username`` and ``password``.
        ca: PEM text of the certificate authority.
        new_secret: reads the secret again when the server answers 401, once for each request, so that it can be rotated.
        request_id: returns the id of the current request, for Elasticsearch's slow and audit logs (``X-Opaque-Id``).

    Raises `Misconfigured`: the secret is malformed, the authority is no PEM text, or it is given for an address that is not https.
    """
    options: dict[str, Any] = credentials(secret) if secret else {}
    if ca and "http://" in url:
        raise Misconfigured("LOOKALIKE_ELASTICSEARCH_URL begins with http://, and LOOKALIKE_ELASTICSEARCH_CA is for https:// only")
    if ca:
        options["ssl_context"] = trusting(ca)
    options["transport_class"] = partial(_RotatingTransport, new_secret=new_secret if secret else None, request_id=request_id)
    return Elasticsearch(
        [each.strip() for each in url.split(",")],
        node_class=_CheckedNode,
        request_timeout=TIMEOUT_S,
        max_retries=RETRIES,
        retry_on_timeout=True,
        retry_on_status=sorted(BUSY),
        **options,
    )


def trusting(ca: str, setting: str = "LOOKALIKE_ELASTICSEARCH_CA") -> ssl.SSLContext:
    """A TLS context that trusts a certificate authority in PEM text. Raises `Misconfigured`, naming the setting, if it is invalid."""
    try:
        return ssl.create_default_context(cadata=ca)
    except (ssl.SSLError, ValueError, TypeError) as error:
        raise Misconfigured(
            f"{setting} is no certificate in PEM form: one begins with -----BEGIN CERTIFICATE----- and has several lines"
        ) from error


class _CheckedNode(Urllib3HttpNode):
    """Refuses answers that were cut off within the headers: the client would take them for empty successes."""

    def perform_request(self, method: str, *args: Any, **options: Any) -> Any:
        answer = super().perform_request(method, *args, **options)
        if method != "HEAD" and answer.meta.status == HTTPStatus.OK and not answer.body:
            raise NoConnection("the answer was cut off")
        return answer


class _RotatingTransport(Transport):
    """Sends the request id, and repeats requests that are answered 401 with the rotated secret's credentials."""

    def __init__(self, *args: Any, new_secret: Callable[[], str] | None, request_id: Callable[[], str | None], **options: Any) -> None:
        super().__init__(*args, **options)
        self._new_secret = new_secret
        self._request_id = request_id
        self._rotated: dict[str, str] = {}

    def perform_request(self, method: str, target: str, *, headers: Any = None, **options: Any) -> TransportApiResponse:
        request_id = self._request_id()
        headers = {**(headers or {}), **({"x-opaque-id": request_id} if request_id else {})}
        answer = super().perform_request(method, target, headers={**headers, **self._rotated}, **options)
        if answer.meta.status == HTTPStatus.UNAUTHORIZED and self._new_secret is not None:
            self._rotated = {"authorization": authorization(self._new_secret())}
            answer = super().perform_request(method, target, headers={**headers, **self._rotated}, **options)
        if method != "HEAD" and answer.meta.status == HTTPStatus.OK and not isinstance(answer.body, dict):
            raise NoConnection("the answer is not Elasticsearch's")  # a proxy in front of it sent it
        return answer


@contextmanager
def translate_errors(index: str = "") -> Iterator[None]:
    """Raises a `LookalikeError` in place of the client's errors.

    Raises:
        IndexUnavailable: no connection, a timeout, or an overloaded server.
        IndexMissing: there is no such index.
        Misconfigured: the credentials or the request are refused, or the server is too old.
    """
    try:
        yield
    except TlsError as error:
        raise Misconfigured(
            f"Elasticsearch's certificate is refused: check LOOKALIKE_ELASTICSEARCH_CA, and LOOKALIKE_ELASTICSEARCH_URL's scheme: {error}"
        ) from error
    except ConnectionTimeout as error:
        raise IndexUnavailable("Elasticsearch did not answer in time") from error
    except (NoConnection, TransportError) as error:
        raise IndexUnavailable("Elasticsearch cannot be reached: if it runs, check LOOKALIKE_ELASTICSEARCH_URL, its scheme too") from error
    except NotFoundError as error:
        raise IndexMissing(f"there is no index {index!r} in Elasticsearch: it appears with the first picture") from error
    except ApiError as error:
        raise of_status(error.status_code, str(error)) from error


def definition(name: str) -> dict[str, Any]:
    """Settings and mappings of one of lookalike's indices, from ``mappings/NAME.json``."""
    body: dict[str, Any] = json.loads(resources.files(__package__).joinpath("mappings", f"{name}.json").read_text())
    return body


def ensure_index(client: Elasticsearch, name: str, body: Mapping[str, Any]) -> None:
    """Creates an index unless it exists, also if another process creates it at the same time."""
    with translate_errors(name):
        if client.indices.exists(index=name):
            return
        try:
            client.indices.create(index=name, **body)
        except BadRequestError as error:
            if error.error != "resource_already_exists_exception":
                raise


def documents(client: Elasticsearch, index: str, ids: Sequence[str], fields: Sequence[str] | None = None) -> dict[str, Mapping[str, Any]]:
    """The documents that exist, by id, read in real time; ``fields`` are those of their sources, by default all.

    Raises `IndexMissing` if there is no such index, and as `translate_errors` and `once_started` do.
    """
    if not ids:
        return {}
    with translate_errors(index):
        found = once_started(lambda: client.mget(index=index, ids=ids, source_includes=fields))["docs"]
    for fault in (document["error"] for document in found if "error" in document):
        error = IndexMissing if fault["type"] == "index_not_found_exception" else IndexUnavailable
        raise error(f"the documents of {index!r} cannot be read: {fault.get('reason')}")
    return {document["_id"]: document for document in found if document.get("found")}


def once_started(ask: Callable[[], ObjectApiResponse[Any]]) -> ObjectApiResponse[Any]:
    """The answer to a search or an `mget`, repeated for up to 3.7 s while the shards of an index that was just created have not started."""
    for pause_s in STARTING_S:
        try:
            answer = ask()
        except ApiError as error:
            if error.status_code != HTTPStatus.SERVICE_UNAVAILABLE or error.error not in STARTING:
                raise
        else:
            if not any(document.get("error", {}).get("type") in STARTING for document in answer.get("docs", ())):
                return answer
        time.sleep(pause_s)
    return ask()


def bulk(client: Elasticsearch, index: str, actions: Iterable[dict[str, Any]], **options: Any) -> dict[str, Mapping[str, Any]]:
    """Carries out bulk actions, at most one for each document; returns Elasticsearch's answer to each, by document id.

    Answers with the status 429 are retried. A failed action has an ``error`` in its answer; deleting a missing document does not fail.
    ``options`` are those of the client's `streaming_bulk`.
    """
    with translate_errors(index):
        results = streaming_bulk(client, actions, index=index, max_retries=BULK_RETRIES, raise_on_error=False, **options)
        answers = [answer for _, result in results for answer in result.values()]
    return {answer["_id"]: answer for answer in answers}


def of_status(status: int, message: str) -> LookalikeError:
    """The `LookalikeError` for an HTTP status and error message of Elasticsearch."""
    if status in BUSY or status >= 500:
        return IndexUnavailable(f"Elasticsearch is busy: {message}", retry_after_s=5)
    if status == HTTPStatus.NOT_FOUND:
        return IndexMissing(f"the index is gone: {message}")
    if status == 403 and "license" in message:
        return Misconfigured(f"Elasticsearch's licence does not cover this: {message}")
    if "media_type_header_exception" in message:
        return Misconfigured("Elasticsearch is too old: 9.3 or later is needed")
    if "cluster_block_exception" in message:
        return IndexUnavailable(f"Elasticsearch blocks the index: remove the block, or free disk space: {message}", retry_after_s=30)
    if "index_closed_exception" in message:
        return IndexUnavailable(f"the index is closed: open it: {message}", retry_after_s=30)
    if status in (401, 403):
        return Misconfigured(f"Elasticsearch refuses our credentials: {message}")
    return Misconfigured(f"Elasticsearch refuses the request: {message}")


def authorization(secret: str) -> str:
    """The Authorization header for the credentials in a secret. Raises `Misconfigured` if the secret is malformed."""
    given = credentials(secret)
    if "api_key" in given:
        return f"ApiKey {given['api_key']}"
    return "Basic " + base64.b64encode(":".join(given["basic_auth"]).encode()).decode()


def credentials(secret: str) -> dict[str, Any]:
    """The client's options for the credentials in a secret, which may be Elasticsearch's answer to the creation of an API key.

    Raises `Misconfigured` if the secret is malformed.
    """
    try:
        given = json.loads(secret)
        if "api_key" in given:
            return {"api_key": given.get("encoded", given["api_key"])}
        return {"basic_auth": (given["username"], given["password"])}
    except (ValueError, KeyError, TypeError) as error:
        raise Misconfigured('the Elasticsearch secret must be JSON: {"api_key": …} or {"username": …, "password": …}') from error
