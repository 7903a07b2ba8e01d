"""The products found."""

import json

import pytest
from playwright.sync_api import expect

from tests.e2e.gallery.catalogue import COUNT, PAGE_SIZE, product_id
from tests.e2e.gallery.page import OpenGallery

pytestmark = pytest.mark.processes


def test_every_hit_shows_its_score_the_best_first(open_gallery: OpenGallery) -> None:
    gallery = open_gallery(f"/?product_id={product_id(0)}")

    assert len(gallery.products) == len(gallery.scores) == PAGE_SIZE
    assert gallery.scores == sorted(gallery.scores, reverse=True)
    assert all(0.3 < score < 1 for score in gallery.scores)


def test_more_products_are_loaded_none_of_them_twice(open_gallery: OpenGallery) -> None:
    gallery = open_gallery(f"/?product_id={product_id(0)}&filter={json.dumps({'suite': 'gallery'})}")
    first = gallery.products
    body = gallery.search(lambda: gallery.button("Show more").click())

    expect(gallery.cards).to_have_count(2 * PAGE_SIZE)
    assert set(body) == {"cursor", "size"}
    expect(gallery.cards.nth(PAGE_SIZE)).to_be_focused()
    expect(gallery.announced).to_have_text(f"{PAGE_SIZE} more products, {2 * PAGE_SIZE} in all")
    gallery.search(lambda: gallery.button("Show more").click())
    expect(gallery.cards).to_have_count(COUNT)
    assert gallery.products[:PAGE_SIZE] == first
    assert len(set(gallery.products)) == COUNT
    expect(gallery.button("Show more")).to_be_hidden()


def test_a_picture_that_cannot_be_loaded_leaves_a_hit_that_says_so(open_gallery: OpenGallery) -> None:
    gallery = open_gallery(
        f"/?product_id={product_id(0)}", prepare=lambda gallery: gallery.page.route("**/*.jpg*", lambda route: route.abort())
    )
    gallery.expected.append("ERR_FAILED")
    gallery.cards.first.wait_for()

    expect(gallery.cards.first.get_by_text("This picture cannot be shown")).to_be_visible()
