"""What a fault of a download means: the caller's, the picture's, or one that passes."""

import socket
import ssl
from collections.abc import Iterator
from http.client import HTTPException, LineTooLong

import requests
from requests_hardened.ip_filter import InvalidIPAddress
from urllib3.util.ssl_match_hostname import CertificateError

from lookalike.errors import DownloadFailed, LookalikeError, PictureUnreachable, RequestInvalid

NO_PUBLIC_HOST = "there is no public host of this name: nobody has it, or its address is private and is not fetched from"
"""One answer to both, so that nobody can find out which private names there are."""

BAD_URL = "this is not a URL that can be fetched: its host or port is not valid"

_NO_ISSUER = frozenset({20, 21})
"""OpenSSL's codes for a certificate whose issuer was not sent and is not known."""


def error_of(error: Exception) -> LookalikeError:
    """Our error for one that a library raised."""
    causes = list(_causes(error))
    if any(isinstance(cause, InvalidIPAddress | socket.gaierror) for cause in causes):
        is_busy = any(isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_AGAIN for cause in causes)
        return DownloadFailed("the name of the picture's server cannot be resolved now") if is_busy else PictureUnreachable(NO_PUBLIC_HOST)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError | CertificateError):
            return PictureUnreachable(f"the picture's server has no valid certificate: {_refusal(cause)}")
        if type(cause) in (HTTPException, LineTooLong):
            return PictureUnreachable(f"the answer of the picture's server has too many headers, or too long ones: {cause}")
    if isinstance(error, ValueError) and not isinstance(error, requests.exceptions.InvalidHeader):  # so are `requests`' errors of bad URLs
        return RequestInvalid(BAD_URL, field="image_url")
    return DownloadFailed(f"the picture's server did not answer: {type(error).__name__}")


def _refusal(error: ssl.SSLCertVerificationError | CertificateError) -> str:
    if isinstance(error, CertificateError):
        return "it is another host's"
    if error.verify_code in _NO_ISSUER:
        return "the server does not send its intermediate certificate, or its authority is unknown"
    return str(error.verify_message)


def _causes(error: BaseException | None, most: int = 20) -> Iterator[BaseException]:
    """An error and those that led to it, however a library has wrapped them."""
    left = [error]
    while left and most:
        found = left.pop(0)
        if isinstance(found, BaseException):
            yield found
            left += [*found.args[:1], getattr(found, "reason", None), found.__cause__, found.__context__]
            most -= 1
