"""The errors, sorted by who has to act.

::

    LookalikeError
    ├── RequestRefused          the caller has to change the request
    │   ├── RequestInvalid        400  unknown field, two pictures, bad filter
    │   ├── ApiKeyRefused         403  no API key, or an unknown one
    │   ├── NotFound              404  no such product, picture, backfill or route
    │   ├── MethodRefused         405  the route has other methods
    │   └── BodyTooLarge          413  above the gateway's limit
    ├── PictureRefused          the picture has to be replaced
    │   ├── PictureUnusable       422  not a picture, too large, truncated
    │   └── PictureUnreachable    422  404, 410, unknown host, blocked address
    ├── TransientError          it will pass; try again later
    │   ├── DownloadFailed        503  timeout, 429 or 5xx from the picture's server
    │   ├── IndexUnavailable      503  the index is busy, starting, not reachable
    │   ├── OutOfTime             503  not started: too little of the function's time is left
    │   ├── TriedTooOften         503  the message is in the dead-letter queue
    │   └── IndexMissing          503  nothing was indexed yet
    └── Misconfigured           500  settings, roles or models have to be corrected

An HTTP answer has the error's ``http_status`` and ``code``; a queue function acts on its ``ending``. Nothing else decides that.
"""

from typing import ClassVar, Literal

Ending = Literal["drop", "retry", "fail"]
"""What a queue function does: record the error and drop the item, try the item again, or fail the whole batch."""


class LookalikeError(Exception):
    """Base of all errors that this package raises on purpose. ``str(error)`` says what is wrong and what to change.

    Args:
        message: that sentence.
        field: the field of the request that is wrong, if it is one.
    """

    http_status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    ending: ClassVar[Ending] = "fail"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class RequestRefused(LookalikeError):
    """The request is wrong; the same one will always be refused."""

    ending = "drop"


class RequestInvalid(RequestRefused):
    """A field is unknown, missing, invalid, or contradicts another."""

    http_status, code = 400, "request_invalid"


class ApiKeyRefused(RequestRefused):
    """The API key is missing or unknown."""

    http_status, code = 403, "api_key_refused"


class NotFound(RequestRefused):
    """What the request names does not exist."""

    http_status, code = 404, "not_found"


class MethodRefused(RequestRefused):
    """The route exists, but not with this method."""

    http_status, code = 405, "method_refused"


class BodyTooLarge(RequestRefused):
    """The body is larger than API Gateway can pass to a function."""

    http_status, code = 413, "body_too_large"


class PictureRefused(LookalikeError):
    """This picture cannot be embedded; others can."""

    http_status, ending = 422, "drop"


class PictureUnusable(PictureRefused):
    """The bytes are not a picture of an accepted format and size."""

    code = "picture_unusable"


class PictureUnreachable(PictureRefused):
    """The picture cannot be fetched: its server refuses it, or its address is blocked.

    Args:
        status: the HTTP status of the server's answer, None if there was none.
    """

    code = "picture_unreachable"

    def __init__(self, message: str, *, status: int | None = None, field: str | None = None) -> None:
        super().__init__(message, field=field)
        self.status = status


class TransientError(LookalikeError):
    """A fault that passes by itself, such as a timeout or a busy server.

    Args:
        retry_after_s: seconds after which to try again.
    """

    http_status, code, ending = 503, "unavailable", "retry"

    def __init__(self, message: str, *, retry_after_s: int = 2, field: str | None = None) -> None:
        super().__init__(message, field=field)
        self.retry_after_s = retry_after_s


class DownloadFailed(TransientError):
    """The picture's server did not answer, or asked to try again later (429, 5xx)."""

    code = "download_failed"


class IndexUnavailable(TransientError):
    """Elasticsearch cannot be reached, or is too busy to answer."""

    code = "index_away"


class OutOfTime(TransientError):
    """The function had too little time left to start this item: another invocation can do it at once, and no attempt is counted."""

    code = "out_of_time"


class TriedTooOften(TransientError):
    """The item's message was received as often as its queue allows, and is a dead letter now."""

    code = "dead_letter"


class IndexMissing(TransientError):
    """There is no index behind the alias yet: it appears with the first picture."""

    code = "index_missing"


class Misconfigured(LookalikeError):
    """A wrong setting, role or model: the caller gets an incident id, the log says what to correct."""

    http_status, code, ending = 500, "misconfigured", "fail"


def is_transient(code: str) -> bool:
    """Whether an error code is that of a `TransientError`."""
    return code in _TRANSIENT_CODES


_TRANSIENT_CODES = frozenset(
    kind.code for kind in (TransientError, DownloadFailed, IndexUnavailable, OutOfTime, TriedTooOften, IndexMissing)
)
