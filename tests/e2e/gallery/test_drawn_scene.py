"""One of several products in a picture leads to products of its kind; the screenshot is that of the project's README."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from infra.demo.catalogue import CatalogueItem
from infra.demo.drawing import SIZE, designs, draw
from tests.e2e.gallery.catalogue import attribute
from tests.e2e.gallery.page import Gallery, OpenGallery

pytestmark = pytest.mark.processes

CATEGORIES = ("dress", "umbrella", "t-shirt")
"""Of products that lie, so that no floor parts the scene."""

BEYOND = 600
"""Designs from here on are no product of the tests."""


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """A picture of a dress, an umbrella and a T-shirt beside each other."""
    drawn = Image.new("RGB", (SIZE * len(CATEGORIES), SIZE))
    unknown = list(designs(BEYOND + 100))[BEYOND:]
    for place, category in enumerate(CATEGORIES):
        design = next(design for design in unknown if design.category == category)
        picture = Image.open(BytesIO(draw(replace(design, background="#ece2d4"))))
        drawn.paste(picture, (place * SIZE, 0))
    drawn.save(tmp_path / "window.jpg", quality=92)
    return tmp_path / "window.jpg"


def choose_thing(gallery: Gallery, scene: Path, number: int) -> None:
    """Searches by one of the things in the scene, counted from the left."""
    gallery.choose(scene)
    frames = gallery.page.get_by_role("group", name="Things in the picture").get_by_role("button")
    expect(frames).to_have_count(len(CATEGORIES))
    from_the_left = sorted(frames.all(), key=lambda frame: (frame.bounding_box() or {"x": 0.0})["x"])
    gallery.search(from_the_left[number].click)


def test_a_product_in_a_scene_leads_to_its_kind(open_gallery: OpenGallery, catalogue: list[CatalogueItem], scene: Path) -> None:
    gallery = open_gallery()
    for number, category in reversed(list(enumerate(CATEGORIES))):
        choose_thing(gallery, scene, number)
        assert [attribute(catalogue, product, "category") for product in gallery.products[:2]] == [category] * 2

    gallery.photograph("scene")
