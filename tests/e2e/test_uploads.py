"""Uploads: the index follows the bucket."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import requests
from PIL import Image

from infra.demo.catalogue import CatalogueItem
from infra.local.invocation import Invoke, command
from infra.local.running_system import RunningSystem
from tests.e2e.shop_client import ShopClient
from tests.made_pictures import file_of

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

Eventually = Callable[[Callable[[], bool]], None]


def test_a_picture_put_into_the_bucket_can_be_found_and_its_link_opened(
    shop: ShopClient, items: list[CatalogueItem], eventually: Eventually
) -> None:
    picture = items[120].path.read_bytes()
    shop.put("images/up-1/front view ü.jpg", picture, {"category": "lamp", "price": "19.9"})
    eventually(lambda: len(shop.documents("up-1")) == 1)

    answer = shop.search_by_upload(picture, size=1).json()

    [hit] = answer["hits"]
    assert (hit["product_id"], hit["score"], hit["attributes"]) == ("up-1", 1.0, {"category": "lamp", "price": "19.9"})
    assert requests.get(hit["image_url"], timeout=30).content == picture


def test_a_phone_s_picture_is_indexed_and_searched_with_as_it_is(
    shop: ShopClient, items: list[CatalogueItem], eventually: Eventually
) -> None:
    heic = file_of(Image.open(items[129].path).convert("RGB"), "HEIF", quality=90)
    shop.put("images/phone-1.heic", heic)
    eventually(lambda: len(shop.documents("phone-1")) == 1)

    [hit] = shop.search_by_upload(heic, content_type="image/heic", size=1).json()["hits"]
    [like] = shop.search_by_upload(items[129].path.read_bytes(), size=1).json()["hits"]

    assert (hit["product_id"], hit["score"], like["product_id"]) == ("phone-1", 1.0, "phone-1")


def test_an_overwritten_picture_replaces_the_old_one_and_a_deleted_one_is_gone(
    shop: ShopClient, items: list[CatalogueItem], eventually: Eventually
) -> None:
    shop.put("images/up-2.jpg", items[121].path.read_bytes())
    eventually(lambda: len(shop.documents("up-2")) == 1)
    before = shop.documents("up-2")[0]["content_sha256"]

    shop.put("images/up-2.jpg", items[122].path.read_bytes())
    eventually(lambda: [document["content_sha256"] for document in shop.documents("up-2")] not in ([before], []))

    shop.delete("images/up-2.jpg")
    eventually(lambda: shop.documents("up-2") == [])


def test_events_that_are_repeated_late_or_in_the_wrong_order_leave_the_index_equal_to_the_bucket(
    shop: ShopClient, system: RunningSystem, items: list[CatalogueItem], sqs: "SQSClient", eventually: Eventually
) -> None:
    shop.put("images/up-3.jpg", items[123].path.read_bytes())
    shop.put("images/up-4.jpg", items[124].path.read_bytes())
    shop.delete("images/up-4.jpg")
    for name in ("ObjectRemoved:Delete", "ObjectCreated:Put", "ObjectRemoved:Delete"):
        for key in ("images/up-3.jpg", "images/up-4.jpg"):
            record = {"eventName": name, "s3": {"bucket": {"name": system.bucket}, "object": {"key": key}}}
            sqs.send_message(QueueUrl=system.resources.uploads.url, MessageBody=json.dumps({"Records": [record]}))
    shop.put("images/up-5.jpg", items[125].path.read_bytes())

    eventually(lambda: len(shop.documents("up-5")) == 1 and _is_empty(sqs, system.resources.uploads.url))

    assert len(shop.documents("up-3")) == 1
    assert shop.documents("up-4") == []


def test_a_bad_picture_is_recorded_with_its_reason_and_the_one_that_it_replaced_is_deleted(
    shop: ShopClient, items: list[CatalogueItem], eventually: Eventually
) -> None:
    shop.put("images/up-6.jpg", items[126].path.read_bytes())
    eventually(lambda: len(shop.documents("up-6")) == 1)

    shop.put("images/up-6.jpg", b"this is no picture")

    eventually(lambda: shop.documents("up-6") == [])
    eventually(lambda: (shop.outcome("up-6") or {}).get("code") == "picture_unusable")


def test_a_message_that_cannot_be_parsed_is_listed_with_the_reason(
    system: RunningSystem, invoke: Invoke, sqs: "SQSClient", eventually: Eventually
) -> None:
    sqs.send_message(QueueUrl=system.resources.uploads.url, MessageBody="poison")

    def reasons() -> list[str]:
        listed = command(invoke, {"action": "dead_letters", "queue": "uploads"})["dead_letters"]
        return [letter["reason"] for letter in listed if letter["body"] == "poison"]

    eventually(lambda: any("not JSON" in reason for reason in reasons()))


def _is_empty(sqs: "SQSClient", queue_url: str) -> bool:
    attributes = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["All"])["Attributes"]
    return {attributes["ApproximateNumberOfMessages"], attributes["ApproximateNumberOfMessagesNotVisible"]} == {"0"}
