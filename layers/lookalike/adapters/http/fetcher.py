"""Fetches pictures behind http and https URLs, any of which may be hostile.

`requests-hardened` resolves each name itself, refuses private, loopback and link-local addresses, and connects to the very address
that it checked, at every redirect again.
"""

import re
import ssl
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from ipaddress import ip_network
from itertools import product
from threading import BoundedSemaphore, Lock
from typing import cast
from urllib.parse import unquote, urljoin, urlsplit
from weakref import WeakValueDictionary

import requests
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar, extract_cookies_to_jar
from requests_hardened import Config, Manager, ip_filter
from urllib3.exceptions import HTTPError as TransferError
from urllib3.exceptions import ProtocolError

from lookalike.adapters.http import bodies, deadline, host_headers
from lookalike.adapters.http.faults import BAD_URL, error_of
from lookalike.adapters.http.host_headers import HostHeaders
from lookalike.domain import PictureFile, without_credentials
from lookalike.errors import DownloadFailed, Misconfigured, PictureUnreachable, RequestInvalid
from lookalike.pictures.decoding import MAX_BYTES
from lookalike.pictures.formats import REGISTERED_MEDIA_TYPES

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
_WHITESPACE = "".join(map(chr, range(33)))
_FEWER_SLASHES = re.compile(r"^(https?:)/?(?!/)", re.IGNORECASE)

# IPv6 outside 2000::/3 is no public unicast, whatever IPv4 address it stands for; requests-hardened knows some such ranges, not all.
ip_filter.EXTRA_BLOCKED_NET_RANGES += tuple(map(ip_network, ("::/3", "4000::/2", "8000::/1")))


class HttpFetcher:
    """Fetches pictures by their URL; one for all threads.

    Args:
        private_origins: ``host:port`` pairs that may be fetched from although their address is private.
        ca: PEM text of a certificate authority that is trusted besides the public ones.
        headers: returns the headers that some hosts want; asked for every request, so that a secret among them can change.
        total_timeout_s: from the call to the last byte received, the wait for other requests to the host and redirects included.

    Raises `Misconfigured`: the certificate authority is no PEM text.
    """

    def __init__(
        self,
        private_origins: frozenset[str] = frozenset(),
        *,
        ca: str | None = None,
        headers: Callable[[], HostHeaders] = dict,
        total_timeout_s: float = TOTAL_TIMEOUT_S,
    ) -> None:
        self._total_timeout_s = total_timeout_s
        self._session = _session(private_origins, ca)
        self._headers = headers
        self._turns: WeakValueDictionary[str, BoundedSemaphore] = WeakValueDictionary()  # hosts that nobody asks are forgotten
        self._lock = Lock()

    def fetch(self, url: str, unless: str | None = None) -> PictureFile:
        """The bytes behind a URL.

        Args:
            url: where they are.
            unless: the etag of an earlier fetch; if the picture is still the same, its bytes are not sent.

        Raises:
            RequestInvalid: this is no http or https URL.
            PictureUnreachable: the remote refuses for good, or the address may not be fetched from.
            PictureUnusable: the body is larger than `lookalike.pictures.decoding.MAX_BYTES`.
            DownloadFailed: a transient error.
        """
        url = _FEWER_SLASHES.sub(r"\1//", _as_browsers_read(url))
        _check_url(url)
        try:
            with deadline.within(self._total_timeout_s), self._turn(_host(url)), self._answer(url, _condition(unless)) as response:
                if unless and response.status_code == HTTPStatus.NOT_MODIFIED:
                    return PictureFile(b"", etag=unless, is_unmodified=True)
                _check_status(response)
                content = bodies.read(response)
                _check_content(response, content)
                return PictureFile(content, etag=response.headers.get("ETag") or response.headers.get("Last-Modified"))
        except (requests.RequestException, TransferError, OSError, ValueError) as error:
            raise error_of(error) from error

    @contextmanager
    def _turn(self, host: str) -> Iterator[None]:
        """One of `REQUESTS_A_HOST` at once: a shop's pictures come from one server, which serves its customers too."""
        with self._lock:
            turns = self._turns.setdefault(host, BoundedSemaphore(REQUESTS_A_HOST))
        if not turns.acquire(timeout=deadline.left_s()):
            raise TimeoutError(f"{host} was busy with {REQUESTS_A_HOST} other requests for {self._total_timeout_s} s")
        try:
            yield
        finally:
            turns.release()

    def _send(self, request: requests.PreparedRequest) -> requests.Response:
        """Once more where the connection ended before the answer: one that was kept may have, while Lambda held the function still."""
        adapter, timeout = self._session.get_adapter(request.url or ""), (CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
        try:
            return adapter.send(request, stream=True, timeout=timeout)
        except requests.ConnectionError as error:
            if not any(isinstance(cause, ProtocolError) for cause in error.args):
                raise
        return adapter.send(request, stream=True, timeout=timeout)

    def _answer(self, url: str, condition: Mapping[str, str]) -> requests.Response:
        """The answer after all redirects. They are followed here, because a session would read each one's body, however long."""
        cookies, known = RequestsCookieJar(), dict[str, tuple[bytes, bytes] | None]()
        for _ in range(MAX_REDIRECTS + 1):
            _check_url(url)
            origin = urljoin(without_credentials(url), "/")
            known[origin] = _credentials(url) or known.get(origin)
            is_downgraded = origin.startswith("http:") and any(earlier.startswith("https:") for earlier in known)
            given_headers = host_headers.harmless(self._headers()) if is_downgraded else self._headers()
            headers = {**host_headers.of(given_headers, _host(url)), **condition}
            given = requests.Request("GET", without_credentials(url), headers=headers, auth=known[origin], cookies=cookies)
            request = self._session.prepare_request(given)
            response = self._send(request)
            extract_cookies_to_jar(cookies, request, response.raw)  # type: ignore[no-untyped-call]
            target = self._session.get_redirect_target(response)
            if target is None:
                return response
            response.close()
            url = urljoin(response.url, _as_browsers_read(target))
        raise PictureUnreachable(f"the URL redirects more than {MAX_REDIRECTS} times")


def _as_browsers_read(url: str) -> str:
    """An address as https://url.spec.whatwg.org/#concept-basic-url-parser has it.

    White space around it and line ends within it go; before the query backslashes are slashes.
    """
    whole = url.strip(_WHITESPACE).translate(dict.fromkeys(map(ord, "\t\r\n")))
    place, *rest = re.split("([?#])", whole, maxsplit=1)
    return "".join((place.replace("\\", "/"), *rest))


def _check_url(url: str) -> None:
    try:
        scheme = urlsplit(url).scheme.lower()
    except ValueError as error:
        raise RequestInvalid(BAD_URL, field="image_url") from error
    if len(url) > MAX_URL or scheme not in ("http", "https"):
        raise RequestInvalid("an image URL begins with http:// or https:// and has at most 8,191 characters", field="image_url")


def _host(url: str) -> str:
    """``host`` or ``host:port``, in small letters."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def _credentials(url: str) -> tuple[bytes, bytes] | None:
    """Those that a URL has before its host, for basic authentication."""
    user, _, password = urlsplit(url).netloc.rpartition("@")[0].partition(":")
    return (unquote(user).encode(), unquote(password).encode()) if user or password else None


def _session(private_origins: frozenset[str], ca: str | None) -> requests.Session:
    hardened = Config(
        ip_filter_enable=True, ip_filter_allow_loopback_ips=False, never_redirect=True, default_timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
    )
    session = cast(requests.Session, Manager(hardened).get_session())
    session.trust_env = False  # no proxy and no .netrc password for hosts that anybody names
    session.headers.update({"User-Agent": USER_AGENT, "Accept": _ACCEPT, "Accept-Encoding": "identity"})
    tls = {"ssl_context": _trusting(ca)} if ca else {}
    for origin, (scheme, port) in product(private_origins, (("http", ":80"), ("https", ":443"))):
        for place in {origin, origin.removesuffix(port)}:
            session.mount(f"{scheme}://{place}/", HTTPAdapter())
    for adapter in session.adapters.values():
        deadline.observe(cast(HTTPAdapter, adapter))
        # As many connections as there are requests: of more requests than connections, each would have to make one of its own.
        cast(HTTPAdapter, adapter).poolmanager.connection_pool_kw |= {"maxsize": REQUESTS_A_HOST, **tls}
    return session


def _trusting(ca: str) -> ssl.SSLContext:
    """The public authorities are added by `requests`."""
    try:
        return ssl.create_default_context(cadata=ca)
    except (ssl.SSLError, ValueError, TypeError) as error:
        raise Misconfigured(
            "LOOKALIKE_IMAGE_CA is no certificate in PEM form, with its lines from -----BEGIN CERTIFICATE----- on"
        ) from error


def _check_status(response: requests.Response) -> None:
    status = response.status_code
    if status in _TRANSIENT_STATUS:
        raise DownloadFailed(f"the picture's server answered {status}", retry_after_s=_retry_after_s(response))
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        raise PictureUnreachable(f"the picture's server answered {status}", status=status)
    declared = response.headers.get("Content-Length", "")
    if (_whole_number(declared) or 0) > MAX_BYTES:
        raise bodies.too_large()


def _check_content(response: requests.Response, content: bytes) -> None:
    """Checks that there is a picture: 202 says that it is being made, 204 that there is none, and an answer may end within its head."""
    status, is_framed = response.status_code, "Content-Length" in response.headers or "Transfer-Encoding" in response.headers
    said = f"the picture's server answered {status} and sent nothing"
    if not content and (status == HTTPStatus.ACCEPTED or (status == HTTPStatus.OK and not is_framed)):
        raise DownloadFailed(said, retry_after_s=_retry_after_s(response))
    if not content and status != HTTPStatus.OK:
        raise PictureUnreachable(said, status=status)


def _condition(unless: str | None) -> dict[str, str]:
    """The headers by which a picture is asked for only if it changed (RFC 9110, 13.1); an ETag is quoted, a date is not."""
    if unless is None:
        return {}
    return {"If-None-Match" if unless.startswith(('"', 'W/"')) else "If-Modified-Since": unless}


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
