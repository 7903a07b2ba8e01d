"""How often what is found is of the same category as what was asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from lookalike.ranking import MAX_HASH_DISTANCE, hash_distance


@dataclass(frozen=True, slots=True)
class Judged:
    """A picture as its category and its 256-bit dHash in 64 hex digits."""

    category: str
    perceptual_hash: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """What was found for a query, the nearest first."""

    query: Judged
    hits: Sequence[Judged]


def precision_at(k: int, rankings: Sequence[Ranking]) -> float:
    """P@k: the share of the first ``k`` hits that have the query's category, as a mean over queries.

    Near duplicates of the query are left out before counting. Where fewer than ``k`` hits are left, those that lack count as wrong.

    Raises:
        ValueError: there are no rankings.
    """
    if not rankings:
        raise ValueError("there is nothing to evaluate")
    return fmean(_right(ranking, k) / k for ranking in rankings)


def _right(ranking: Ranking, k: int) -> int:
    query = ranking.query
    others = [hit for hit in ranking.hits if hash_distance(hit.perceptual_hash, query.perceptual_hash) > MAX_HASH_DISTANCE]
    return sum(hit.category == query.category for hit in others[:k])
