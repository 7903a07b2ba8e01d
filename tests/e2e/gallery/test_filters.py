"""Filters, made from the attributes of the index."""

import json
import re

import pytest
from playwright.sync_api import expect

from infra.demo.catalogue import CatalogueItem
from tests.e2e.gallery.catalogue import attribute, product_id
from tests.e2e.gallery.page import OpenGallery

pytestmark = pytest.mark.processes


def test_filters_come_from_the_indexs_own_attributes_and_narrow_the_hits(open_gallery: OpenGallery, catalogue: list[CatalogueItem]) -> None:
    gallery = open_gallery(f"/?product_id={product_id(0)}")
    colours = gallery.page.get_by_role("form", name="Filters").get_by_role("group", name="colour", exact=True)
    gallery.open_facet("colour")
    colour = str(catalogue[1].attributes["colour"])
    body = gallery.search(lambda: colours.get_by_role("checkbox", name=re.compile(colour)).check())

    assert body["filter"] == {"colour": colour}
    assert {attribute(catalogue, product, "colour") for product in gallery.products if product != "g-uploaded"} == {colour}
    expect(colours.get_by_role("checkbox", name=re.compile(colour))).to_be_focused()
    gallery.photograph("filters")
    body = gallery.search(lambda: gallery.button(f"Remove the filter colour: {colour}").click())
    assert "filter" not in body
    expect(colours.get_by_role("checkbox", name=re.compile(colour))).not_to_be_checked()


def test_numbers_are_filtered_by_bounds_and_several_values_widen(open_gallery: OpenGallery, catalogue: list[CatalogueItem]) -> None:
    gallery = open_gallery(f"/?product_id={product_id(0)}")
    gallery.open_facet("price")
    price = gallery.page.get_by_role("group", name="price", exact=True)
    price.get_by_label("from").fill("20")
    gallery.search(lambda: price.get_by_label("from").press("Tab"))
    price.get_by_label("to").fill("100")
    body = gallery.search(lambda: price.get_by_label("to").press("Tab"))

    assert body["filter"] == {"price": {"gte": 20, "lte": 100}}
    assert all(20 <= attribute(catalogue, product, "price") <= 100 for product in gallery.products)
    gallery.open_facet("category")
    boxes = gallery.page.get_by_role("group", name="category", exact=True).get_by_role("checkbox")
    gallery.search(lambda: boxes.nth(0).check())
    body = gallery.search(lambda: boxes.nth(1).check())
    assert len(body["filter"]["category"]) == 2


def test_a_name_in_the_filter_that_no_product_has_is_told(open_gallery: OpenGallery) -> None:
    warning = "no product has a value in the attribute 'colur': check its name."
    gallery = open_gallery(f"/?product_id={product_id(0)}&filter={json.dumps({'not': {'colur': 'red'}})}")
    shown = gallery.page.locator("#warnings")

    assert gallery.products
    expect(shown).to_have_text(warning)
    expect(gallery.announced).to_contain_text(warning)
    gallery.search(lambda: gallery.page.get_by_role("button", name="Remove the filter not").click())
    expect(shown).to_be_empty()
    gallery.page.go_back()
    expect(shown).to_have_text(warning)


def test_a_filter_of_the_address_that_no_field_can_show_is_kept_and_can_be_removed(open_gallery: OpenGallery) -> None:
    wanted = {"not": {"category": "dress"}, "suite": "gallery"}
    gallery = open_gallery(f"/?product_id={product_id(0)}&filter={json.dumps(wanted)}")
    gallery.open_facet("in_stock")
    body = gallery.search(lambda: gallery.page.get_by_role("checkbox", name=re.compile("^true")).check())
    assert body["filter"] == {**wanted, "in_stock": "true"}

    body = gallery.search(lambda: gallery.page.get_by_role("button", name="Remove the filter not").click())
    assert body["filter"] == {"suite": "gallery", "in_stock": "true"}
