"""What can go wrong, sorted by who acts next.

::

    LookalikeError
    ├── RequestRefused          the caller changes the request
    │   ├── RequestInvalid        400  unknown field, two pictures, bad filter
    │   ├── ApiKeyRefused         403  no API key, or one that is not known
    │   ├── NotFound              404  no such product, picture, backfill or route
    │   ├── MethodRefused         405  the route knows other methods
    │   └── BodyTooLarge          413  more than the gateway carries
    ├── PictureRefused          somebody mends the picture
    │   ├── PictureUnusable       422  not a picture, too large, truncated
    │   └── PictureUnreachable    422  404, 410, no such host, blocked address
    ├── Unavailable             it passes; try again later
    │   ├── DownloadFailed        503  timeout, 429 or 5xx from where the picture is
    │   ├── IndexAway             503  the index is busy, starting, not reachable
    │   └── IndexMissing          503  nothing was indexed yet
    └── Misconfigured           500  we mend settings, roles or models

An HTTP answer carries ``http_status`` and ``code``; a queue worker looks at ``ending``. Nothing else decides how an error ends.
"""

from typing import ClassVar, Literal

Ending = Literal["drop", "retry", "fail"]
"""What a queue worker does: record the error and drop the record, try the record again, or fail the whole batch."""


class LookalikeError(Exception):
    """Anything this package raises on purpose. ``str(error)`` is a sentence for whoever acts next.

    Args:
        message: what is wrong and what to change.
        field: the part of the request that is meant, for errors about one.
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
    """A field is unknown, missing, contradicts another, or has a value that cannot be used."""

    http_status, code = 400, "request_invalid"


class ApiKeyRefused(RequestRefused):
    """The API key is missing or not known."""

    http_status, code = 403, "api_key_refused"


class NotFound(RequestRefused):
    """What the request names does not exist."""

    http_status, code = 404, "not_found"


class MethodRefused(RequestRefused):
    """The route exists, for other methods."""

    http_status, code = 405, "method_refused"


class BodyTooLarge(RequestRefused):
    """The body is larger than API Gateway carries to a function."""

    http_status, code = 413, "body_too_large"


class PictureRefused(LookalikeError):
    """This picture cannot be embedded; others can."""

    http_status, ending = 422, "drop"


class PictureUnusable(PictureRefused):
    """The bytes are there and are no picture that we accept."""

    code = "picture_unusable"


class PictureUnreachable(PictureRefused):
    """There are no bytes: the remote says so, or we may not go there.

    Args:
        status: the remote's HTTP status, where there was one.
    """

    code = "picture_unreachable"

    def __init__(self, message: str, *, status: int | None = None, field: str | None = None) -> None:
        super().__init__(message, field=field)
        self.status = status


class Unavailable(LookalikeError):
    """Something passes.

    Args:
        retry_after_s: when it is worth while to try again.
    """

    http_status, code, ending = 503, "unavailable", "retry"

    def __init__(self, message: str, *, retry_after_s: int = 2, field: str | None = None) -> None:
        super().__init__(message, field=field)
        self.retry_after_s = retry_after_s


class DownloadFailed(Unavailable):
    """The place where the picture is did not answer, or asked for patience."""

    code = "download_failed"


class IndexAway(Unavailable):
    """The index cannot be reached, or is too busy to answer."""

    code = "index_away"


class IndexMissing(Unavailable):
    """There is no index behind the alias yet: it appears with the first picture."""

    code = "index_missing"


class Misconfigured(LookalikeError):
    """Our own fault: the caller learns an incident id, the log what to mend."""

    http_status, code, ending = 500, "misconfigured", "fail"
