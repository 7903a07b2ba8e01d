"""What is shown while a search runs, finds nothing or fails."""

import json

import pytest
from playwright.sync_api import expect

from infra.demo.image_server import ImageServer
from tests.e2e.gallery.catalogue import PAGE_SIZE, product_id
from tests.e2e.gallery.page import PHONE, HeldSearches, OpenGallery

pytestmark = pytest.mark.processes


def test_while_it_searches_skeletons_stand_where_products_will(open_gallery: OpenGallery) -> None:
    searches = HeldSearches()
    gallery = open_gallery(f"/?product_id={product_id(0)}", prepare=searches.hold)
    expect(gallery.page.locator(".skeleton").first).to_be_visible()
    expect(gallery.page.get_by_role("region", name="Similar products")).to_have_attribute("aria-busy", "true")
    expect(gallery.announced).to_have_text("Searching")
    gallery.photograph("searching")
    searches.release()
    expect(gallery.cards).to_have_count(PAGE_SIZE)
    expect(gallery.page.locator(".skeleton")).to_have_count(0)


def test_nothing_found_says_what_to_do(open_gallery: OpenGallery) -> None:
    gallery = open_gallery(f"/?product_id={product_id(0)}&filter={json.dumps({'price': {'gte': 1_000_000}})}")

    expect(gallery.page.get_by_role("heading", name="No products match these filters")).to_be_visible()
    expect(gallery.announced).to_contain_text("No products match these filters")
    gallery.photograph("empty")
    gallery.search(lambda: gallery.button("Remove all filters").click())
    expect(gallery.cards).to_have_count(PAGE_SIZE)


@pytest.mark.parametrize(
    ("address", "status", "title", "remedy"),
    [
        ("/?image_url={images}/text.jpg", 422, "This picture cannot be used", "Choose another picture"),
        ("/?image_url={images}/missing.jpg", 422, "The picture cannot be downloaded", "Choose another picture"),
        ("/?image_url={images}/fault/status/503", 503, "The search is not available right now", "Try again"),
        ("/?product_id=nobody", 404, "Product not found", "Choose another picture"),
        ('/?product_id=g-0&filter={"price":{"between":1}}', 400, "This filter cannot be used", "Remove all filters"),
    ],
)
def test_a_failure_says_what_happened_and_what_to_do(
    open_gallery: OpenGallery, images: ImageServer, address: str, status: int, title: str, remedy: str
) -> None:
    gallery = open_gallery(address.replace("{images}", f"http://{images.origin}"))

    expect(gallery.page.get_by_role("heading", name=title)).to_be_visible()
    expect(gallery.button(remedy)).to_be_visible()
    expect(gallery.page.get_by_text("Request ID for support:")).to_be_visible()
    expect(gallery.announced).to_contain_text(title)
    gallery.photograph(f"error-{status}")
    gallery.expected.append("Failed to load resource")


def test_a_picture_that_api_gateway_refuses_in_its_own_words_is_said_to_be_too_large(open_gallery: OpenGallery) -> None:
    gallery = open_gallery(
        f"/?product_id={product_id(0)}",
        prepare=lambda opened: opened.page.route(
            "**/search", lambda route: route.fulfill(status=413, json={"message": "Request Too Long"})
        ),
    )

    expect(gallery.page.get_by_role("heading", name="The picture is too large")).to_be_visible()
    expect(gallery.button("Choose another picture")).to_be_visible()
    gallery.expected.append("Failed to load resource")


@pytest.mark.parametrize("address", ["/?product_id=nobody", "/?text=red+shoes"])
def test_where_there_is_no_picture_the_heading_takes_its_place_on_a_phone(open_gallery: OpenGallery, address: str) -> None:
    gallery = open_gallery(address, **PHONE)
    gallery.expected.append("Failed to load resource")

    expect(gallery.page.locator("#query.has-no-picture")).to_be_visible()
    box = gallery.heading.bounding_box()
    assert box
    assert box["x"] < 20


def test_a_lost_connection_is_said_and_the_search_can_be_tried_again(open_gallery: OpenGallery) -> None:
    gallery = open_gallery(f"/?product_id={product_id(0)}")
    gallery.cards.first.wait_for()
    gallery.page.context.set_offline(True)
    gallery.cards.first.click()
    expect(gallery.page.get_by_role("heading", name="No connection")).to_be_visible()
    gallery.photograph("error-offline")
    gallery.page.context.set_offline(False)
    gallery.search(lambda: gallery.button("Try again").click())

    expect(gallery.cards).to_have_count(PAGE_SIZE)
    gallery.expected.append("ERR_INTERNET_DISCONNECTED")
