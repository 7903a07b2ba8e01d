"""What every index promises to indexing and searching."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from lookalike import browsing, indexing, searching
from lookalike.adapters.elasticsearch_index import ElasticsearchIndex
from lookalike.browsing import Totals
from lookalike.domain import Hit, IndexedPicture, Vector
from lookalike.errors import RequestInvalid
from lookalike.filters import EVERYTHING, parse
from lookalike.ranking import Selection

from tests.fakes import FakeIndex
from tests.integration.samples import indexed, own_name, pictures_definition, unit, vector


class Index(indexing.Index, searching.Index, browsing.Index, Protocol):
    """All sides of it."""


@dataclass(frozen=True)
class Bench:
    """An empty index; ``refresh`` is the moment's delay that a search may have."""

    index: Index
    refresh: Callable[[], object]

    def write(self, *pictures: IndexedPicture, vectors: list[Vector] | None = None) -> None:
        """Writes pictures, by default with vectors 0, 1, 2 …"""
        written = vectors or [vector(seed) for seed in range(len(pictures))]
        assert self.index.write(zip(pictures, written, strict=True), []) == {}
        self.refresh()

    def found(self, given: dict[str, Any]) -> set[str]:
        """The products that pass a filter."""
        selection = Selection(parse(given))
        self.index.check(selection.filter)
        return {hit.product_id for hit in self.index.nearest(vector(0), selection, k=50, size=50).hits}


@contextmanager
def _empty(request: pytest.FixtureRequest) -> Iterator[Bench]:
    if request.param == "fake":
        yield Bench(FakeIndex(), lambda: None)
        return
    client: Elasticsearch = request.getfixturevalue("elasticsearch")
    with own_name(client) as name:
        client.indices.create(index=name, **pictures_definition())
        yield Bench(ElasticsearchIndex(client, name), lambda: client.indices.refresh(index=name))


@pytest.fixture(params=["fake", "elasticsearch"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with _empty(request) as made:
        yield made


@pytest.fixture(params=["fake", "elasticsearch"], scope="module")
def assortment(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Four products, for tests that only read."""
    with _empty(request) as made:
        made.write(
            indexed("hat", {"kind": "dress", "price": 10, "stock": True, "since": "2024-05-01", "size": {"eu": "42"}}),
            indexed("mug", {"kind": "cup", "price": 19.9, "stock": False, "since": "2025-05-01", "tags": ["a", "b"]}),
            indexed("lamp", {"price": "99"}),
            indexed("odd", {"price": "on request"}),
        )
        yield made


def test_a_picture_that_was_written_is_there_at_once_and_whole(bench: Bench) -> None:
    uploaded = indexed("hat", {"price": 19.9, "colours": ["red", {"name": "blue"}], "none": None}, origin="upload")
    bench.index.write([(uploaded, vector(0))], [])

    assert bench.index.pictures([uploaded.image_id, "nobody's"]) == {uploaded.image_id: uploaded}


def test_a_picture_that_is_written_again_replaces_itself(bench: Bench) -> None:
    bench.write(indexed("hat", {"price": 1, "old": True}))
    bench.write(indexed("hat", {"price": 2}), vectors=[vector(7)])

    [hit] = bench.index.exact(vector(7), Selection(), size=10)

    assert hit.attributes == {"price": 2}
    assert hit.score == pytest.approx(1.0, abs=1e-6)


def test_deleting_what_is_there_removes_it_and_deleting_what_is_not_is_no_error(bench: Bench) -> None:
    bench.write(indexed("hat"), indexed("mug"))

    assert bench.index.write([], [indexed("hat").image_id, "nobody's"]) == {}
    bench.refresh()

    assert [hit.product_id for hit in bench.index.exact(vector(0), Selection(), size=10)] == ["mug"]


def test_nothing_asked_is_nothing_answered(bench: Bench) -> None:
    bench.write(indexed("hat"))
    bench.index.delete_products([])
    bench.refresh()

    assert (bench.index.pictures([]), bench.index.embedded([]), bench.index.images_of([], "products")) == ({}, {}, {})
    assert bench.index.write([], []) == {}
    assert len(bench.index.exact(vector(0), Selection(), size=10)) == 1


def test_what_a_network_made_of_known_bytes_is_known(bench: Bench) -> None:
    bench.write(indexed("hat", content="same"), indexed("copy", content="same"), indexed("mug"), vectors=[vector(1), vector(1), vector(2)])

    known = bench.index.embedded(["same", "never seen"])

    assert set(known) == {"same"}
    assert np.allclose(known["same"].vector, vector(1), atol=1e-6)
    assert known["same"].vector.dtype == np.float32
    assert (known["same"].perceptual_hash, known["same"].width, known["same"].height) == ("0f" * 32, 640, 480)


def test_the_pictures_of_a_product_are_told_by_the_door_they_came_in(bench: Bench) -> None:
    listed, uploaded = indexed("hat"), indexed("hat", name="side", origin="upload")
    bench.write(listed, uploaded, indexed("mug"))

    assert bench.index.images_of(["hat", "nobody"], "products") == {listed.image_id: "hat"}
    assert bench.index.images_of(["hat"], "upload") == {uploaded.image_id: "hat"}


def test_a_product_is_deleted_whole_also_what_was_written_a_moment_ago(bench: Bench) -> None:
    bench.index.write([(indexed("hat"), vector(0)), (indexed("hat", name="side", origin="upload"), vector(1))], [])
    bench.index.write([(indexed("mug"), vector(2))], [])

    bench.index.delete_products(["hat", "nobody"])

    assert [hit.product_id for hit in bench.index.exact(vector(0), Selection(), size=10)] == ["mug"]


def test_the_pictures_of_a_product_are_given_with_their_vectors_up_to_a_limit(bench: Bench) -> None:
    written = [indexed("hat", name=str(number)) for number in range(3)]
    bench.write(*written, indexed("mug"))

    found = {each.image_id: each for each in bench.index.stored_of("hat", 10)}

    assert set(found) == {each.image_id for each in written}
    for seed, each in enumerate(written):
        assert np.allclose(found[each.image_id].vector, vector(seed), atol=1e-6)
        assert (found[each.image_id].product_id, found[each.image_id].perceptual_hash) == ("hat", each.perceptual_hash)
    assert len(bench.index.stored_of("hat", 2)) == 2
    assert list(bench.index.stored_of("nobody", 10)) == []


def test_a_picture_is_given_with_its_vector_by_its_id(bench: Bench) -> None:
    bench.write(indexed("hat"), indexed("mug"))

    found = bench.index.stored(indexed("mug").image_id)

    assert found is not None
    assert (found.image_id, found.product_id) == (indexed("mug").image_id, "mug")
    assert np.allclose(found.vector, vector(1), atol=1e-6)
    assert bench.index.stored("nobody's") is None


@pytest.mark.parametrize("way", ["nearest", "exact"])
def test_every_picture_is_found_where_pictures_are_asked_for(bench: Bench, way: str) -> None:
    bench.write(indexed("hat"), indexed("hat", name="side"), indexed("mug"))
    every = _hits(bench.index, way, vector(0), Selection(per="image"), size=4)

    assert len({hit.image_id for hit in every}) == 3
    assert sorted(hit.product_id for hit in every) == ["hat", "hat", "mug"]
    without = Selection(per="image", without_images=frozenset({every[0].image_id}))
    assert [hit.image_id for hit in _hits(bench.index, way, vector(0), without, size=4)] == [hit.image_id for hit in every[1:]]


@pytest.mark.parametrize("way", ["nearest", "exact"])
def test_only_those_are_found_among_which_is_searched(bench: Bench, way: str) -> None:
    bench.write(*(indexed(f"mug-{number}") for number in range(6)))
    among = frozenset({indexed("mug-2").image_id, indexed("mug-4").image_id, "nobody's"})

    assert {hit.product_id for hit in _hits(bench.index, way, vector(0), Selection(among=among), size=4)} == {"mug-2", "mug-4"}


def test_diverse_pictures_are_near_and_yet_unlike_each_other(bench: Bench) -> None:
    """Three that are nearly the query, and two that are further away and unlike each other."""
    near = [unit(vector(0) + np.float32(0.01) * vector(seed)) for seed in (11, 12, 13)]
    far = [unit(vector(0) + vector(seed)) for seed in (14, 15)]
    written = [indexed(name) for name in ("near-0", "near-1", "near-2", "far-0", "far-1")]
    bench.write(*written, vectors=[*near, *far])
    every = [each.image_id for each in written]

    mixed = bench.index.diverse(vector(0), every, size=3, diversity=0.7)
    nearest = bench.index.diverse(vector(0), every, size=3, diversity=0.01)

    assert nearest == set(every[:3])
    assert set(every[3:]) < mixed
    assert len(mixed) == 3


def test_the_pictures_of_a_product_are_given_whole(bench: Bench) -> None:
    written = [indexed("hat", {"price": number}, name=str(number)) for number in range(3)]
    bench.write(*written, indexed("mug"))

    assert sorted(bench.index.pictures_of("hat", 10), key=lambda each: each.image_url) == written
    assert len(bench.index.pictures_of("hat", 2)) == 2
    assert list(bench.index.pictures_of("nobody", 10)) == []


def test_attributes_are_listed_with_their_values_and_bounds_what_most_have_first(assortment: Bench) -> None:
    found = {each.name: each for each in assortment.index.attributes(50, 10)}

    assert set(found) == {"kind", "price", "stock", "since", "size.eu", "tags"}
    assert next(iter(found)) == "price"
    assert (found["price"].pictures, found["price"].least, found["price"].most) == (4, 10, 99)
    assert {each.value: each.pictures for each in found["price"].values} == {"10": 1, "19.9": 1, "99": 1, "on request": 1}
    assert (found["kind"].pictures, found["kind"].least, found["kind"].most) == (2, None, None)
    assert found["since"].least == datetime(2024, 5, 1, tzinfo=UTC).timestamp() * 1000
    assert {each.value for each in found["tags"].values} == {"a", "b"}


def test_as_many_attributes_and_values_are_listed_as_are_asked_for(assortment: Bench) -> None:
    found = assortment.index.attributes(1, 2)

    assert [each.name for each in found] == ["price"]
    assert len(found[0].values) == 2


def test_totals_count_products_and_pictures(bench: Bench) -> None:
    assert bench.index.totals() == Totals(0, 0, None)
    assert list(bench.index.attributes(10, 10)) == []
    bench.write(indexed("hat"), indexed("hat", name="side"), indexed("mug"))

    totals = bench.index.totals()

    assert (totals.products, totals.pictures) == (2, 3)
    assert totals.last_indexed_at is not None
    assert abs(totals.last_indexed_at - indexed("hat").indexed_at) < timedelta(milliseconds=1)


@pytest.mark.parametrize("way", ["nearest", "exact"])
def test_the_best_picture_of_each_product_is_found_the_best_first(bench: Bench, way: str) -> None:
    bench.write(indexed("hat"), indexed("hat", name="side"), *(indexed(f"mug-{number}") for number in range(5)))

    hits = _hits(bench.index, way, vector(1), Selection(), size=4)

    assert (hits[0].product_id, hits[0].image_id) == ("hat", indexed("hat", name="side").image_id)
    assert hits[0].score == pytest.approx(1.0, abs=1e-6)
    assert len({hit.product_id for hit in hits}) == 4
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


@pytest.mark.parametrize("way", ["nearest", "exact"])
def test_a_hit_carries_what_was_indexed_and_the_score_of_the_distance(bench: Bench, way: str) -> None:
    bench.write(indexed("hat", {"price": {"eur": 19.9}}))

    [hit] = _hits(bench.index, way, vector(3), Selection(), size=4)

    assert (hit.product_id, hit.image_url, hit.attributes) == ("hat", indexed("hat").image_url, {"price": {"eur": 19.9}})
    assert hit.score == pytest.approx(1 / (1 + np.linalg.norm(vector(0) - vector(3))), abs=1e-5)


@pytest.mark.parametrize("way", ["nearest", "exact"])
def test_products_that_are_to_be_left_out_are_and_make_room_for_others(bench: Bench, way: str) -> None:
    bench.write(*(indexed(f"mug-{number}") for number in range(6)))

    hits = _hits(bench.index, way, vector(0), Selection(EVERYTHING, frozenset({"mug-0", "mug-1"})), size=4)

    assert {hit.product_id for hit in hits} == {"mug-2", "mug-3", "mug-4", "mug-5"}


def test_nearest_says_whether_there_may_be_more_pictures_than_it_saw(bench: Bench) -> None:
    bench.write(*(indexed("hat", name=str(number)) for number in range(4)))

    assert not bench.index.nearest(vector(0), Selection(), k=3, size=3).is_all
    assert bench.index.nearest(vector(0), Selection(), k=5, size=3).is_all


def test_an_empty_index_has_no_hits_and_says_that_is_all(bench: Bench) -> None:
    found = bench.index.nearest(vector(0), Selection(), k=3, size=3)

    assert (list(found.hits), found.is_all) == ([], True)
    assert list(bench.index.exact(vector(0), Selection(), size=3)) == []


@pytest.mark.parametrize(
    ("given", "products"),
    [
        ({}, "hat lamp mug odd"),
        ({"kind": "dress"}, "hat"),
        ({"kind": ["dress", "cup"]}, "hat mug"),
        ({"price": 10}, "hat"),
        ({"price": {"gte": 10, "lt": 50}}, "hat mug"),
        ({"price": {"gt": 10}}, "lamp mug"),
        ({"since": {"lte": "2024-06-01"}}, "hat"),
        ({"stock": True}, "hat"),
        ({"kind": {"exists": True}}, "hat mug"),
        ({"kind": {"exists": False}}, "lamp odd"),
        ({"kind": "dress", "price": {"gt": 10}}, ""),
        ({"all": [{"price": {"gte": 10}}, {"price": {"lt": 50}}]}, "hat mug"),
        ({"any": [{"kind": "cup"}, {"price": {"gt": 90}}]}, "lamp mug"),
        ({"not": {"kind": "dress"}}, "lamp mug odd"),
        ({"size.eu": {"gte": 40}}, "hat"),
        ({"tags": "b"}, "mug"),
        ({"price": "on request"}, "odd"),
    ],
    ids=str,
)
def test_a_filter_says_which_products_are_found(assortment: Bench, given: dict[str, Any], products: str) -> None:
    assert sorted(assortment.found(given)) == products.split()


def test_a_filter_never_changes_a_score(assortment: Bench) -> None:
    every = assortment.index.nearest(vector(9), Selection(), k=50, size=50).hits
    filtered = assortment.index.nearest(vector(9), Selection(parse({"kind": "cup"})), k=50, size=50).hits

    assert [hit for hit in every if hit.product_id == "mug"] == list(filtered)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"nothing": "x"}, "filter.nothing"),
        ({"nothing": {"exists": True}}, "filter.nothing"),
        ({"kind": {"gte": 1}}, "filter.kind"),
        ({"not": {"nothing": "x"}}, "filter.nothing"),
        ({"any": [{"kind": "dress"}, {"nothing": "x"}]}, "filter.nothing"),
        ({"pri*": {"lt": 50}}, "filter.pri*"),
    ],
    ids=str,
)
def test_a_filter_that_no_product_could_answer_is_refused_and_named(assortment: Bench, given: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestInvalid) as refused:
        assortment.index.check(parse(given))

    assert refused.value.field == field


def test_an_attribute_can_be_filtered_as_soon_as_a_product_has_it(bench: Bench) -> None:
    bench.write(indexed("hat"))
    with pytest.raises(RequestInvalid):
        bench.found({"kind": "cup"})
    bench.write(indexed("mug", {"kind": "cup"}))

    assert bench.found({"kind": "cup"}) == {"mug"}


def _hits(index: Index, way: str, given: Vector, selection: Selection, *, size: int) -> list[Hit]:
    found = index.nearest(given, selection, k=50, size=size).hits if way == "nearest" else index.exact(given, selection, size=size)
    return list(found)
