from collections import Counter
from io import BytesIO
from urllib.parse import quote

import numpy as np
import pytest
from lookalike.pictures.decoding import decode
from lookalike.search.ranking import MAX_HASH_DISTANCE, hash_distance
from PIL import Image

from infra.demo.drawing import ASSORTMENT, SIZE, designs, draw, shapes


def test_the_same_number_is_always_the_same_product_and_the_same_bytes() -> None:
    first, again = list(designs(14))[13], list(designs(300))[13]
    assert first == again
    assert draw(first) == draw(again)


@pytest.mark.parametrize("category", ASSORTMENT["categories"])
def test_every_kind_of_thing_is_drawn_as_a_jpeg_with_something_on_its_background(category: str) -> None:
    design = next(design for design in designs(len(ASSORTMENT["categories"])) if design.category == category)
    with Image.open(BytesIO(draw(design))) as picture:
        assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (SIZE, SIZE))
        assert np.asarray(picture).std() > 10


def test_the_drawn_catalogue_has_every_category_pattern_colour_and_background_and_as_many_of_each_category() -> None:
    catalogue = list(designs(12 * 24))
    assert set(Counter(design.category for design in catalogue).values()) == {24}
    assert {design.pattern for design in catalogue} == set(ASSORTMENT["patterns"])
    assert {design.colour for design in catalogue} == set(ASSORTMENT["colours"])
    assert {design.background for design in catalogue} == set(ASSORTMENT["backgrounds"])
    for category in ASSORTMENT["categories"]:
        numbers = range(len(shapes(category)))
        assert {design.shape % len(numbers) for design in catalogue if design.category == category} == set(numbers)


def test_attributes_give_each_form_of_filter_something_to_find() -> None:
    attributes = [design.attributes for design in designs(100)]
    assert {type(attributes[0][name]) for name in ("category", "price", "in_stock")} == {str, float, bool}
    assert {entry["in_stock"] for entry in attributes} == {True, False}
    assert len({entry["price"] for entry in attributes}) > 20
    assert all("2025-01-01" <= entry["added"] < "2027" for entry in attributes)


def test_product_ids_are_unique_and_safe_in_an_address() -> None:
    ids = [design.product_id for design in designs(500)]
    assert len(set(ids)) == 500
    assert all(quote(product_id, safe="") == product_id for product_id in ids)


def test_no_two_of_a_kind_are_taken_for_the_same_picture() -> None:
    hashes = [decode(draw(design), at_least=(SIZE, SIZE)).perceptual_hash for design in designs(60) if design.category in ("hat", "cup")]
    pairs = ((first, second) for place, first in enumerate(hashes) for second in hashes[:place])
    assert all(hash_distance(first, second) > MAX_HASH_DISTANCE for first, second in pairs)
