"""Fetches pictures behind http and https URLs, any of which may be hostile.

`requests-hardened` resolves each name itself, refuses private, loopback and link-local addresses, and connects to the very address
that it checked, at every redirect again.
"""

import socket
import sys
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import cast
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import SSLError
from requests_hardened import Config, Manager
from requests_hardened.ip_filter import InvalidIPAddress
from urllib3.exceptions import HTTPError as TransferError
from urllib3.exceptions import NameResolutionError
from urllib3.response import HTTPResponse

from lookalike.adapters.http import deadline
from lookalike.adapters.http.host_limit import HostLimit
from lookalike.domain import PictureFile
from lookalike.errors import DownloadFailed, LookalikeError, PictureUnreachable, PictureUnusable, RequestInvalid
from lookalike.picture_formats import REGISTERED_MEDIA_TYPES
from lookalike.pictures import MAX_BYTES

USER_AGENT = "lookalike/1 (similar-picture search)"
CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 10.0
TOTAL_TIMEOUT_S = 20.0
MAX_REDIRECTS = 5
REQUESTS_A_HOST = 16
MAX_URL = 8191

_ACCEPT = ", ".join((*REGISTERED_MEDIA_TYPES, "image/*;q=0.5"))
_TRANSIENT_STATUS = frozenset({408, 425, 429, *range(500, 600)})
_MAX_RETRY_AFTER_S = 300
_CHUNK_BYTES = 1 << 16
_WHITESPACE = "".join(map(chr, range(33)))
"""What a browser strips from an address: https://url.spec.whatwg.org/#concept-basic-url-parser."""


class HttpFetcher:
    """Fetches pictures by their URL; one for all threads.

    Args:
        private_origins: ``host:port`` pairs that may be fetched from although their address is private.
        total_timeout_s: from the first byte sent to the last received, redirects included.
    """

    def __init__(self, private_origins: frozenset[str] = frozenset(), *, total_timeout_s: float = TOTAL_TIMEOUT_S) -> None:
        self._total_timeout_s = total_timeout_s
        self._session = _session(private_origins)
        self._limit = HostLimit(REQUESTS_A_HOST)

    def fetch(self, url: str, unless: str | None = None) -> PictureFile:
        """The bytes behind a URL.

        Args:
            url: where they are.
            unless: the etag of an earlier fetch; if the picture is still the same, its bytes are not sent.

        Raises:
            RequestInvalid: this is no http or https URL.
            PictureUnreachable: the remote refuses for good, or the address may not be fetched from.
            PictureUnusable: the body is larger than `lookalike.pictures.MAX_BYTES`.
            DownloadFailed: a transient error.
        """
        url = url.strip(_WHITESPACE)
        _check_url(url)
        try:
            with (
                self._limit.of(urlsplit(url).netloc.lower(), self._total_timeout_s),
                deadline.within(self._total_timeout_s),
                self._answer(url, _condition(unless)) as response,
            ):
                if unless and response.status_code == HTTPStatus.NOT_MODIFIED:
                    return PictureFile(b"", etag=unless, is_unmodified=True)
                _check_status(response)
                return PictureFile(b"".join(_body(response)), etag=response.headers.get("ETag") or response.headers.get("Last-Modified"))
        except (requests.RequestException, TransferError, OSError, ValueError) as error:
            raise _error_of(error) from error

    def _answer(self, url: str, condition: Mapping[str, str]) -> requests.Response:
        """The answer after all redirects. They are followed here, because a session would read each one's body, however long."""
        for _ in range(MAX_REDIRECTS + 1):
            _check_url(url)
            request = self._session.prepare_request(requests.Request("GET", url, headers=dict(condition)))
            adapter = self._session.get_adapter(request.url or url)
            response = adapter.send(request, stream=True, timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S))
            target = self._session.get_redirect_target(response)
            if target is None:
                return response
            response.close()
            url = urljoin(response.url, target)
        raise PictureUnreachable(f"the URL redirects more than {MAX_REDIRECTS} times")


def _check_url(url: str) -> None:
    try:
        scheme = urlsplit(url).scheme.lower()
    except ValueError:
        scheme = ""
    if len(url) > MAX_URL or scheme not in ("http", "https"):
        raise RequestInvalid("an image URL begins with http:// or https:// and has at most 8,191 characters", field="image_url")


def _session(private_origins: frozenset[str]) -> requests.Session:
    hardened = Config(
        ip_filter_enable=True,
        ip_filter_allow_loopback_ips=False,
        never_redirect=True,
        default_timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
        user_agent_override=USER_AGENT,
    )
    session = cast(requests.Session, Manager(hardened).get_session())
    session.trust_env = False  # no proxy and no .netrc password for hosts that anybody names
    session.headers.update({"Accept": _ACCEPT, "Accept-Encoding": "identity"})
    for origin in private_origins:
        for prefix in _prefixes(origin):
            session.mount(prefix, HTTPAdapter())
    for adapter in session.adapters.values():
        deadline.observe(cast(HTTPAdapter, adapter))
        # As many connections as there are requests: of more requests than connections, each would have to make one of its own.
        cast(HTTPAdapter, adapter).poolmanager.connection_pool_kw["maxsize"] = REQUESTS_A_HOST
    return session


def _prefixes(origin: str) -> Iterator[str]:
    host, _, port = origin.rpartition(":")
    for scheme, default_port in (("http", "80"), ("https", "443")):
        yield f"{scheme}://{origin}/"
        if port == default_port:
            yield f"{scheme}://{host}/"


def _check_status(response: requests.Response) -> None:
    status = response.status_code
    if status in _TRANSIENT_STATUS:
        raise DownloadFailed(f"the picture's server answered {status}", retry_after_s=_retry_after_s(response))
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        raise PictureUnreachable(f"the picture's server answered {status}", status=status)
    declared = response.headers.get("Content-Length", "")
    if (_whole_number(declared) or 0) > MAX_BYTES:
        raise _too_large()


def _body(response: requests.Response) -> Iterator[bytes]:
    """The body as it comes in."""
    raw = cast(HTTPResponse, response.raw)
    received = 0
    while chunk := raw.read1(_CHUNK_BYTES, decode_content=True):
        received += len(chunk)
        if received > MAX_BYTES:
            raise _too_large()
        yield chunk


def _condition(unless: str | None) -> dict[str, str]:
    """The headers by which a picture is asked for only if it changed (RFC 9110, 13.1); an ETag is quoted, a date is not."""
    if unless is None:
        return {}
    return {"If-None-Match" if unless.startswith(('"', 'W/"')) else "If-Modified-Since": unless}


def _too_large() -> PictureUnusable:
    return PictureUnusable(f"the picture is too large: more than {MAX_BYTES:,} bytes")


def _retry_after_s(response: requests.Response) -> int:
    """Seconds, which the header gives as such or as a date (RFC 9110, 10.2.3)."""
    given = response.headers.get("Retry-After", "")
    seconds = _whole_number(given)
    if seconds is not None:
        return min(seconds, _MAX_RETRY_AFTER_S)
    try:
        return min(max(round(parsedate_to_datetime(given).timestamp() - time.time()), 2), _MAX_RETRY_AFTER_S)
    except (ValueError, TypeError, OverflowError):
        return 2


def _whole_number(text: str) -> int | None:
    """The number of ASCII digits, however many a server sends; None for everything else."""
    return min(int(text[:20]), sys.maxsize) if text.isascii() and text.isdigit() else None


def _error_of(error: Exception) -> LookalikeError:
    """Our error for one that a library raised."""
    if isinstance(error, InvalidIPAddress):
        return PictureUnreachable("the URL leads to a private address, which is not fetched from")
    if isinstance(error, ValueError):  # what `requests` raises for a bad URL is one too
        return RequestInvalid(f"this is not a URL that can be fetched: {error}", field="image_url")
    if isinstance(error, SSLError):
        return PictureUnreachable("the picture's server has no valid certificate")
    if _unknown_host(error):
        return PictureUnreachable("there is no host of this name")
    return DownloadFailed(f"the picture's server did not answer: {type(error).__name__}")


def _unknown_host(error: BaseException | None) -> bool:
    seen = 0
    while error is not None and seen < 10:
        if isinstance(error, socket.gaierror):
            return error.errno != socket.EAI_AGAIN
        reason = getattr(error.args[0], "reason", None) if error.args else None
        if isinstance(reason, NameResolutionError):
            error = reason
        error, seen = error.__cause__ or error.__context__, seen + 1
    return False
