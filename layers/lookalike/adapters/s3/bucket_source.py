"""The pictures of a bucket as a source, listed in the order of their keys."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from lookalike.backfill.model import BucketSpec, Position, SourceDocument, SourcePage
from lookalike.errors import Misconfigured, RequestInvalid, TransientError
from lookalike.keys import DEFAULT_KEYS, KeyPatterns

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_LISTED = 1000
"""The most keys that S3 lists at once."""

MAX_PAGES_COUNTED = 50
"""S3 does not say how many objects there are; of more than so many pages the number is known when they were read."""


class BucketSource:
    """Reads the pictures of buckets; objects with keys of another form are ignored, as they are when S3 sends events of them."""

    def __init__(self, client: "S3Client", keys: KeyPatterns = DEFAULT_KEYS) -> None:
        self._client = client
        self._keys = keys

    def count(self, spec: BucketSpec) -> int | None:
        """The number of pictures; None if there are more than `MAX_PAGES_COUNTED` pages."""
        counted, position = 0, self.slices(spec, 1)[0]
        for _ in range(MAX_PAGES_COUNTED):
            page = self.page(spec, position, MAX_LISTED)
            counted += sum(1 for _ in page.documents)
            if page.next is None:
                return counted
            position = page.next
        return None

    def is_unique(self, spec: BucketSpec) -> bool:
        """Whether each object is read once."""
        return bool(spec)

    def slices(self, spec: BucketSpec, most: int) -> Sequence[Position]:
        """One slice: listing a bucket is much faster than indexing what is listed."""
        return [{"after": ""}] if spec and most else []

    def page(self, spec: BucketSpec, position: Position, size: int) -> SourcePage:
        """The pictures with the next keys."""
        with _translate_errors(spec):
            answer = self._client.list_objects_v2(
                Bucket=spec.bucket, Prefix=spec.prefix, StartAfter=position["after"], MaxKeys=min(size, MAX_LISTED)
            )
        keys = [each["Key"] for each in answer.get("Contents", ())]
        documents = [_document(f"s3://{spec.bucket}/{key}") for key in keys if self._keys.product_of_key(key)]
        return SourcePage(documents, {"after": keys[-1]} if answer.get("IsTruncated") and keys else None)

    def find(self, spec: BucketSpec, keys: Sequence[str]) -> Sequence[SourceDocument]:
        """Objects by their addresses; whether they exist is found out when they are indexed."""
        return [_document(url) for url in keys if url.startswith(f"s3://{spec.bucket}/")]


def _document(url: str) -> SourceDocument:
    return SourceDocument(url, object_url=url)


@contextmanager
def _translate_errors(spec: BucketSpec) -> Iterator[None]:
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
        raise TransientError(f"S3 did not list the bucket: {error}") from error
    except BotoCoreError as error:
        raise TransientError(f"S3 did not list the bucket: {error}") from error
