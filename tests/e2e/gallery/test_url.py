"""The query in the page's URL, Back and Forward."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import expect
from werkzeug import wrappers

from infra.demo.catalogue import CatalogueItem
from infra.local.loopback import LoopbackServer
from infra.local.running_system import RunningSystem
from tests.e2e.gallery.catalogue import PAGE_SIZE, product_id
from tests.e2e.gallery.page import OpenGallery

pytestmark = pytest.mark.processes


def test_the_query_in_the_address_can_be_shared(open_gallery: OpenGallery) -> None:
    gallery = open_gallery(f"/?product_id={product_id(0)}")
    gallery.search(lambda: gallery.drag((0.1, 0.1), (0.9, 0.7)))
    gallery.open_facet("in_stock")
    gallery.search(lambda: gallery.page.get_by_role("checkbox", name=re.compile("^true")).check())
    shared = gallery.page.url.removeprefix(gallery.url)

    other = open_gallery(shared)

    assert (other.products, other.scores) == (gallery.products, gallery.scores)
    expect(other.crop_box).to_be_visible()
    expect(other.button("Remove the filter in stock: true")).to_be_visible()


def test_back_shows_what_was_found_where_one_was_without_searching_again(open_gallery: OpenGallery, catalogue: list[CatalogueItem]) -> None:
    gallery = open_gallery()
    gallery.choose(catalogue[3].path)
    gallery.search(lambda: gallery.button("Show more").click())
    found = gallery.products
    gallery.cards.nth(40).scroll_into_view_if_needed()
    height = gallery.page.evaluate("scrollY")
    assert height > 500
    gallery.search(lambda: gallery.cards.nth(40).click())
    assert gallery.page.evaluate("scrollY") == 0
    searches = [url for url in gallery.requested if url.endswith("/search")]

    gallery.page.go_back()
    expect(gallery.heading).to_have_text("Your picture")
    assert gallery.products == found
    expect(gallery.cards.nth(40)).to_be_focused()
    assert gallery.page.evaluate("scrollY") == pytest.approx(height, abs=5)
    gallery.page.go_forward()
    expect(gallery.cards).to_have_count(PAGE_SIZE)
    assert [url for url in gallery.requested if url.endswith("/search")] == searches
    gallery.page.go_back()
    gallery.page.go_back()
    expect(gallery.heading).to_have_text("Find similar products")


def test_an_uploaded_picture_is_kept_for_back_and_said_not_to_be_in_the_address(
    open_gallery: OpenGallery, catalogue: list[CatalogueItem]
) -> None:
    gallery = open_gallery()
    gallery.choose(catalogue[3].path)
    expect(gallery.page.get_by_text("cannot be shared as a link")).to_be_visible()
    assert gallery.page.url == f"{gallery.url}/"
    gallery.search(lambda: gallery.cards.nth(1).click())
    gallery.page.go_back()
    body = gallery.search(lambda: gallery.drag((0.2, 0.2), (0.8, 0.8)))
    assert set(body) == {"image", "crop", "size"}

    gallery.page.reload()
    expect(gallery.page.get_by_text("kept only until")).to_be_visible()
    gallery.choose(catalogue[3].path)
    assert gallery.products[0] == product_id(3)


@pytest.fixture
def stage(system: RunningSystem) -> Iterator[LoopbackServer]:
    """The API under the path /v1; asked for before `open_gallery`, it ends after the windows do."""

    def behind_a_stage(request: wrappers.Request) -> wrappers.Response:
        url = f"{system.search_url}/{request.full_path.removeprefix('/v1').lstrip('/')}"
        passed = {name: value for name, value in request.headers.items() if name.lower() == "content-type"}
        answer = requests.request(request.method, url, data=request.get_data(), headers=passed, timeout=60)
        return wrappers.Response(answer.content, answer.status_code, {"Content-Type": answer.headers["Content-Type"]})

    with LoopbackServer(behind_a_stage) as server:
        yield server


@pytest.mark.parametrize("address", ["/v1", "/v1/"])
def test_it_works_under_a_stage_path_with_and_without_its_slash(stage: LoopbackServer, open_gallery: OpenGallery, address: str) -> None:
    gallery = open_gallery(f"{address}?product_id={product_id(0)}", url=stage.url)
    gallery.search(lambda: gallery.cards.first.click())

    assert urlsplit(gallery.page.url).path == "/v1/"
    assert all(urlsplit(url).path.startswith("/v1") for url in gallery.requested if url.startswith(stage.url))
