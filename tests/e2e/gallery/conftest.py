"""The gallery in Chromium, over products of its own. Screenshots are kept in build/screenshots."""

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, BrowserContext

from infra.demo.catalogue import CatalogueItem
from infra.demo.image_server import ImageServer
from infra.local import invocation
from infra.local.gateway import Gateway
from infra.local.running_system import RunningSystem
from tests.e2e import chromium
from tests.e2e.gallery.catalogue import COUNT, product_id
from tests.e2e.gallery.page import API_KEY, DESKTOP, Gallery, OpenGallery
from tests.e2e.shop_client import ShopClient

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@pytest.fixture(scope="package")
def catalogue(
    system: RunningSystem,
    sqs: "SQSClient",
    shop: ShopClient,
    images: ImageServer,
    items: list[CatalogueItem],
    eventually: Callable[[Callable[[], bool]], None],
) -> list[CatalogueItem]:
    """Sixty products with the attributes of a shop, the first with two pictures; and one that was uploaded."""
    chosen = items[200 : 200 + COUNT]
    products: list[dict[str, Any]] = [
        {"product_id": product_id(n), "image_urls": [images.url(item.path.name)], "attributes": {**item.attributes, "suite": "gallery"}}
        for n, item in enumerate(chosen)
    ]
    products[0]["image_urls"].append(images.url(items[261].path.name))
    for start in range(0, COUNT, 20):
        sqs.send_message(QueueUrl=system.resources.products.url, MessageBody=json.dumps({"put": products[start : start + 20]}))
    shop.put("images/g-uploaded.jpg", items[262].path.read_bytes(), {"suite": "gallery", "name": "Uploaded"})
    eventually(lambda: all(shop.documents(product) for product in (product_id(0), product_id(COUNT - 1), "g-uploaded")))
    in_suite = {"product_id": product_id(0), "size": 100, "filter": {"suite": "gallery"}}
    eventually(lambda: shop.get("/search", **in_suite).text.count("product_id") == COUNT)
    return chosen


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium without a window, for all tests of the gallery."""
    with chromium.running() as browser:
        yield browser


@pytest.fixture
def open_gallery(browser: Browser, system: RunningSystem, catalogue: list[CatalogueItem]) -> Iterator[OpenGallery]:
    """Opens the gallery in a window of its own; in the end no window may have complained."""
    contexts: list[BrowserContext] = []
    galleries: list[Gallery] = []

    def open_(address: str = "/", *, url: str = "", prepare: Callable[[Gallery], Any] = lambda gallery: None, **options: Any) -> Gallery:
        contexts.append(browser.new_context(**{"viewport": DESKTOP, **options}))
        contexts[-1].set_default_timeout(20_000)
        galleries.append(Gallery(contexts[-1].new_page(), url or system.search_url))
        prepare(galleries[-1])
        return galleries[-1].open(address)

    yield open_
    for context in contexts:
        context.close()
    assert [text for gallery in galleries for text in gallery.unexpected_complaints] == []


@pytest.fixture
def api_with_key(invoke: invocation.Invoke, system: RunningSystem) -> Iterator[Gateway]:
    """The same API behind a gateway that wants ``API_KEY``; asked for before `open_gallery`, it ends after the windows do."""
    with Gateway(invoke, "lookalike-search", api_key=API_KEY) as gateway:
        yield gateway
