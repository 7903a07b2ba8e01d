"""Objects of S3: what is there, what S3 refuses, and links that a browser can open."""

from typing import TYPE_CHECKING
from unittest.mock import Mock
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError
from lookalike.adapters.s3.fetcher import PresignedLinks, S3Fetcher
from lookalike.errors import DownloadFailed, Misconfigured, PictureUnreachable, PictureUnusable, RequestInvalid
from lookalike.pictures import decoding

from infra.local.aws import session
from tests.integration.adapters.s3.refusing_s3 import refusing_s3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OURS, THEIRS = "s3://ours/images/hat/front.jpg", "s3://theirs/images/hat/front.jpg"


def test_metadata_in_any_alphabet_comes_as_it_was_meant(s3: "S3Client", bucket_name: str) -> None:
    encoded = {"category": "=?UTF-8?B?SMO8dGU=?=", "price": "19.9", "broken": "=?UTF-8?B?*?="}
    s3.put_object(Bucket=bucket_name, Key="hat.jpg", Body=b"x", Metadata=encoded)

    attributes = S3Fetcher(s3, bucket_name).fetch(f"s3://{bucket_name}/hat.jpg").attributes or {}

    assert (attributes["category"], attributes["price"]) == ("Hüte", "19.9")
    assert "broken" in attributes


@pytest.mark.parametrize("key", ["images/a b/front view.jpg", "images/ü/?&=+%.jpg", "images//double.jpg", "images/hat/./x.jpg"])
def test_a_key_is_taken_literally(s3: "S3Client", bucket_name: str, key: str) -> None:
    s3.put_object(Bucket=bucket_name, Key=key, Body=b"this one")

    assert S3Fetcher(s3, bucket_name).fetch(f"s3://{bucket_name}/{key}").content == b"this one"


def test_an_object_above_the_limit_is_read_only_as_far_as_it_takes_to_refuse_it(
    s3: "S3Client", bucket_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("lookalike.pictures.decoding", "lookalike.adapters.s3.fetcher"):
        monkeypatch.setattr(f"{module}.MAX_BYTES", 1000)
    s3.put_object(Bucket=bucket_name, Key="large.jpg", Body=bytes(5000))

    content = S3Fetcher(s3, bucket_name).fetch(f"s3://{bucket_name}/large.jpg").content

    assert len(content) == 1001
    with pytest.raises(PictureUnusable, match="too large"):
        decoding.decode(content, at_least=(8, 8))


def test_a_missing_bucket_of_somebody_else_makes_the_picture_unreachable(s3: "S3Client", bucket_name: str) -> None:
    with pytest.raises(PictureUnreachable):
        S3Fetcher(s3, bucket_name).fetch("s3://there-is-no-such-bucket/hat.jpg")


def test_our_own_missing_bucket_is_misconfigured(s3: "S3Client") -> None:
    with pytest.raises(Misconfigured):
        S3Fetcher(s3, "there-is-no-such-bucket").fetch("s3://there-is-no-such-bucket/hat.jpg")


def test_access_denied_by_our_own_bucket_is_misconfigured_and_names_the_permissions_that_the_role_needs() -> None:
    with refusing_s3("403 Forbidden", "AccessDenied") as client:
        ours = S3Fetcher(client, "ours")

        with pytest.raises(Misconfigured, match=r"s3:GetObject.*s3:ListBucket"):
            ours.fetch(OURS)
        with pytest.raises(Misconfigured):
            ours.head(OURS)


def test_access_denied_by_another_bucket_makes_the_picture_unreachable() -> None:
    with refusing_s3("403 Forbidden", "AccessDenied") as client:
        with pytest.raises(PictureUnreachable) as refused:
            S3Fetcher(client, "ours").fetch(THEIRS)

        assert refused.value.status == 403
        assert S3Fetcher(client, "ours").head(THEIRS) is None


@pytest.mark.parametrize(("status", "code"), [("503 Slow Down", "SlowDown"), ("500 Internal Server Error", "InternalError")])
def test_a_server_error_of_s3_is_transient(status: str, code: str) -> None:
    with refusing_s3(status, code) as client:
        with pytest.raises(DownloadFailed):
            S3Fetcher(client, "ours").fetch(OURS)
        with pytest.raises(DownloadFailed):
            S3Fetcher(client, "ours").head(OURS)


KMS_DENIED = "User: arn:aws:sts::1:assumed-role/r is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-central-1:1:key/k"
SSE_C = "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object."


@pytest.mark.parametrize(
    ("status", "code", "message", "reason"),
    [
        ("403 Forbidden", "InvalidObjectState", "The operation is not valid for the object's storage class", "archived"),
        ("400 Bad Request", "InvalidRequest", SSE_C, "SSE-C"),
        ("403 Forbidden", "AccessDenied", KMS_DENIED, "kms:Decrypt"),
        ("400 Bad Request", "KMS.DisabledException", "the key is disabled", "KMS key"),
        ("400 Bad Request", "KMS.KMSInvalidStateException", "the key is pending deletion", "KMS key"),
        ("400 Bad Request", "KMS.NotFoundException", "the key does not exist", "KMS key"),
        ("403 Forbidden", "AccessDenied", "The ciphertext refers to a customer master key that does not exist", "KMS key"),
        ("400 Bad Request", "InvalidRequest", "something else", "something else"),
    ],
)
def test_an_object_that_is_stored_so_that_it_cannot_be_read_says_why(status: str, code: str, message: str, reason: str) -> None:
    with refusing_s3(status, code, message) as client, pytest.raises(PictureUnreachable, match=reason):
        S3Fetcher(client, "ours").fetch(OURS)


@pytest.mark.parametrize("code", ["KMS.ThrottlingException", "KMS.InternalException", "KMS.DependencyTimeoutException"])
def test_a_kms_that_is_busy_is_transient(code: str) -> None:
    with refusing_s3("400 Bad Request", code) as client, pytest.raises(DownloadFailed):
        S3Fetcher(client, "ours").fetch(OURS)


@pytest.mark.parametrize("unless", [None, '"etag"'])
@pytest.mark.parametrize(
    ("encryption", "error"), [("aws:kms", PictureUnreachable), ("aws:kms:dsse", PictureUnreachable), ("AES256", Misconfigured)]
)
def test_an_access_denied_that_says_no_more_is_of_the_key_where_the_object_may_be_asked_for(
    encryption: str, error: type[Exception], unless: str | None, s3: "S3Client", bucket_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.put_object(Bucket=bucket_name, Key="hat.jpg", Body=b"x", ServerSideEncryption=encryption)  # type: ignore[arg-type]
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, "GetObject")
    monkeypatch.setattr(s3, "get_object", Mock(side_effect=denied))

    with pytest.raises(error, match="kms:Decrypt" if error is PictureUnreachable else "s3:GetObject"):
        S3Fetcher(s3, bucket_name).fetch(f"s3://{bucket_name}/hat.jpg", unless)


def test_a_bucket_whose_name_has_kms_in_it_lacks_its_own_right() -> None:
    message = (
        "User: arn:aws:sts::1:assumed-role/kms-reader/x is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::kms-shop/a"
    )
    with refusing_s3("403 Forbidden", "AccessDenied", message) as client, pytest.raises(Misconfigured, match="s3:GetObject"):
        S3Fetcher(client, "ours").fetch(OURS)


@pytest.mark.parametrize("code", ["InvalidBucketName", "KeyTooLongError", "InvalidURI"])
def test_an_address_that_s3_can_never_have_is_an_invalid_request(code: str) -> None:
    with refusing_s3("400 Bad Request", code) as client, pytest.raises(RequestInvalid):
        S3Fetcher(client, "ours").fetch(OURS)


def test_an_object_that_is_encrypted_now_and_was_not_before_is_told_by_its_own_reason() -> None:
    with refusing_s3("400 Bad Request", "InvalidRequest", SSE_C) as client, pytest.raises(PictureUnreachable, match="SSE-C"):
        S3Fetcher(client, "ours").fetch(OURS, unless='"etag"')


def test_an_s3_that_cannot_be_reached_is_transient() -> None:
    client = session().client("s3", endpoint_url="http://127.0.0.1:9", config=Config(retries={"total_max_attempts": 1}))

    with pytest.raises(DownloadFailed):
        S3Fetcher(client, "ours").fetch(OURS)


@pytest.mark.parametrize(
    "url",
    [
        "s3://",
        "s3://bucket",
        "s3://bucket/",
        "s3:///key",
        "http://a/b",
        "s3://Not A Bucket/key",
        "s3://arn:aws:s3:::b/key",
        "s3://bucket/\ud83d",
        "s3://b\u00fccket/key",
    ],
)
def test_what_is_not_an_s3_address_is_an_invalid_request(s3: "S3Client", url: str) -> None:
    with pytest.raises(RequestInvalid) as refused:
        S3Fetcher(s3, "ours").fetch(url)

    assert refused.value.field == "image_url"


@pytest.mark.parametrize("key", ["images/hat/front view.jpg", "images/ü/?&=+%.jpg"])
def test_a_presigned_link_can_be_opened_by_anybody_until_it_expires(s3: "S3Client", bucket_name: str, key: str) -> None:
    s3.put_object(Bucket=bucket_name, Key=key, Body=b"the picture")

    link = PresignedLinks(s3, 600, {bucket_name}).link(f"s3://{bucket_name}/{key}")

    assert requests.get(link, timeout=30).content == b"the picture"
    asked = parse_qs(urlsplit(link).query)
    assert asked.get("X-Amz-Expires") == ["600"] or "Expires" in asked


def test_an_address_with_credentials_is_shown_without_them(s3: "S3Client") -> None:
    assert PresignedLinks(s3, 600, {"shop"}).link("https://us:pa@shop.example/hat.jpg") == "https://shop.example/hat.jpg"


def test_an_address_outside_s3_is_returned_unchanged(s3: "S3Client") -> None:
    assert PresignedLinks(s3, 600, {"shop"}).link("https://shop.example/hat.jpg") == "https://shop.example/hat.jpg"
