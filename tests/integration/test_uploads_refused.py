"""Our own bucket says 403, as it does when the role lacks a right: messages come back, and the index stays as it is."""

import json
import time
from collections.abc import Iterator
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from lookalike.adapters.s3_pictures import S3Pictures
from lookalike.domain import image_id
from lookalike.indexing import Indexing, Target
from lookalike.uploads import Uploads

from functions.on_upload import app
from infra.local.runtime import Context
from tests.fakes import FakeEmbedder, FakeIndex, FakeOutcomes
from tests.integration.refusing_s3 import refusing_s3
from tests.integration.samples import indexed, vector

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

OURS = "ours"


class Bench:
    """The handler before an S3 that refuses; one picture of each bucket is indexed."""

    def __init__(self, pictures: S3Pictures) -> None:
        self.outcomes = FakeOutcomes()
        self.index = FakeIndex()
        for bucket in (OURS, "theirs"):
            url = f"s3://{bucket}/images/hat.jpg"
            self.index.documents[image_id("hat", url)] = indexed("hat", origin="upload"), vector(0)
        self._handler = app.create(Uploads(Indexing(lambda: [Target(self.index, FakeEmbedder())], pictures), self.outcomes))

    def receive(self, *records: dict[str, Any]) -> list[str]:
        """The messages that come back."""
        answer = self._handler({"Records": list(records)}, cast(LambdaContext, Context("id", time.time() + 60, "on_upload", "1769", "arn")))
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(app.metrics, "namespace", "lookalike")
    with refusing_s3("403 Forbidden", "AccessDenied") as client:
        yield Bench(S3Pictures(client, OURS))


def _record(message_id: str, *keys: str, bucket: str = OURS, event: str = "ObjectCreated:Put") -> dict[str, Any]:
    changes = [{"eventName": event, "s3": {"bucket": {"name": bucket}, "object": {"key": key}}} for key in keys]
    return {"messageId": message_id, "eventSource": "aws:sqs", "body": json.dumps({"Records": changes})}


@pytest.mark.parametrize("event", ["ObjectCreated:Put", "ObjectRemoved:Delete"])
def test_a_message_about_a_bucket_that_refuses_us_comes_back_and_nothing_is_deleted(bench: Bench, event: str) -> None:
    before = dict(bench.index.documents)

    assert bench.receive(_record("m1", "images/hat.jpg", event=event)) == ["m1"]
    assert bench.index.documents == before


def test_every_message_of_the_batch_comes_back(bench: Bench) -> None:
    messages = [_record(f"m{number}", *(f"images/p-{number}/{each}.jpg" for each in range(20))) for number in range(5)]

    assert bench.receive(*messages) == [f"m{number}" for number in range(5)]


def test_what_is_our_fault_is_not_recorded_as_the_products(bench: Bench) -> None:
    bench.receive(_record("m1", "images/hat.jpg"))

    assert bench.outcomes.known == {}


def test_being_refused_by_another_bucket_is_recorded_and_its_message_is_done(bench: Bench) -> None:
    assert bench.receive(_record("m1", "images/hat.jpg", bucket="theirs")) == []
    assert bench.outcomes.known["s3://theirs/images/hat.jpg"].code == "picture_unreachable"
