"""Our own bucket says 403, as it does when the role lacks a right: messages come back, and the index stays as it is."""

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from lookalike.adapters.s3.fetcher import S3Fetcher
from lookalike.domain import Product, image_id
from lookalike.errors import LookalikeError, PictureUnreachable
from lookalike.indexing.indexer import Indexer
from lookalike.indexing.ports import WriteTarget
from lookalike.indexing.uploads import Uploads

from functions.on_upload import app
from infra.local.runtime import Context
from tests.fakes import FakeEmbedder, FakeIndex, FakeOutcomeStore
from tests.integration.adapters.s3.refusing_s3 import refusing_s3
from tests.integration.samples import indexed, vector

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

OURS = "ours"


class UploadHandler:
    """The handler before an S3 that refuses; one picture of each bucket is indexed."""

    def __init__(self, pictures: S3Fetcher) -> None:
        self.outcomes = FakeOutcomeStore()
        self.index = FakeIndex()
        for bucket in (OURS, "theirs"):
            url = f"s3://{bucket}/images/hat.jpg"
            self.index.documents[image_id("hat", url)] = indexed("hat", origin="upload"), vector(0)
        self._indexer = Indexer(lambda: [WriteTarget(self.index, FakeEmbedder())], pictures)
        self._handler = app.create(Uploads(self._indexer, self.outcomes), lambda _: ())

    def receive(self, *records: dict[str, Any]) -> list[str]:
        """The messages that come back."""
        answer = self._handler({"Records": list(records)}, cast(LambdaContext, Context("id", time.time() + 60, "on_upload", "1769", "arn")))
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def outcomes_of(self, url: str) -> list[LookalikeError | None]:
        """Of a backfill of the bucket, and of a product that names the object."""
        synced = self._indexer.sync({url: "hat"})
        put = self._indexer.put([Product("hat", (url,), {})])
        return [outcome.error for outcome in (*synced, *put)]


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> Iterator[UploadHandler]:
    monkeypatch.setattr(app.metrics, "namespace", "lookalike")
    with refusing_s3("403 Forbidden", "AccessDenied") as client:
        yield UploadHandler(S3Fetcher(client, OURS))


def _record(message_id: str, *keys: str, bucket: str = OURS, event: str = "ObjectCreated:Put") -> dict[str, Any]:
    changes = [{"eventName": event, "s3": {"bucket": {"name": bucket}, "object": {"key": key}}} for key in keys]
    received = {
        "receiptHandle": "handle",
        "eventSourceARN": "arn",
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1764000000000"},
    }
    return {"messageId": message_id, "eventSource": "aws:sqs", "body": json.dumps({"Records": changes}), **received}


@pytest.mark.parametrize("event", ["ObjectCreated:Put", "ObjectRemoved:Delete"])
def test_a_message_about_a_bucket_that_denies_access_is_received_again_and_nothing_is_deleted(handler: UploadHandler, event: str) -> None:
    before = dict(handler.index.documents)

    assert handler.receive(_record("m1", "images/hat.jpg", event=event)) == ["m1"]
    assert handler.index.documents == before


def test_every_message_of_the_batch_is_received_again(handler: UploadHandler) -> None:
    messages = [_record(f"m{number}", *(f"images/p-{number}/{each}.jpg" for each in range(20))) for number in range(5)]

    assert handler.receive(*messages) == [f"m{number}" for number in range(5)]


def test_a_misconfiguration_is_not_recorded_as_a_failure_of_the_product(handler: UploadHandler) -> None:
    handler.receive(_record("m1", "images/hat.jpg"))

    assert handler.outcomes.known == {}


def test_access_denied_by_another_bucket_is_recorded_and_the_message_is_deleted(handler: UploadHandler) -> None:
    assert handler.receive(_record("m1", "images/hat.jpg", bucket="theirs")) == []
    assert handler.outcomes.known["s3://theirs/images/hat.jpg"].code == "picture_unreachable"


UNREADABLE = {
    "archived": ("403 Forbidden", "InvalidObjectState", "The operation is not valid for the object's storage class"),
    "SSE-C": ("400 Bad Request", "InvalidRequest", "The object was stored using a form of Server Side Encryption."),
    "kms:Decrypt": (
        "403 Forbidden",
        "AccessDenied",
        "User: r is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu:1:key/k",
    ),
    "is disabled": ("400 Bad Request", "KMS.DisabledException", "arn:aws:kms:eu:1:key/k is disabled."),
}


@pytest.mark.parametrize("reason", UNREADABLE)
def test_an_object_that_cannot_be_read_as_it_is_stored_is_recorded_once_wherever_it_is_named(
    reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.metrics, "namespace", "lookalike")
    url = f"s3://{OURS}/images/hat.jpg"
    with refusing_s3(*UNREADABLE[reason]) as client:
        handler = UploadHandler(S3Fetcher(client, OURS))
        uploaded, synced, put = handler.receive(_record("m1", "images/hat.jpg")), *handler.outcomes_of(url)

    assert uploaded == []
    assert [(each.code, reason in (each.reason or "")) for each in (handler.outcomes.known[url],)] == [("picture_unreachable", True)]
    for error in (synced, put):
        assert isinstance(error, PictureUnreachable)
        assert reason in str(error)


def test_an_archived_object_is_recorded_once_with_its_reason(s3: "S3Client", bucket_name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.metrics, "namespace", "lookalike")
    s3.put_object(Bucket=bucket_name, Key="images/hat.jpg", Body=b"x", StorageClass="GLACIER")
    handler = UploadHandler(S3Fetcher(s3, bucket_name))

    assert handler.receive(_record("m1", "images/hat.jpg", bucket=bucket_name)) == []
    outcome = handler.outcomes.known[f"s3://{bucket_name}/images/hat.jpg"]
    assert (outcome.code, "archived" in (outcome.reason or "")) == ("picture_unreachable", True)
