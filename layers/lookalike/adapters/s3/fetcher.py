"""Pictures in S3 buckets, at ``s3://BUCKET/KEY``."""

from collections.abc import Container, Mapping
from contextlib import suppress
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import TYPE_CHECKING
from urllib.parse import quote

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from lookalike.domain import PictureFile, without_credentials
from lookalike.errors import DownloadFailed, LookalikeError, Misconfigured, PictureUnreachable, RequestInvalid
from lookalike.pictures.decoding import MAX_BYTES

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef

_IMPOSSIBLE = frozenset({"InvalidBucketName", "InvalidURI", "KeyTooLongError", "InvalidArgument"})
_ABSENT = frozenset({"NoSuchKey", "404", "NotFound"})
_FORBIDDEN = frozenset({"AccessDenied", "403", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch"})
_BUSY = ("ThrottlingException", "InternalException", "DependencyTimeoutException", "KeyUnavailableException")


class S3Fetcher:
    """Reads objects with the function's role.

    Args:
        client: reads.
        bucket: our own bucket: being refused there is our misconfiguration, elsewhere it is the product's fault.
    """

    def __init__(self, client: "S3Client", bucket: str | None) -> None:
        self._client = client
        self._bucket = bucket

    def fetch(self, url: str, unless: str | None = None) -> PictureFile:
        """The object, with its user metadata as attributes.

        Args:
            url: where it is.
            unless: the etag of an earlier fetch; if the object is still the same, its metadata alone is read.

        Raises:
            RequestInvalid: this is no s3 address.
            PictureUnreachable: there is no such object (``status`` 404), or it is somebody else's.
            Misconfigured: S3 refuses our own bucket.
            DownloadFailed: a transient error.
        """
        bucket, key = _place(url)
        try:
            if unless is not None and (head := self._head(bucket, key)) and head["ETag"] == unless:
                return PictureFile(b"", unless, _attributes(head["Metadata"]), is_unmodified=True, modified=head["LastModified"])
            answer = self._client.get_object(Bucket=bucket, Key=key)
            with answer["Body"] as body:
                content = body.read(MAX_BYTES + 1)  # one byte too many is enough for `pictures` to refuse it
            return PictureFile(content, answer["ETag"], _attributes(answer["Metadata"]), modified=answer["LastModified"])
        except (ClientError, BotoCoreError, ValueError) as error:
            raise self._error_of(error, bucket, key) from error

    def _head(self, bucket: str, key: str) -> "HeadObjectOutputTypeDef | None":
        """What S3 says of an object; None if it does not: only the answer to a GET has the reason."""
        with suppress(ClientError, BotoCoreError):
            return self._client.head_object(Bucket=bucket, Key=key)
        return None

    def head(self, url: str) -> PictureFile | None:
        """The object that is there now, without its bytes; None if there is none. Raises as `fetch`."""
        bucket, key = _place(url)
        try:
            found = self._client.head_object(Bucket=bucket, Key=key)
        except (ClientError, BotoCoreError) as error:
            refusal = self._error_of(error, bucket, key)
            if isinstance(refusal, PictureUnreachable):
                return None
            raise refusal from error
        return PictureFile(b"", found["ETag"], _attributes(found["Metadata"]), is_unmodified=True, modified=found["LastModified"])

    def _error_of(self, error: ClientError | BotoCoreError | ValueError, bucket: str, key: str) -> LookalikeError:
        code = str(error.response.get("Error", {}).get("Code")) if isinstance(error, ClientError) else ""
        if isinstance(error, ParamValidationError | ValueError) or code in _IMPOSSIBLE:
            return RequestInvalid(f"S3 knows no such address: {error}", field="image_url")
        is_locked = code == "AccessDenied" and (head := self._head(bucket, key)) and "kms" in head.get("ServerSideEncryption", "")
        if reason := _unreadable("KMS.AccessDenied" if is_locked else code, str(error)):
            return PictureUnreachable(reason, status=403)
        if code in _ABSENT:
            return PictureUnreachable("there is no such object in the bucket", status=404)
        if code in _FORBIDDEN or code == "NoSuchBucket":
            if bucket != self._bucket:
                return PictureUnreachable(f"the bucket {bucket!r} cannot be read with the function's role", status=403)
            return Misconfigured(f"S3 answers {code} for our bucket {bucket!r}: the role needs s3:GetObject and s3:ListBucket")
        return DownloadFailed(f"S3 did not answer: {error}")


class PresignedLinks:
    """Makes ``s3://`` addresses into presigned URLs that a browser can open; others stay as they are.

    Args:
        client: signs; made with the address under which browsers reach S3.
        expiry_s: how long a link works.
        buckets: those that the function's role may read; objects of others have plain links, which only open if they are public.
    """

    def __init__(self, client: "S3Client", expiry_s: int, buckets: Container[str | None]) -> None:
        self._client = client
        self._expiry_s = expiry_s
        self._buckets = buckets

    def link(self, url: str) -> str:
        """An address for the caller of the HTTP API."""
        if not url.startswith("s3://"):
            return without_credentials(url)
        bucket, key = _place(url)
        if bucket not in self._buckets and "." not in bucket and self._client.meta.partition == "aws":
            return f"https://{bucket}.s3.amazonaws.com/{quote(key)}"  # leads to every region of this partition, and of no other
        link = self._client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=self._expiry_s)
        return link if bucket in self._buckets else link.partition("?")[0]


def _unreadable(code: str, message: str) -> str | None:
    """Why an object that is there cannot be read as it is stored; None if it is not that."""
    if code == "InvalidObjectState":
        return "the object is archived: restore it, and put it again"
    if code == "InvalidRequest":
        return f"the object cannot be read as it is stored, such as with a key that only whoever put it has (SSE-C): {message}"
    is_of_kms = code.startswith("KMS.") and not code.endswith(_BUSY)
    if is_of_kms or (code in _FORBIDDEN and any(word in message for word in ("kms:", "ciphertext"))):
        return f"the object is encrypted with a KMS key that the role may not use: allow kms:Decrypt: {message}"
    return None


def _place(url: str) -> tuple[str, str]:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    if not url.startswith("s3://") or not bucket or not key:
        raise RequestInvalid("an S3 address is s3://BUCKET/KEY", field="image_url")
    return bucket, key


def _attributes(metadata: Mapping[str, str]) -> dict[str, str]:
    return {name: _decoded(value) for name, value in metadata.items()}


def _decoded(value: str) -> str:
    """User metadata is ASCII; S3 gives other characters as encoded words (RFC 2047)."""
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, UnicodeError):
        return value
