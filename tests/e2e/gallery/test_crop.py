"""Searching by a part of the picture."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from infra.demo.catalogue import CatalogueItem
from infra.demo.image_server import ImageServer
from tests.e2e.gallery.catalogue import product_id
from tests.e2e.gallery.page import PHONE, OpenGallery

pytestmark = pytest.mark.processes


def test_a_crop_box_is_drawn_with_the_mouse(open_gallery: OpenGallery, catalogue: list[CatalogueItem], images: ImageServer) -> None:
    gallery = open_gallery()
    gallery.link(images.url(catalogue[0].path.name))
    body = gallery.search(lambda: gallery.drag((0.2, 0.3), (0.8, 0.9)))

    assert body["crop"] == pytest.approx({"left": 0.2, "top": 0.3, "right": 0.8, "bottom": 0.9}, abs=0.02)
    assert parse_qs(urlsplit(gallery.page.url).query)["crop"]
    gallery.photograph("crop")
    body = gallery.search(lambda: gallery.drag((0.8, 0.9), (0.6, 0.7)))
    assert body["crop"] == pytest.approx({"left": 0.2, "top": 0.3, "right": 0.6, "bottom": 0.7}, abs=0.02)
    body = gallery.search(lambda: gallery.drag((0.4, 0.5), (0.5, 0.6)))
    assert body["crop"] == pytest.approx({"left": 0.3, "top": 0.4, "right": 0.7, "bottom": 0.8}, abs=0.02)

    body = gallery.search(lambda: gallery.button("Whole picture").click())
    assert "crop" not in body


def test_a_crop_box_is_drawn_with_a_finger(open_gallery: OpenGallery) -> None:
    gallery = open_gallery(f"/?product_id={product_id(2)}", **PHONE)
    gallery.cards.first.wait_for()
    gallery.search(lambda: gallery.button("Select a part").tap())
    body = gallery.search(lambda: gallery.swipe((0.85, 0.85), (0.6, 0.7)))

    assert body["crop"] == pytest.approx({"left": 0.15, "top": 0.15, "right": 0.6, "bottom": 0.7}, abs=0.03)


def test_a_crop_box_is_moved_and_resized_with_the_keys(open_gallery: OpenGallery, catalogue: list[CatalogueItem]) -> None:
    gallery = open_gallery()
    gallery.choose(catalogue[1].path)
    gallery.search(lambda: gallery.button("Select a part").press("Enter"))
    expect(gallery.crop_box).to_be_focused()
    expect(gallery.crop_box).to_have_accessible_description(re.compile("Arrow keys move"))

    def press() -> None:
        for key in ("ArrowRight", "ArrowRight", "ArrowUp", "Shift+ArrowLeft"):
            gallery.page.keyboard.press(key)

    assert gallery.search(press)["crop"] == pytest.approx({"left": 0.19, "top": 0.13, "right": 0.87, "bottom": 0.83})
    expect(gallery.crop_box).to_have_accessible_name("19 to 87 percent across, 13 to 83 percent down")
    assert "crop" not in gallery.search(lambda: gallery.page.keyboard.press("Escape"))
    expect(gallery.button("Select a part")).to_be_focused()


def test_a_part_of_an_uploaded_product_can_be_searched(open_gallery: OpenGallery) -> None:
    gallery = open_gallery("/?product_id=g-uploaded")
    gallery.cards.first.wait_for()
    gallery.search(lambda: gallery.drag((0.1, 0.1), (0.9, 0.9)))

    assert "g-uploaded" in gallery.products
    shared = parse_qs(urlsplit(gallery.page.url).query)
    assert (shared["product_id"], set(shared)) == (["g-uploaded"], {"product_id", "image_id", "crop"})


def test_boxes_that_follow_on_each_other_are_one_step_for_back(open_gallery: OpenGallery) -> None:
    gallery = open_gallery(f"/?product_id={product_id(2)}")
    gallery.cards.first.wait_for()
    gallery.search(lambda: gallery.drag((0.2, 0.2), (0.7, 0.7)))
    gallery.search(lambda: gallery.drag((0.7, 0.7), (0.9, 0.9)))
    gallery.page.go_back()

    expect(gallery.crop_box).to_be_hidden()
    assert gallery.page.url.endswith(f"/?product_id={product_id(2)}")


def test_one_of_several_pictures_of_a_product_can_be_searched_by(open_gallery: OpenGallery) -> None:
    gallery = open_gallery(f"/?product_id={product_id(0)}")
    gallery.cards.first.wait_for()
    body = gallery.search(lambda: gallery.button("Search by picture 2 only").click())

    assert set(body) == {"image_id", "size"}
    expect(gallery.button("Search by picture 2 only")).to_have_attribute("aria-pressed", "true")
