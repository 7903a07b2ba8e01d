"""Query bodies, as data."""

from typing import Any

import numpy as np
import pytest
from lookalike.adapters.elasticsearch import queries
from lookalike.filters import parse
from lookalike.search.ports import MAX_K, Selection

VECTOR = np.array([0.6, 0.8], np.float32)


def test_knn_filters_inside_with_more_candidates_and_keeps_the_best_of_each_product() -> None:
    body = queries.knn(VECTOR, Selection(parse({"kind": "cup"})), k=20, size=10)

    assert body["knn"]["filter"] == [{"bool": {"filter": [{"terms": {"keyword.kind": ["cup"]}}]}}]
    assert (body["knn"]["k"], body["knn"]["num_candidates"]) == (20, 800)
    assert (body["collapse"], body["size"]) == ({"field": "product_id"}, 10)
    assert "post_filter" not in body


def test_knn_has_no_filter_where_every_picture_may_be_a_hit() -> None:
    knn = queries.knn(VECTOR, Selection(), k=20, size=10)["knn"]

    assert "filter" not in knn
    assert knn["num_candidates"] == 200


def test_knn_never_asks_for_more_candidates_than_elasticsearch_allows() -> None:
    assert queries.knn(VECTOR, Selection(), k=MAX_K, size=10)["knn"]["num_candidates"] <= 10_000


def test_nothing_is_collapsed_where_every_picture_is_a_hit() -> None:
    selection = Selection(per="image")

    assert "collapse" not in queries.knn(VECTOR, selection, k=20, size=10)
    assert "collapse" not in queries.exact(VECTOR, selection, size=10)


@pytest.mark.parametrize(
    ("selection", "clauses"),
    [
        (Selection(), []),
        (Selection(without=frozenset({"b", "a"})), [{"bool": {"must_not": [{"terms": {"product_id": ["a", "b"]}}]}}]),
        (Selection(without_images=frozenset({"i"})), [{"bool": {"must_not": [{"terms": {"image_id": ["i"]}}]}}]),
        (Selection(among=frozenset({"i"})), [{"terms": {"image_id": ["i"]}}]),
        (Selection(among=frozenset()), [{"terms": {"image_id": []}}]),
    ],
)
def test_a_selection_says_what_a_picture_must_pass(selection: Selection, clauses: list[dict[str, Any]]) -> None:
    assert queries.selected(selection) == clauses


def test_diverse_pictures_are_taken_from_among_those_that_are_named() -> None:
    diversify = queries.diverse(VECTOR, ["i", "j"], size=1, diversity=0.25)["retriever"]["diversify"]

    assert (diversify["type"], diversify["lambda"], diversify["size"], diversify["rank_window_size"]) == ("mmr", 0.75, 1, 2)
    assert diversify["retriever"]["knn"]["filter"] == [{"terms": {"image_id": ["i", "j"]}}]


@pytest.mark.parametrize(
    ("given", "clause"),
    [
        ({"kind": ["a", True]}, {"terms": {"keyword.kind": ["a", "true"]}}),
        (
            {"kind": ["a", 10.0]},
            {
                "bool": {
                    "should": [{"terms": {"keyword.kind": ["a", "10"]}}, {"terms": {"number.kind": [10.0]}}],
                    "minimum_should_match": 1,
                }
            },
        ),
        ({"price": {"gte": 10, "lt": 50}}, {"range": {"number.price": {"gte": 10.0, "lt": 50.0}}}),
        ({"kind": {"exists": True}}, {"terms": {"attribute_names": ["kind"]}}),
        ({"kind": {"exists": False}}, {"bool": {"must_not": [{"terms": {"attribute_names": ["kind"]}}]}}),
    ],
)
def test_a_condition_is_one_clause(given: dict[str, Any], clause: dict[str, Any]) -> None:
    assert queries.filter_clause(parse(given)) == {"bool": {"filter": [clause]}}


def test_the_score_of_the_distance_is_computed_from_that_of_its_square() -> None:
    assert queries.exact_score(1.0) == 1.0
    assert queries.exact_score(1 / (1 + 2)) == pytest.approx(1 / (1 + 2**0.5))
