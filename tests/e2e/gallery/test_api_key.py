"""The API key: asked for, stored, forgotten."""

import pytest
from playwright.sync_api import expect

from infra.local.gateway import Gateway
from tests.e2e.gallery.catalogue import PAGE_SIZE, product_id
from tests.e2e.gallery.page import API_KEY, OpenGallery

pytestmark = pytest.mark.processes


def test_the_key_is_asked_for_once_and_kept_for_the_tab(api_with_key: Gateway, open_gallery: OpenGallery) -> None:
    gallery = open_gallery(url=api_with_key.url)
    expect(gallery.page.get_by_role("dialog")).to_be_hidden()
    gallery.page.goto(f"{gallery.url}/?product_id={product_id(0)}")
    dialog = gallery.page.get_by_role("dialog", name="API key")
    expect(dialog.get_by_label("Key", exact=True)).to_be_focused()
    gallery.photograph("key")
    dialog.get_by_label("Key", exact=True).fill("wrong")
    dialog.get_by_role("button", name="Continue").click()
    expect(dialog.get_by_role("alert")).to_contain_text("This key was not accepted")
    dialog.get_by_label("Key", exact=True).fill(API_KEY)
    gallery.search(lambda: dialog.get_by_role("button", name="Continue").click())

    expect(gallery.cards).to_have_count(PAGE_SIZE)
    expect(dialog).to_be_hidden()
    gallery.page.reload()
    expect(gallery.cards).to_have_count(PAGE_SIZE)
    expect(dialog).to_be_hidden()
    assert gallery.page.evaluate("[sessionStorage.length, localStorage.length]") == [1, 0]
    gallery.button("Forget API key").click()
    assert gallery.page.evaluate("[sessionStorage.length, localStorage.length]") == [0, 0]
    gallery.cards.first.click()
    expect(dialog).to_be_visible()
    gallery.expect_failure(403)


def test_the_key_is_remembered_on_the_device_only_if_asked_to(api_with_key: Gateway, open_gallery: OpenGallery) -> None:
    gallery = open_gallery(f"/?product_id={product_id(0)}", url=api_with_key.url)
    dialog = gallery.page.get_by_role("dialog", name="API key")
    dialog.get_by_label("Key", exact=True).fill(API_KEY)
    dialog.get_by_label("Remember it on this device").check()
    gallery.search(lambda: dialog.get_by_role("button", name="Continue").click())

    assert gallery.page.evaluate("[sessionStorage.length, localStorage.length]") == [0, 1]
    gallery.expect_failure(403)


def test_without_a_key_the_page_says_that_one_is_needed(api_with_key: Gateway, open_gallery: OpenGallery) -> None:
    gallery = open_gallery(f"/?product_id={product_id(0)}", url=api_with_key.url)
    gallery.page.get_by_role("dialog", name="API key").get_by_role("button", name="Not now").click()
    expect(gallery.page.get_by_role("heading", name="An API key is needed")).to_be_visible()
    gallery.button("Enter an API key").click()
    dialog = gallery.page.get_by_role("dialog", name="API key")
    dialog.get_by_label("Key", exact=True).fill(API_KEY)
    gallery.search(lambda: dialog.get_by_role("button", name="Continue").click())

    expect(gallery.cards).to_have_count(PAGE_SIZE)
    gallery.expect_failure(403)
