"""Boxes around the things of a saliency map."""

import numpy as np
import pytest
from lookalike.domain import Crop
from lookalike.search.detect import LEAST_AREA, MARGIN, MAX_THINGS, Saliency, things

SIDE = 100


def saliency(*boxes: tuple[int, int, int, int]) -> Saliency:
    """A map with things in these boxes: left, top, right and bottom in points."""
    drawn = np.zeros((SIDE, SIDE), np.float32)
    for left, top, right, bottom in boxes:
        drawn[top:bottom, left:right] = 0.9
    return drawn


def test_a_thing_has_a_box_with_a_margin() -> None:
    [found] = things(saliency((20, 40, 60, 60)))

    assert (found.crop, found.score) == (Crop(0.2 - 0.4 * MARGIN, 0.4 - 0.2 * MARGIN, 0.6 + 0.4 * MARGIN, 0.6 + 0.2 * MARGIN), 1.0)


def test_things_apart_have_boxes_of_their_own_the_one_that_stands_out_most_first() -> None:
    small, large = things(saliency((10, 10, 30, 30), (50, 50, 90, 90)))[::-1]

    assert (large.crop.left, small.crop.left) == pytest.approx((0.48, 0.09))
    assert (large.score, small.score) == pytest.approx((0.8, 0.2))


def test_a_thing_at_the_border_has_a_box_that_ends_there() -> None:
    [found] = things(saliency((0, 50, 40, 100)))

    assert (found.crop.left, found.crop.bottom) == (0.0, 1.0)


def test_a_thing_around_another_is_one_thing_and_so_is_a_winding_one() -> None:
    ring = saliency((10, 10, 90, 90))
    ring[20:80, 20:80] = 0
    ring[40:60, 40:60] = 0.9
    comb = saliency((0, 0, SIDE, 4), *((left, 0, left + 4, 60) for left in range(0, SIDE, 8)))

    assert [len(things(each)) for each in (ring, comb)] == [2, 1]


def test_lines_that_end_where_the_next_begins_are_not_one_thing() -> None:
    assert len(things(saliency((80, 0, SIDE, 30), (0, 31, 20, 60)))) == 2


def test_what_is_faint_or_tiny_is_no_thing() -> None:
    side = int(LEAST_AREA**0.5 * SIDE)

    assert things(saliency()) == things(saliency((10, 10, 90, 90)) * 0.5) == things(saliency((10, 10, 10 + side, 10 + side))) == []


def test_no_more_than_a_few_things_are_told() -> None:
    many = saliency(*((left, top, left + 15, top + 15) for left in range(0, SIDE, 25) for top in range(0, SIDE, 25)))

    assert len(things(many)) == MAX_THINGS
