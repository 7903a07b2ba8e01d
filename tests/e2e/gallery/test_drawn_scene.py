"""One of several products in a picture leads to products of its kind."""

from pathlib import Path

import pytest

from infra.demo.catalogue import CatalogueItem
from tests.e2e.gallery import drawn_scene
from tests.e2e.gallery.catalogue import attribute
from tests.e2e.gallery.page import OpenGallery

pytestmark = pytest.mark.processes


def test_each_product_in_a_scene_leads_to_its_kind(open_gallery: OpenGallery, catalogue: list[CatalogueItem], tmp_path: Path) -> None:
    scene = tmp_path / "market.jpg"
    drawn_scene.draw(scene)
    gallery = open_gallery()
    for number, category in enumerate(drawn_scene.CATEGORIES):
        drawn_scene.search_by_thing(gallery, scene, number)
        found = [attribute(catalogue, product, "category") for product in gallery.products[:5]]
        assert found.count(category) >= 2  # of sixty products in twelve categories

    gallery.photograph("scene")
