"""The products queue: a backfill, and a shop's own messages."""

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from elasticsearch import Elasticsearch, helpers

from infra.demo.catalogue import CatalogueItem
from infra.demo.image_server import ImageServer
from infra.local.invocation import Invoke, command
from infra.local.running_system import RunningSystem
from tests.e2e.shop_client import ShopClient

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

Eventually = Callable[[Callable[[], bool]], None]
SOURCE = "e2e-products"


@pytest.fixture
def source(elasticsearch: Elasticsearch, images: ImageServer, items: list[CatalogueItem]) -> Iterator[dict[str, Any]]:
    """Sixty products of which six fail, each for a reason of its own; one is busy at first."""
    urls = {f"bf-{number}": images.url(items[number].path.name) for number in range(53)}
    urls["bf-busy"] = images.url(f"fault/busy-once/{items[53].path.name}")
    urls |= {f"bf-{name}": images.url(f"{name}.jpg") for name in ("text", "half", "missing", "empty")}
    urls |= {"bf-huge": images.url("fault/huge"), "bf-private": "http://127.0.0.1:1/picture.jpg"}
    elasticsearch.indices.create(index=SOURCE, mappings={"properties": {"sku": {"type": "keyword"}}})
    documents = ({"_index": SOURCE, "sku": sku, "image_url": url, "category": "thing"} for sku, url in urls.items())
    helpers.bulk(elasticsearch, documents, refresh="wait_for")
    yield {"index": SOURCE, "fields": {"id": "sku"}}
    elasticsearch.indices.delete(index=SOURCE)


def test_a_backfill_indexes_what_can_be_and_records_why_the_rest_could_not(
    invoke: Invoke, source: dict[str, Any], shop: ShopClient, eventually: Eventually
) -> None:
    started = invoke("lookalike-backfill", {"action": "start", "source": source})
    assert started["products"] == 60
    status: dict[str, Any] = {}

    def is_finished() -> bool:
        status.update(invoke("lookalike-backfill", {"action": "status", "backfill_id": started["backfill_id"]}))
        return bool(status["state"] == "finished")

    eventually(is_finished)

    assert (status["read"], status["indexed"] + status["unchanged"]) == (60, 54)
    assert status["failed"] == {"picture_unusable": 4, "picture_unreachable": 2}
    assert "too large" in (shop.outcome("bf-huge") or {})["reason"]
    assert "404" in (shop.outcome("bf-missing") or {})["reason"]
    assert "private" in (shop.outcome("bf-private") or {})["reason"]
    [document] = shop.documents("bf-7")
    assert document["attributes"] == {"category": "thing"}


def test_a_product_is_put_and_deleted_by_a_message(
    system: RunningSystem, sqs: "SQSClient", shop: ShopClient, images: ImageServer, items: list[CatalogueItem], eventually: Eventually
) -> None:
    urls = [images.url(item.path.name) for item in items[60:63]]
    put = {"put": [{"product_id": "q-1", "image_urls": urls, "attributes": {"price": "n/a"}}]}
    sqs.send_message(QueueUrl=system.resources.products.url, MessageBody=json.dumps(put))
    eventually(lambda: len(shop.documents("q-1")) == 3)

    sqs.send_message(QueueUrl=system.resources.products.url, MessageBody=json.dumps({"delete": ["q-1"]}))
    eventually(lambda: shop.documents("q-1") == [])


def test_a_picture_gets_the_same_vector_as_an_upload_as_a_product_and_as_a_query(
    system: RunningSystem, sqs: "SQSClient", shop: ShopClient, images: ImageServer, items: list[CatalogueItem], eventually: Eventually
) -> None:
    """Each sees bytes of its own (a comment is appended), so that no vector is copied from another's document."""
    picture = items[70].path.read_bytes()
    shop.put("images/door-upload.jpg", picture + b"upload")
    put = {"put": [{"product_id": "door-queue", "image_urls": [images.url(items[70].path.name)]}]}
    sqs.send_message(QueueUrl=system.resources.products.url, MessageBody=json.dumps(put))
    eventually(lambda: bool(shop.documents("door-upload")) and bool(shop.documents("door-queue")))

    uploaded, queued = (np.array(shop.documents(name)[0]["image_vector"]) for name in ("door-upload", "door-queue"))
    hits = shop.search_by_upload(picture + b"search", size=2).json()["hits"]

    assert np.array_equal(uploaded, queued)
    assert {hit["product_id"]: hit["score"] for hit in hits} == {"door-upload": 1.0, "door-queue": 1.0}


def test_nothing_is_lost_while_elasticsearch_is_unavailable(
    system: RunningSystem, invoke: Invoke, shop: ShopClient, items: list[CatalogueItem], eventually: Eventually
) -> None:
    """A server that needs longer to come back than an upload has tries leaves it among the dead letters, which are then redriven."""
    assert system.server is not None
    system.server.stop()
    try:
        shop.put("images/away-1.jpg", items[80].path.read_bytes())
        refused = shop.search_by_upload(items[80].path.read_bytes())
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "index_away")
        assert int(refused.headers["Retry-After"]) > 0
    finally:
        system.server.start()

    def is_indexed() -> bool:
        command(invoke, {"action": "redrive", "queue": "uploads"})
        return len(shop.documents("away-1")) == 1

    eventually(is_indexed)
