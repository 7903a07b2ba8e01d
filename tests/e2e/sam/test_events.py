"""`sam local invoke` of each function with each example event."""

import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from infra.demo.catalogue import CatalogueItem
from infra.local import aws
from infra.local.running_system import RunningSystem
from infra.sam.system import SamSystem
from tests.e2e.shop_client import ShopClient
from tests.unit.sam_template import ROOT

BUCKET = "lookalike-pictures-123456789012-eu-central-1"
FUNCTIONS = {"on_upload": "OnUpload", "backfill": "Backfill", "index_products": "IndexProducts", "search": "Search"}
MESSAGES = (
    "on_upload_put",
    "on_upload_delete",
    "on_upload_lifecycle_expiration",
    "on_upload_test_event",
    "index_products_put",
    "index_products_delete",
)
CALLS = {
    "search_health": 200,
    "search_get": 422,  # images.example is nowhere
    "search_post_json": 200,
    "search_post_picture": 200,
    "search_similar": 404,
}
OTHERS = sorted({path.stem for path in (ROOT / "tests" / "events").glob("*.json")} - {*MESSAGES, *CALLS, "backfill_start"})
NOTHING_FAILED: dict[str, list[str]] = {"batchItemFailures": []}


@pytest.fixture(scope="module", autouse=True)
def shop_of_the_examples(
    system: RunningSystem,
    shop: ShopClient,
    items: list[CatalogueItem],
    elasticsearch: Elasticsearch,
    eventually: Callable[[Callable[[], bool]], None],
) -> Iterator[None]:
    """The bucket and the source index that the examples name, and an index to search."""
    s3 = aws.session().client("s3", endpoint_url=system.aws_url)
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": aws.REGION})
    mappings = {"properties": {"sku": {"type": "keyword"}, "in_stock": {"type": "boolean"}}}
    elasticsearch.indices.create(index="products", mappings=mappings)
    shop.put("images/example-1.jpg", items[131].path.read_bytes(), {"category": "dress", "price": "20"})
    eventually(lambda: len(shop.documents("example-1")) == 1)
    yield
    elasticsearch.indices.delete(index="products")


def invoke(sam: SamSystem, name: str) -> Any:
    """What a new container of the function answers."""
    function = next(function for prefix, function in FUNCTIONS.items() if name.startswith(f"{prefix}_"))
    command = sam.sam("invoke", function, "--event", str(ROOT / "tests" / "events" / f"{name}.json"))
    run = subprocess.run(command, env=sam.sam_environment, capture_output=True, text=True, timeout=180)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_dealt_with(sam: SamSystem, name: str) -> None:
    assert invoke(sam, name) == NOTHING_FAILED


def test_a_backfill_is_started(sam: SamSystem) -> None:
    assert invoke(sam, "backfill_start")["products"] == 0


@pytest.mark.parametrize(("name", "status"), CALLS.items())
def test_a_call_of_the_api_is_answered(sam: SamSystem, name: str, status: int) -> None:
    answer = invoke(sam, name)
    assert answer["statusCode"] == status, answer
    assert json.loads(answer["body"])


@pytest.mark.parametrize("name", OTHERS)
def test_every_other_example_is_answered_and_breaks_nothing(sam: SamSystem, name: str) -> None:
    """Most ask about a backfill that does not exist here."""
    answer = invoke(sam, name)
    assert isinstance(answer, dict)
    assert "errorType" not in answer, answer
