"""Searching by one of the things in the picture, which the page frames."""

from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import expect

from tests.e2e.gallery.page import PHONE, OpenGallery

pytestmark = pytest.mark.processes


@pytest.fixture
def two_things(tmp_path: Path) -> Path:
    """A picture of a red disc and a larger blue board."""
    drawn = Image.new("RGB", (600, 300), (230, 230, 225))
    pen = ImageDraw.Draw(drawn)
    pen.ellipse((50, 80, 200, 230), fill="firebrick")
    pen.rectangle((400, 60, 540, 250), fill="navy")
    drawn.save(tmp_path / "two.png")
    return tmp_path / "two.png"


def test_each_thing_has_a_frame_and_a_click_searches_by_it(open_gallery: OpenGallery, two_things: Path) -> None:
    gallery = open_gallery()
    gallery.choose(two_things)
    expect(gallery.frames).to_have_count(2)
    gallery.photograph("things")
    body = gallery.search(lambda: gallery.frames.nth(1).click())

    assert body["crop"] == pytest.approx({"left": 0.07, "top": 0.24, "right": 0.35, "bottom": 0.8}, abs=0.03)
    expect(gallery.crop_box).to_be_focused()
    expect(gallery.frames).to_have_count(0)
    gallery.photograph("thing")
    gallery.search(lambda: gallery.button("Whole picture").click())
    expect(gallery.frames).to_have_count(2)
    assert len([url for url in gallery.requested if url.endswith("/detect")]) == 1


def test_a_thing_is_chosen_with_the_keys(open_gallery: OpenGallery, two_things: Path) -> None:
    gallery = open_gallery()
    gallery.choose(two_things)
    expect(gallery.frames.first).to_have_accessible_name("Search by thing 1: 65 to 91 percent across, 17 to 87 percent down")
    body = gallery.search(lambda: gallery.frames.first.press("Enter"))

    assert body["crop"]["left"] == pytest.approx(0.65, abs=0.03)


def test_a_thing_is_chosen_with_a_finger(open_gallery: OpenGallery, two_things: Path) -> None:
    gallery = open_gallery(**PHONE)
    gallery.choose(two_things)
    body = gallery.search(lambda: gallery.frames.first.tap())

    assert body["crop"]["left"] == pytest.approx(0.65, abs=0.03)


def test_a_box_can_be_drawn_across_a_frame(open_gallery: OpenGallery, two_things: Path) -> None:
    gallery = open_gallery()
    gallery.choose(two_things)
    expect(gallery.frames).to_have_count(2)
    body = gallery.search(lambda: gallery.drag((0.7, 0.3), (0.8, 0.6)))

    assert body["crop"] == pytest.approx({"left": 0.7, "top": 0.3, "right": 0.8, "bottom": 0.6}, abs=0.02)


def test_a_picture_without_a_thing_has_no_frame(open_gallery: OpenGallery, tmp_path: Path) -> None:
    Image.new("RGB", (300, 300), (200, 200, 200)).save(tmp_path / "plain.png")
    gallery = open_gallery()
    with gallery.page.expect_response(lambda response: response.url.endswith("/detect")) as answered:
        gallery.choose(tmp_path / "plain.png")

    assert answered.value.json()["boxes"][0]["score"] == 0
    expect(gallery.frames).to_have_count(0)
