"""The pictures of a bucket as a source, listed in the order of their keys."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from lookalike.backfills import BucketSpec, Page, Position, Row
from lookalike.errors import Misconfigured, RequestInvalid, Unavailable
from lookalike.indexing import product_of_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_LISTED = 1000
"""The most keys that S3 lists at once."""

MAX_PAGES_COUNTED = 50
"""S3 does not say how many objects there are; of more than so many pages the number is known when they were read."""


class S3Objects:
    """Objects whose key is of another form than a picture's are passed over, as those are of which S3 sends events."""

    def __init__(self, client: "S3Client") -> None:
        self._client = client

    def count(self, spec: BucketSpec) -> int | None:
        """How many pictures; None if they are many."""
        counted, position = 0, self.slices(spec, 1)[0]
        for _ in range(MAX_PAGES_COUNTED):
            page = self.page(spec, position, MAX_LISTED)
            counted += len(page.rows)
            if page.next is None:
                return counted
            position = page.next
        return None

    def is_unique(self, spec: BucketSpec) -> bool:
        """Whether each object is read once."""
        return bool(spec)

    def slices(self, spec: BucketSpec, most: int) -> Sequence[Position]:
        """One: a listing is much faster than what is done with it."""
        return [{"after": ""}] if spec and most else []

    def page(self, spec: BucketSpec, position: Position, size: int) -> Page:
        """The pictures after a key."""
        with _explained(spec):
            answer = self._client.list_objects_v2(
                Bucket=spec.bucket, Prefix=spec.prefix, StartAfter=position["after"], MaxKeys=min(size, MAX_LISTED)
            )
        keys = [each["Key"] for each in answer.get("Contents", ())]
        rows = [_row(f"s3://{spec.bucket}/{key}") for key in keys if product_of_key(key)]
        return Page(rows, {"after": keys[-1]} if answer.get("IsTruncated") and keys else None)

    def find(self, spec: BucketSpec, keys: Sequence[str]) -> Sequence[Row]:
        """Objects by their addresses; whether they are there, whoever indexes them looks."""
        return [_row(url) for url in keys if url.startswith(f"s3://{spec.bucket}/")]


def _row(url: str) -> Row:
    return Row(url, object_url=url)


@contextmanager
def _explained(spec: BucketSpec) -> Iterator[None]:
    try:
        yield
    except ParamValidationError as error:
        raise RequestInvalid(f"S3 knows no such bucket: {error}", field="source.bucket") from error
    except ClientError as error:
        described: Any = error.response.get("Error", {})
        if described.get("Code") == "NoSuchBucket":
            raise RequestInvalid(f"there is no bucket {spec.bucket!r}", field="source.bucket") from error
        if described.get("Code") in ("AccessDenied", "AllAccessDisabled"):
            raise Misconfigured(f"the bucket {spec.bucket!r} may not be listed: the role needs s3:ListBucket") from error
        raise Unavailable(f"S3 did not list the bucket: {error}") from error
    except BotoCoreError as error:
        raise Unavailable(f"S3 did not list the bucket: {error}") from error
