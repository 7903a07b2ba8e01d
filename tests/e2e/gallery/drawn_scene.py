"""A picture of several drawn products, and the README's screenshot of the gallery, which searches by one of them.

``python -m tests.e2e.gallery.drawn_scene`` takes it from a running ``make demo``.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import expect, sync_playwright

from infra.demo import drawing
from tests.e2e import chromium
from tests.e2e.gallery.page import Gallery

CATEGORIES = ("dress", "umbrella", "t-shirt")
"""Of products that lie, so that no floor parts the scene."""

BEYOND = 600
"""Designs from here on are no product of the demo."""


def draw(path: Path, categories: Sequence[str] = CATEGORIES) -> None:
    """Writes a picture of a product of each category beside each other."""
    scene = Image.new("RGB", (drawing.SIZE * len(categories), drawing.SIZE))
    unknown = list(drawing.designs(BEYOND + 100))[BEYOND:]
    for place, category in enumerate(categories):
        design = next(design for design in unknown if design.category == category)
        picture = Image.open(BytesIO(drawing.draw(replace(design, background="#ece2d4"))))
        scene.paste(picture, (place * drawing.SIZE, 0))
    scene.save(path, quality=92)


def search_by_thing(gallery: Gallery, scene: Path, number: int) -> None:
    """Searches by one of the things in a scene, counted from the left."""
    gallery.choose(scene)
    expect(gallery.frames).to_have_count(len(CATEGORIES))
    from_the_left = sorted(gallery.frames.all(), key=lambda frame: (frame.bounding_box() or {"x": 0.0})["x"])
    gallery.search(from_the_left[number].click)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.e2e.gallery.drawn_scene", description="Takes the README's picture of the gallery."
    )
    parser.add_argument("--url", default="http://127.0.0.1:8800", help="of the demo's gallery")
    parser.add_argument("--thing", type=int, default=1, help="which of the things is searched by, from the left, counted from 0")
    given = parser.parse_args()
    with TemporaryDirectory() as folder, sync_playwright() as playwright, chromium.launch(playwright) as browser:
        scene = Path(folder) / "market.jpg"
        draw(scene)
        gallery = Gallery(browser.new_page(viewport={"width": 1480, "height": 900}), given.url).open()
        search_by_thing(gallery, scene, given.thing)
        gallery.wait_for_pictures()
        gallery.page.screenshot(path="infra/demo/gallery.jpg", type="jpeg", quality=85)


if __name__ == "__main__":
    main()
