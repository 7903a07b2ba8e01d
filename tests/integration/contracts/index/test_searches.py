"""What every index promises to searches: the best pictures or products, the best first, with the score of their distance."""

import numpy as np
import pytest
from lookalike.domain import Hit, Vector
from lookalike.filters import EVERYTHING
from lookalike.search.ports import SearchableIndex, Selection

from tests.integration.contracts.index.index_under_test import IndexUnderTest
from tests.integration.samples import indexed, unit, vector


@pytest.mark.parametrize("way", ["nearest", "exact"])
def test_every_picture_is_found_where_pictures_are_asked_for(under_test: IndexUnderTest, way: str) -> None:
    under_test.write(indexed("hat"), indexed("hat", name="side"), indexed("mug"))
    every = _hits(under_test.index, way, vector(0), Selection(per="image"), size=4)

    assert len({hit.image_id for hit in every}) == 3
    assert sorted(hit.product_id for hit in every) == ["hat", "hat", "mug"]
    without = Selection(per="image", without_images=frozenset({every[0].image_id}))
    assert [hit.image_id for hit in _hits(under_test.index, way, vector(0), without, size=4)] == [hit.image_id for hit in every[1:]]


@pytest.mark.parametrize("way", ["nearest", "exact"])
def test_only_those_are_found_among_which_is_searched(under_test: IndexUnderTest, way: str) -> None:
    under_test.write(*(indexed(f"mug-{number}") for number in range(6)))
    among = frozenset({indexed("mug-2").image_id, indexed("mug-4").image_id, "nobody's"})

    assert {hit.product_id for hit in _hits(under_test.index, way, vector(0), Selection(among=among), size=4)} == {"mug-2", "mug-4"}


def test_diverse_pictures_are_near_and_yet_unlike_each_other(under_test: IndexUnderTest) -> None:
    """Three that are nearly the query, and two that are further away and unlike each other."""
    near = [unit(vector(0) + np.float32(0.01) * vector(seed)) for seed in (11, 12, 13)]
    far = [unit(vector(0) + vector(seed)) for seed in (14, 15)]
    written = [indexed(name) for name in ("near-0", "near-1", "near-2", "far-0", "far-1")]
    under_test.write(*written, vectors=[*near, *far])
    every = [each.image_id for each in written]

    mixed = under_test.index.diverse(vector(0), every, size=3, diversity=0.7)
    nearest = under_test.index.diverse(vector(0), every, size=3, diversity=0.01)

    assert nearest == set(every[:3])
    assert set(every[3:]) < mixed
    assert len(mixed) == 3


@pytest.mark.parametrize("way", ["nearest", "exact"])
def test_the_best_picture_of_each_product_is_found_the_best_first(under_test: IndexUnderTest, way: str) -> None:
    under_test.write(indexed("hat"), indexed("hat", name="side"), *(indexed(f"mug-{number}") for number in range(5)))

    hits = _hits(under_test.index, way, vector(1), Selection(), size=4)

    assert (hits[0].product_id, hits[0].image_id) == ("hat", indexed("hat", name="side").image_id)
    assert hits[0].score == pytest.approx(1.0, abs=1e-6)
    assert len({hit.product_id for hit in hits}) == 4
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


@pytest.mark.parametrize("way", ["nearest", "exact"])
def test_a_hit_carries_what_was_indexed_and_the_score_of_the_distance(under_test: IndexUnderTest, way: str) -> None:
    under_test.write(indexed("hat", {"price": {"eur": 19.9}}))

    [hit] = _hits(under_test.index, way, vector(3), Selection(), size=4)

    assert (hit.product_id, hit.image_url, hit.attributes) == ("hat", indexed("hat").image_url, {"price": {"eur": 19.9}})
    assert hit.score == pytest.approx(1 / (1 + np.linalg.norm(vector(0) - vector(3))), abs=1e-5)


@pytest.mark.parametrize("way", ["nearest", "exact"])
def test_products_that_are_to_be_left_out_are_and_make_room_for_others(under_test: IndexUnderTest, way: str) -> None:
    under_test.write(*(indexed(f"mug-{number}") for number in range(6)))

    hits = _hits(under_test.index, way, vector(0), Selection(EVERYTHING, frozenset({"mug-0", "mug-1"})), size=4)

    assert {hit.product_id for hit in hits} == {"mug-2", "mug-3", "mug-4", "mug-5"}


def test_nearest_says_whether_there_may_be_more_pictures_than_it_saw(under_test: IndexUnderTest) -> None:
    under_test.write(*(indexed("hat", name=str(number)) for number in range(4)))

    assert not under_test.index.nearest(vector(0), Selection(), k=3, size=3).is_all
    assert under_test.index.nearest(vector(0), Selection(), k=5, size=3).is_all


def test_an_empty_index_has_no_hits_and_says_that_is_all(under_test: IndexUnderTest) -> None:
    found = under_test.index.nearest(vector(0), Selection(), k=3, size=3)

    assert (list(found.hits), found.is_all) == ([], True)
    assert list(under_test.index.exact(vector(0), Selection(), size=3)) == []


def _hits(index: SearchableIndex, way: str, given: Vector, selection: Selection, *, size: int) -> list[Hit]:
    found = index.nearest(given, selection, k=50, size=size).hits if way == "nearest" else index.exact(given, selection, size=size)
    return list(found)
