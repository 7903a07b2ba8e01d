"""The index that is searched and the one that is being filled, side by side."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from infra.demo.catalogue import CatalogueItem
from tests.e2e.gallery.catalogue import COUNT, PAGE_SIZE, product_id
from tests.e2e.gallery.page import DESKTOP, OpenGallery
from tests.e2e.shop_client import ShopClient

pytestmark = pytest.mark.processes


@pytest.fixture
def next_index(shop: ShopClient, catalogue: list[CatalogueItem], eventually: Callable[[Callable[[], bool]], None]) -> Iterator[str]:
    """An index that is being filled: it holds every other of the products."""
    client, alias, name = shop.elasticsearch, shop.system.alias, f"{shop.system.alias}-compared"
    [(current, found)] = client.indices.get(index=alias).items()
    client.indices.create(index=name, mappings=found["mappings"])
    half = [product_id(number) for number in range(0, COUNT, 2)]
    client.reindex(source={"index": current, "query": {"terms": {"product_id": half}}}, dest={"index": name}, refresh=True)
    client.indices.put_alias(index=name, name=f"{alias}-next")
    eventually(lambda: shop.get("/stats").json()["next_model"] is not None)
    yield name
    client.indices.delete(index=name)
    eventually(lambda: shop.get("/stats").json()["next_model"] is None)


def test_two_indices_are_searched_side_by_side(open_gallery: OpenGallery, next_index: str) -> None:
    gallery = open_gallery(f"/?product_id={product_id(0)}")
    now = gallery.products
    gallery.button("Compare with efficientnet_lite0").click()
    columns = [gallery.page.locator(f"#{name}-grid").get_by_role("link") for name in ("current", "next")]
    expect(columns[0]).to_have_count(PAGE_SIZE)
    expect(columns[1]).to_have_count(PAGE_SIZE)

    shown = [[each.get_attribute("data-product-id") for each in column.all()] for column in columns]
    common = set(shown[0]) & set(shown[1])
    assert shown[0] == now
    assert all(int(str(product).removeprefix("g-")) % 2 == 0 for product in shown[1])
    expect(gallery.page.get_by_text("in both")).to_have_count(2 * len(common))
    share = f"{len(common)} of {PAGE_SIZE} products are found by both ({round(100 * len(common) / PAGE_SIZE)} %)."
    expect(gallery.page.locator("#common-share")).to_have_text(share)
    expect(gallery.announced).to_have_text(share)
    gallery.photograph("comparison")


def test_a_comparison_can_be_shared_goes_on_from_product_to_product_and_ends(open_gallery: OpenGallery, next_index: str) -> None:
    gallery = open_gallery(f"/?product_id={product_id(0)}&compare=next", viewport={**DESKTOP, "width": 800})
    columns = gallery.page.locator("#next-grid").get_by_role("link")
    expect(columns).to_have_count(PAGE_SIZE)
    assert not gallery.is_wider_than_the_window()
    gallery.search(lambda: columns.first.click())
    expect(gallery.page.locator("#common-share")).to_contain_text("products are found by both")
    gallery.search(lambda: gallery.button("Stop comparing").click())

    expect(gallery.cards).to_have_count(PAGE_SIZE)
    assert "compare" not in gallery.page.url


def test_without_an_index_that_is_being_filled_there_is_nothing_to_compare(open_gallery: OpenGallery) -> None:
    gallery = open_gallery(f"/?product_id={product_id(0)}&compare=next")
    gallery.expect_failure(400)
    expect(gallery.page.get_by_role("heading", name="There is nothing to compare with")).to_be_visible()
    gallery.search(lambda: gallery.button("Stop comparing").click())

    expect(gallery.cards).to_have_count(PAGE_SIZE)
    expect(gallery.page.locator("#compare")).to_be_hidden()
