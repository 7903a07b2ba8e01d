"""Ways to search: choose, drop, paste, link, click on a product."""

import base64
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from infra.demo.catalogue import CatalogueItem
from infra.demo.image_server import ImageServer
from tests.e2e.gallery.catalogue import PAGE_SIZE, product_id
from tests.e2e.gallery.page import OpenGallery
from tests.made_pictures import file_of

pytestmark = pytest.mark.processes


def test_a_chosen_picture_finds_its_product_first(open_gallery: OpenGallery, catalogue: list[CatalogueItem]) -> None:
    gallery = open_gallery()
    gallery.choose(catalogue[3].path)

    assert (gallery.products[0], gallery.scores[0]) == (product_id(3), 1.0)
    expect(gallery.heading).to_have_text("Your picture")


def test_a_picture_can_be_dropped_anywhere(open_gallery: OpenGallery, catalogue: list[CatalogueItem]) -> None:
    gallery = open_gallery()
    gallery.search(lambda: gallery.drop(catalogue[4].path))

    assert gallery.products[0] == product_id(4)
    expect(gallery.page.get_by_text("Drop the picture")).to_be_hidden()


def test_a_picture_can_be_pasted(open_gallery: OpenGallery, catalogue: list[CatalogueItem]) -> None:
    gallery = open_gallery()
    gallery.search(lambda: gallery.paste(catalogue[5].path))

    assert gallery.products[0] == product_id(5)


def test_an_address_can_be_pasted_or_entered(open_gallery: OpenGallery, catalogue: list[CatalogueItem], images: ImageServer) -> None:
    gallery = open_gallery()
    gallery.search(lambda: gallery.paste_text(images.url(catalogue[6].path.name)))
    assert gallery.products[0] == product_id(6)

    gallery.link(images.url(catalogue[7].path.name))
    assert gallery.products[0] == product_id(7)
    expect(gallery.heading).to_have_text("Linked picture")


def test_words_are_searched_and_a_model_that_knows_none_is_told(open_gallery: OpenGallery) -> None:
    gallery = open_gallery()
    gallery.expect_failure(400)

    assert gallery.link("red shoes") == {"text": "red shoes", "size": PAGE_SIZE}
    expect(gallery.heading).to_have_text("“red shoes”")
    expect(gallery.page.get_by_role("heading", name="These words cannot be searched")).to_be_visible()
    expect(gallery.page.locator("#notice")).to_contain_text("has no text encoder")
    assert gallery.page.url.endswith("?text=red+shoes")


@pytest.mark.parametrize("entered", ["", "ftp://shop.example/a.jpg", "https://"])
def test_what_is_neither_is_not_sent_and_the_field_says_what_is_wanted(open_gallery: OpenGallery, entered: str) -> None:
    gallery = open_gallery()
    field = gallery.page.get_by_label("Link to a picture")
    field.fill(entered)
    field.press("Enter")

    expect(gallery.page.get_by_role("alert").first).to_contain_text("https://")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    assert not any(url.endswith("/search") for url in gallery.requested)


def test_a_click_on_a_product_goes_on_from_there(open_gallery: OpenGallery, catalogue: list[CatalogueItem]) -> None:
    gallery = open_gallery(f"/?product_id={product_id(0)}")
    next_product = gallery.products[1]
    body = gallery.search(lambda: gallery.cards.nth(1).click())

    assert body["product_id"] == next_product
    assert next_product not in gallery.products
    expect(gallery.heading).to_have_text(str(catalogue[int(next_product.removeprefix("g-"))].attributes["name"]))
    expect(gallery.heading).to_be_focused()


def test_the_start_says_how_much_there_is_and_shows_products_to_begin_with(open_gallery: OpenGallery) -> None:
    gallery = open_gallery()
    suggestions = gallery.page.get_by_role("list", name="Or start with one of these products").get_by_role("link")
    expect(suggestions).to_have_count(12)
    expect(gallery.page.get_by_text(re.compile(r"Search \d+ products by picture"))).to_be_visible()
    suggested = suggestions.first.get_attribute("data-product-id")

    assert gallery.search(lambda: suggestions.first.click())["product_id"] == suggested


def test_a_large_picture_is_scaled_down_before_it_is_sent(open_gallery: OpenGallery, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (2600, 3000, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.png")
    assert (tmp_path / "large.png").stat().st_size > 10_000_000

    body = open_gallery().choose(tmp_path / "large.png")

    assert len(body["image"]) < 4_400_000


@pytest.mark.parametrize("name", ["IMG_0001.HEIC", "no-type"])
def test_a_phone_s_picture_that_the_browser_cannot_read_is_sent_as_it_is(open_gallery: OpenGallery, tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (1200, 1400, 3), dtype=np.uint8)
    (tmp_path / name).write_bytes(file_of(Image.fromarray(noise), "HEIF", quality=80))
    assert 2_000_000 < (tmp_path / name).stat().st_size < 4_300_000
    gallery = open_gallery()

    body = gallery.choose(tmp_path / name)

    assert base64.b64decode(body["image"]) == (tmp_path / name).read_bytes()
    expect(gallery.cards.first).to_be_visible()


def test_a_file_that_is_no_picture_is_refused_with_advice(open_gallery: OpenGallery, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear shop")
    gallery = open_gallery()
    gallery.page.set_input_files("#file", tmp_path / "letter.txt")

    expect(gallery.page.get_by_role("alert").first).to_contain_text("Save it as JPEG or PNG")
