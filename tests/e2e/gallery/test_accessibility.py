"""Keys, screen readers, contrast, motion, phones."""

import json
import re

import pytest
from playwright.sync_api import expect

from infra.demo.catalogue import CatalogueItem
from infra.demo.image_server import ImageServer
from tests.e2e.gallery.catalogue import product_id
from tests.e2e.gallery.page import PHONE, HeldSearches, OpenGallery

pytestmark = pytest.mark.processes


def test_it_can_be_used_by_keys_alone(open_gallery: OpenGallery, catalogue: list[CatalogueItem], images: ImageServer) -> None:
    gallery = open_gallery()
    press = gallery.page.keyboard.press
    press("Tab")
    expect(gallery.page.get_by_role("link", name="Skip to the main content")).to_be_focused()
    while gallery.focused.get_attribute("id") != "link":
        press("Tab")
        assert gallery.is_focus_visible()
    gallery.page.keyboard.type(images.url(catalogue[8].path.name))
    gallery.search(lambda: press("Enter"))
    expect(gallery.heading).to_be_focused()
    gallery.page.get_by_role("link", name="Skip to the main content").focus()
    press("Enter")
    expect(gallery.page.get_by_role("heading", name="Similar products")).to_be_focused()
    press("Tab")
    expect(gallery.cards.first).to_be_focused()
    assert gallery.is_focus_visible()
    assert gallery.search(lambda: press("Enter"))["product_id"] == product_id(8)


def test_parts_have_roles_and_names_and_results_are_announced(open_gallery: OpenGallery) -> None:
    gallery = open_gallery(f"/?product_id={product_id(0)}")
    page = gallery.page
    gallery.cards.first.wait_for()

    for role, name in {
        "search": "Search by picture",
        "main": None,
        "banner": None,
        "form": "Filters",
        "region": "Similar products",
    }.items():
        expect(page.get_by_role(role, name=name) if name else page.get_by_role(role)).to_be_visible()  # type: ignore[arg-type]
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_label("Choose a picture")).to_be_attached()
    expect(page.get_by_role("img", name="The picture you are searching with")).to_be_visible()
    expect(gallery.cards.first).to_have_accessible_name(re.compile(r"\w+.*score 0\.\d{3}"))
    expect(gallery.announced).to_have_text(re.compile(r"^24 products, most similar first\. The best score is 0\.\d{3}\.$"))
    unnamed = page.evaluate(
        "[...document.querySelectorAll('button, input, a')].filter((e) => e.checkVisibility() && "
        "!(e.ariaLabel || e.textContent.trim() || e.labels?.length)).map((e) => e.outerHTML)"
    )
    assert unnamed == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_a_contrast_of_four_and_a_half(open_gallery: OpenGallery, scheme: str) -> None:
    gallery = open_gallery(color_scheme=scheme)
    assert [text for text, contrast in gallery.contrasts().items() if contrast < 4.5] == []
    gallery.photograph(f"start-{scheme}")
    gallery.open(f"/?product_id={product_id(0)}&filter={json.dumps({'suite': 'gallery'})}")
    gallery.cards.first.wait_for()
    gallery.button("Remove the filter suite: gallery").wait_for()
    assert [text for text, contrast in gallery.contrasts().items() if contrast < 4.5] == []
    gallery.photograph(f"desktop-{scheme}")


def test_nothing_moves_for_who_wants_no_motion(open_gallery: OpenGallery) -> None:
    gallery = open_gallery(f"/?product_id={product_id(0)}", reduced_motion="reduce", prepare=HeldSearches().hold)
    gallery.page.locator(".skeleton").first.wait_for()

    assert gallery.page.evaluate("document.getAnimations().length") == 0


def test_it_fits_a_phone(open_gallery: OpenGallery) -> None:
    gallery = open_gallery(**PHONE)
    assert not gallery.is_wider_than_the_window()
    gallery.photograph("phone-start")
    gallery.open(f"/?product_id={product_id(0)}")
    gallery.cards.first.wait_for()

    assert not gallery.is_wider_than_the_window()
    boxes = [card.bounding_box() for card in gallery.cards.all()[:3]]
    assert len({box["x"] for box in boxes if box}) == 2
    gallery.photograph("phone")
    expect(gallery.page.get_by_role("form", name="Filters")).to_be_hidden()
    gallery.button("Filters").tap()
    expect(gallery.page.get_by_role("form", name="Filters")).to_be_visible()
    expect(gallery.button("Filters")).to_have_attribute("aria-expanded", "true")
    assert not gallery.is_wider_than_the_window()
    gallery.photograph("phone-filters")
