"""Each function does all that it has to with the rights of its JSON file, on an Elasticsearch that refuses everything else."""

import json
from pathlib import Path

import pytest
import requests
from elasticsearch import AuthorizationException, Elasticsearch
from lookalike.adapters.elasticsearch.client import trusting

from tests.integration.processes import wait_for
from tests.integration.secured.conftest import Deployment
from tests.integration.secured.server import SecuredServer

SHOP = "shop-products"
SOURCE = {"index": SHOP, "fields": {"id": "id", "image_urls": "image_url"}}


@pytest.fixture(scope="module", autouse=True)
def shop(secured: SecuredServer, deployment: Deployment) -> None:
    """The index that the backfill reads; one of its pictures is none."""
    url = deployment.images.url
    pictures = {"hat": "2.png", "cup": "3.png", "sofa": "text.jpg"}
    secured.admin.indices.create(index=SHOP, mappings={"properties": {"id": {"type": "keyword"}}})
    for id_, name in pictures.items():
        secured.admin.index(index=SHOP, id=id_, document={"id": id_, "image_url": url(name), "price": 5}, refresh=True)


def test_the_first_upload_makes_the_index_and_a_search_finds_it(deployment: Deployment, pictures: dict[str, Path]) -> None:
    content = pictures["0.png"].read_bytes()
    deployment.s3.put_object(Bucket=deployment.resources.bucket, Key="images/lamp/front.png", Body=content, Metadata={"colour": "red"})

    wait_for(lambda: deployment.get("/products/lamp").ok)

    found = requests.post(f"{deployment.search_url}/search", data=content, headers={"Content-Type": "image/png"}, timeout=60).json()
    assert [hit["product_id"] for hit in found["hits"]] == ["lamp"]


def test_a_product_is_put_changed_and_deleted(deployment: Deployment) -> None:
    def post(message: object) -> None:
        deployment.sqs.send_message(QueueUrl=deployment.resources.products.url, MessageBody=json.dumps(message))

    def prices() -> list[object]:
        answer = deployment.get("/products/desk")
        return [image["attributes"]["price"] for image in answer.json()["pictures"]] if answer.ok else []

    desk = {"product_id": "desk", "image_urls": [deployment.images.url("1.png")], "attributes": {"price": 3}}
    post({"put": [desk]})
    wait_for(lambda: prices() == [3])
    post({"put": [desk | {"attributes": {"price": 4}}]})
    wait_for(lambda: prices() == [4])
    post({"delete": ["desk"]})
    wait_for(lambda: prices() == [])


def test_a_backfill_is_read_retried_pruned_and_switched_to(deployment: Deployment, secured: SecuredServer) -> None:
    id_ = deployment.command("start", source=SOURCE)["backfill_id"]
    assert deployment.finished(id_)["failed"] == {"picture_unusable": 1}
    assert [each["product_id"] for each in deployment.command("failures", backfill_id=id_)["failures"]] == ["sofa"]

    secured.admin.update(index=SHOP, id="sofa", doc={"image_url": deployment.images.url("4.png")}, refresh=True)
    assert deployment.command("retry", backfill_id=id_)["retried"] == 1
    wait_for(lambda: deployment.get("/products/sofa").ok)
    assert deployment.finished(id_)["failed"] == {}

    secured.admin.delete(index=SHOP, id="hat", refresh=True)
    deployment.command("start", source=SOURCE)
    deployment.finished(id_)
    assert deployment.command("prune", backfill_id=id_)["vanished"] == 1
    wait_for(lambda: deployment.get("/products/hat").status_code == 404)

    copy = deployment.command("start", source={"current": True}, into={"model": "efficientnet_lite0", "shards": 2})
    deployment.finished(copy["backfill_id"])
    deployment.command("switch", backfill_id=copy["backfill_id"])
    deployment.command("cancel", backfill_id=copy["backfill_id"])
    assert deployment.command("dead_letters")
    assert deployment.command("redrive")
    assert {each["backfill_id"] for each in deployment.command("list")["backfills"]} == {id_, copy["backfill_id"]}
    wait_for(lambda: deployment.get("/health").json()["index"] == copy["into"])
    wait_for(lambda: deployment.get("/products/cup/similar").ok)


@pytest.mark.parametrize(
    "path",
    ["/health", "/stats", "/attributes", "/products/cup", "/products/cup/similar?diversity=0.5", "/search?product_id=cup&exact=true"],
)
def test_each_route_answers(deployment: Deployment, path: str) -> None:
    answer = deployment.get(path)

    assert answer.ok, answer.text


@pytest.mark.parametrize(
    "body", [{"filter": {"price": {"gte": 5}}}, {"filter": {"colour": "red"}}, {"near_duplicates": True}, {"per": "image"}]
)
def test_each_kind_of_search_answers(deployment: Deployment, body: dict[str, object]) -> None:
    answer = requests.post(f"{deployment.search_url}/search", json={"image_url": deployment.images.url("3.png"), **body}, timeout=60)

    assert answer.ok, answer.text


@pytest.mark.parametrize("role", ["search", "workers", "backfill"])
def test_no_function_may_touch_what_is_the_shop_s(secured: SecuredServer, role: str) -> None:
    with Elasticsearch(secured.url, ssl_context=trusting(secured.ca), **json.loads(secured.key(role))) as client:
        with pytest.raises(AuthorizationException):
            client.delete(index=SHOP, id="cup")
        with pytest.raises(AuthorizationException):
            client.security.get_user()
