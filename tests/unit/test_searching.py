from statistics import StatisticsError

import pytest
from lookalike.search.ranking import MAX_HASH_DISTANCE, hash_distance

from infra.demo.searching import Judged, precision_at

QUERY = Judged("hat", "0" * 64)


def judged(category: str, bits: int = 128) -> Judged:
    return Judged(category, f"{(1 << bits) - 1:064x}")


def test_hashes_differ_in_as_many_bits_as_were_turned() -> None:
    assert hash_distance("0" * 64, f"{0b1011:064x}") == 3
    assert hash_distance("f" * 64, "0" * 64) == 256


def test_precision_is_the_share_of_the_first_hits_with_the_right_category() -> None:
    ranking = (QUERY, [judged("hat"), judged("shoe"), judged("hat"), judged("hat"), judged("shoe"), judged("hat")])
    assert precision_at(1, [ranking]) == 1
    assert precision_at(5, [ranking]) == pytest.approx(3 / 5)


def test_precision_is_a_mean_over_queries() -> None:
    right, wrong = (QUERY, [judged("hat")]), (QUERY, [judged("shoe")])
    assert precision_at(1, [right, right, right, wrong]) == pytest.approx(0.75)


def test_near_duplicates_are_left_out_and_the_next_hit_counts() -> None:
    near, far = judged("hat", MAX_HASH_DISTANCE), judged("hat", MAX_HASH_DISTANCE + 1)
    assert precision_at(1, [(QUERY, [near, judged("shoe")])]) == 0
    assert precision_at(1, [(QUERY, [far, judged("shoe")])]) == 1


def test_hits_that_lack_count_as_wrong() -> None:
    assert precision_at(5, [(QUERY, [judged("hat")])]) == pytest.approx(1 / 5)
    assert precision_at(1, [(QUERY, [])]) == 0


def test_nothing_to_evaluate_is_an_error() -> None:
    with pytest.raises(StatisticsError):
        precision_at(1, [])
