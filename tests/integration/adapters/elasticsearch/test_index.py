"""What only a real index can show: scores, attributes that contradict each other, refusals in the middle of a batch."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.index import ElasticsearchIndex
from lookalike.domain import IndexedPicture, Vector
from lookalike.errors import IndexMissing, IndexUnavailable, Misconfigured, RequestInvalid
from lookalike.filters import Terms, parse
from lookalike.search.ports import MAX_K, Selection

from tests.integration.samples import indexed, own_name, pictures_definition, vector

COUNT = 400


@pytest.fixture
def index(elasticsearch: Elasticsearch, name: str) -> ElasticsearchIndex:
    elasticsearch.indices.create(index=name, **pictures_definition())
    return ElasticsearchIndex(elasticsearch, name)


@pytest.fixture(scope="module")
def large(elasticsearch: Elasticsearch) -> Iterator[ElasticsearchIndex]:
    """Four hundred products in more than one segment, for tests that only read."""
    with own_name(elasticsearch) as name:
        elasticsearch.indices.create(index=name, **pictures_definition())
        index = ElasticsearchIndex(elasticsearch, name)
        for start in range(0, COUNT, 100):
            index.write([(indexed(f"p-{number}"), vector(number)) for number in range(start, start + 100)], [])
            elasticsearch.indices.refresh(index=name)
        yield index


@pytest.fixture(scope="module")
def half(elasticsearch: Elasticsearch) -> Iterator[ElasticsearchIndex]:
    """An index of two shards, one of which has no node to be on."""
    definition = pictures_definition()
    settings = {**definition["settings"]["index"], "number_of_shards": 2, "routing.allocation.total_shards_per_node": 1}
    with own_name(elasticsearch) as name:
        elasticsearch.indices.create(index=name, **(definition | {"settings": {"index": settings}}), wait_for_active_shards=0)
        elasticsearch.cluster.health(index=name, wait_for_no_initializing_shards=True)
        assert elasticsearch.search(index=name)["_shards"]["failed"] == 1
        yield ElasticsearchIndex(elasticsearch, name)


def _write(client: Elasticsearch, index: ElasticsearchIndex, *pictures: IndexedPicture) -> None:
    assert index.write([(picture, vector(seed)) for seed, picture in enumerate(pictures)], []) == {}
    client.indices.refresh(index=index.name)


def _oracle(query: Vector) -> list[tuple[str, float]]:
    distances = np.linalg.norm(np.stack([vector(number) for number in range(COUNT)]) - query, axis=1)
    return [(f"p-{number}", 1 / (1 + distances[number])) for number in np.argsort(distances)]


@pytest.mark.parametrize("seed", [0, 150, 399])
def test_a_pictures_score_with_itself_is_one(large: ElasticsearchIndex, seed: int) -> None:
    nearest = large.nearest(vector(seed), Selection(), k=10, size=1).hits[0]
    exact = large.exact(vector(seed), Selection(), size=1)[0]

    assert (nearest.product_id, exact.product_id) == (f"p-{seed}", f"p-{seed}")
    assert (nearest.score, exact.score) == (1.0, 1.0)


def test_an_exact_search_is_what_numpy_computes(large: ElasticsearchIndex) -> None:
    hits = large.exact(vector(5000), Selection(), size=100)

    expected = _oracle(vector(5000))[:100]
    assert [hit.product_id for hit in hits] == [product_id for product_id, _ in expected]
    assert [hit.score for hit in hits] == pytest.approx([score for _, score in expected], abs=1e-5)


def test_a_nearest_search_scores_as_the_exact_one_does(large: ElasticsearchIndex) -> None:
    exact = {hit.product_id: hit.score for hit in large.exact(vector(5000), Selection(), size=100)}
    nearest = {hit.product_id: hit.score for hit in large.nearest(vector(5000), Selection(), k=50, size=20).hits}

    assert len(exact.keys() & nearest.keys()) >= 18
    assert [nearest[product_id] for product_id in exact.keys() & nearest.keys()] == pytest.approx(
        [exact[product_id] for product_id in exact.keys() & nearest.keys()], abs=1e-5
    )


def test_the_most_pictures_that_a_search_may_ask_for_are_found(large: ElasticsearchIndex) -> None:
    found = large.nearest(vector(0), Selection(), k=MAX_K, size=COUNT)

    assert (len(found.hits), found.is_all) == (COUNT, True)


def test_attributes_of_conflicting_types_reject_no_picture(elasticsearch: Elasticsearch, index: ElasticsearchIndex) -> None:
    values: list[Any] = [19.9, "n/a", {"eur": 5}, [1, "two", {"three": 3}], True, None, "2024-02-30", 10**400, "", {"eur": {"net": 4}}]
    attributes = [{"price": value} for value in values]

    _write(elasticsearch, index, *(indexed(f"p-{number}", each) for number, each in enumerate(attributes)))

    hits = index.exact(vector(0), Selection(), size=100)
    assert sorted(hit.product_id for hit in hits) == [f"p-{number}" for number in range(len(values))]
    assert {hit.product_id: hit.attributes for hit in hits} == {f"p-{number}": each for number, each in enumerate(attributes)}


@pytest.mark.parametrize(
    "attribute", ["", " ", ".", "a..b", ".a", "a.", "a. .b", "a b", "_id", "_source", "*", "a\nb", ".".join("a" * 40), "n" * 300, "ü" * 256]
)
def test_no_attribute_name_rejects_a_picture(elasticsearch: Elasticsearch, index: ElasticsearchIndex, attribute: str) -> None:
    _write(elasticsearch, index, indexed("hat", {attribute: 1, f"{attribute}.inner": "x" * 40_000}))

    assert index.exact(vector(0), Selection(), size=1)[0].attributes[attribute] == 1


def test_more_attributes_than_the_index_has_fields_reject_no_picture(elasticsearch: Elasticsearch, index: ElasticsearchIndex) -> None:
    _write(elasticsearch, index, indexed("hat", {f"attribute-{number}": number for number in range(1500)}))

    assert index.exact(vector(0), Selection(parse({"attribute-1400": 1400})), size=1)[0].product_id == "hat"


def test_a_number_can_be_filtered_though_another_product_has_a_text_there(elasticsearch: Elasticsearch, index: ElasticsearchIndex) -> None:
    _write(elasticsearch, index, indexed("odd", {"price": "n/a"}), indexed("hat", {"price": 19.9}), indexed("mug", {"price": "5"}))

    def found(given: dict[str, Any]) -> set[str]:
        selection = Selection(parse(given))
        index.warnings(selection.filter)
        return {hit.product_id for hit in index.exact(vector(0), selection, size=10)}

    assert found({"price": {"lt": 10}}) == {"mug"}
    assert found({"price": ["n/a", 19.9]}) == {"odd", "hat"}


def test_a_filter_keeps_its_scores_among_many(large: ElasticsearchIndex) -> None:
    wanted = [f"p-{number}" for number in range(0, COUNT, 40)]
    everything_else = frozenset(f"p-{number}" for number in range(COUNT)) - set(wanted)

    hits = large.nearest(vector(5000), Selection(without=everything_else), k=20, size=20).hits

    expected = [(product_id, score) for product_id, score in _oracle(vector(5000)) if product_id in wanted]
    assert [hit.product_id for hit in hits] == [product_id for product_id, _ in expected]
    assert [hit.score for hit in hits] == pytest.approx([score for _, score in expected], abs=1e-5)


def test_a_rejected_item_is_returned_with_its_error_and_the_rest_is_written(
    elasticsearch: Elasticsearch, index: ElasticsearchIndex
) -> None:
    short = vector(1)[:10]
    refused = index.write([(indexed("hat"), vector(0)), (indexed("short"), short), (indexed("mug"), vector(2))], ["nobody's"])
    elasticsearch.indices.refresh(index=index.name)

    assert set(refused) == {indexed("short").image_id}
    assert isinstance(refused[indexed("short").image_id], RequestInvalid)
    assert {hit.product_id for hit in index.exact(vector(0), Selection(), size=10)} == {"hat", "mug"}


def test_a_batch_larger_than_one_request_is_written_whole(
    elasticsearch: Elasticsearch, index: ElasticsearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lookalike.adapters.elasticsearch.index.MAX_BULK_BYTES", 5000)
    _write(elasticsearch, index, *(indexed(f"p-{number}", {"text": "x" * 1000}) for number in range(30)))

    assert len(index.exact(vector(0), Selection(), size=100)) == 30


def test_writes_to_a_write_protected_index_fail_and_nothing_is_lost(elasticsearch: Elasticsearch, index: ElasticsearchIndex) -> None:
    elasticsearch.indices.put_settings(index=index.name, settings={"index.blocks.write": True})

    refused = index.write([(indexed("hat"), vector(0))], [])

    assert [error.ending for error in refused.values()] == ["fail"]


def test_a_deleted_index_is_missing(elasticsearch: Elasticsearch, name: str) -> None:
    index = ElasticsearchIndex(elasticsearch, name)

    asks: list[Callable[[], object]] = [
        lambda: index.exact(vector(0), Selection(), size=1),
        lambda: index.nearest(vector(0), Selection(), k=1, size=1),
        lambda: index.embedded(["x"]),
        lambda: index.stored_of("hat", 5),
        lambda: index.warnings(Terms("kind", ("x",))),
        lambda: index.delete_products({"hat": 1}),
    ]
    for ask in asks:
        with pytest.raises(IndexMissing):
            ask()


def test_a_server_that_cannot_be_reached_is_unavailable() -> None:
    with Elasticsearch("http://127.0.0.1:9", max_retries=0) as nobody:
        index = ElasticsearchIndex(nobody, "any")

        asks: list[Callable[[], object]] = [
            lambda: index.pictures(["x"]),
            lambda: index.write([(indexed("hat"), vector(0))], []),
            lambda: index.exact(vector(0), Selection(), size=1),
        ]
        for ask in asks:
            with pytest.raises(IndexUnavailable):
                ask()


def test_query_vectors_of_another_length_are_misconfigured(large: ElasticsearchIndex) -> None:
    with pytest.raises(Misconfigured):
        large.nearest(vector(0)[:10], Selection(), k=1, size=1)
    with pytest.raises(Misconfigured):
        large.exact(vector(0)[:10], Selection(), size=1)


def test_a_deleted_index_does_not_answer_that_it_has_no_pictures(elasticsearch: Elasticsearch, name: str) -> None:
    with pytest.raises(IndexMissing):
        ElasticsearchIndex(elasticsearch, f"{name}-gone").pictures(["0" * 32])


def test_pictures_of_a_product_are_all_listed_however_many(
    index: ElasticsearchIndex, elasticsearch: Elasticsearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Elasticsearch gives at most `PAGE` documents at once."""
    monkeypatch.setattr("lookalike.adapters.elasticsearch.index.PAGE", 2)
    pictures = [indexed("hat", name=str(number)) for number in range(5)]
    _write(elasticsearch, index, *pictures)

    assert index.images_of(["hat"], "products").keys() == {picture.image_id for picture in pictures}


def test_nothing_is_written_into_an_index_that_is_gone_and_none_is_made_in_its_place(
    index: ElasticsearchIndex, elasticsearch: Elasticsearch
) -> None:
    elasticsearch.indices.delete(index=index.name)

    with pytest.raises(IndexMissing):
        index.write([(indexed("hat"), vector(0))], [])
    assert not elasticsearch.indices.exists(index=index.name)


ASKS: dict[str, Callable[[ElasticsearchIndex], object]] = {
    "nearest": lambda index: index.nearest(vector(0), Selection(), k=1, size=1),
    "exact": lambda index: index.exact(vector(0), Selection(), size=1),
    "images of a product": lambda index: index.images_of(["p-0"], "products"),
    "pictures of a product": lambda index: index.pictures_of("p-0", 1),
    "stored pictures": lambda index: index.stored_of("p-0", 1),
    "embedded": lambda index: index.embedded(["0" * 64]),
    "totals": lambda index: index.totals(),
    "warnings": lambda index: index.warnings(parse({"kind": "cup"})),
}


@pytest.mark.parametrize("ask", ASKS)
def test_of_an_index_one_of_whose_shards_is_away_nothing_is_told(half: ElasticsearchIndex, ask: str) -> None:
    with pytest.raises(IndexUnavailable):
        ASKS[ask](half)
