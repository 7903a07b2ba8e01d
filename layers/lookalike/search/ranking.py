"""Ranking: the pictures nearest to the query vectors, as many as were asked for, one of each product, the best first."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from lookalike.domain import Hit, Vector
from lookalike.filters import EVERYTHING, Filter
from lookalike.search.ports import LEAST_K, MAX_K, Per, SearchableIndex, Selection, key
from lookalike.search.query_vectors import QueryVectors

K_FACTORS = (2, 8, 32)
"""How many pictures for each hit that is options kNN looks for, each time it is asked, before every picture is scored."""

CANDIDATES = 200
"""How many of the nearest are ordered anew, where what counts in the end is more than being near."""

MAX_HASH_DISTANCE = 45
"""Bits of 256 in which the perceptual hashes of one picture's copies differ at most.

Of 1,000 photographs of clothes, 99 % of the copies that were cropped by 2 % a side stayed below, 99.99 % of the pairs of others above.
"""


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How the hits of a search are chosen from what is similar.

    Args:
        size: the number of hits.
        min_score: on the scale of `Hit.score`.
        exact: score every picture instead of asking the kNN graph.
        near_duplicates: only copies of the query picture itself.
        diversity: from 0 (only similarity to the query counts) to 1 (only dissimilarity to the other hits counts).
        seen: ids of the products (or of the pictures, with ``per`` image) that earlier pages have shown.
    """

    filter: Filter = EVERYTHING
    size: int = 10
    min_score: float = 0.0
    exact: bool = False
    per: Per = "product"
    near_duplicates: bool = False
    diversity: float = 0.0
    seen: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ResultPage:
    """Hits, the best first; whether there are more."""

    hits: Sequence[Hit]
    has_more: bool


def page(query: QueryVectors, options: SearchOptions, index: SearchableIndex) -> ResultPage:
    """The best hits that were not seen yet."""
    if options.near_duplicates:
        return _near_duplicates(query, options, index)
    if options.diversity > 0:
        return _diverse(query, options, index)
    selection = _unseen(query, options)
    if query.preference is not None:
        return _cut(_candidates(query, options, selection, index), options)
    return _cut(_best(query, options, selection, options.size + 1, index), options)


def hash_distance(one: str, other: str) -> int:
    """In how many bits two perceptual hashes differ."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def _near_duplicates(query: QueryVectors, options: SearchOptions, index: SearchableIndex) -> ResultPage:
    """The embedding proposes, the perceptual hash confirms. Every picture is looked at: a product's copy need not be its nearest one."""
    selection = replace(_unseen(query, options), per="image")
    proposed = _best(query, replace(options, per="image"), selection, CANDIDATES, index)
    confirmed: dict[str, Hit] = {}
    for hit in proposed:
        if any(hash_distance(hit.perceptual_hash, own) <= MAX_HASH_DISTANCE for own in query.perceptual_hashes):
            confirmed.setdefault(key(hit, options.per), hit)
    return _cut(list(confirmed.values()), options)


def _diverse(query: QueryVectors, options: SearchOptions, index: SearchableIndex) -> ResultPage:
    """Some of the nearest; they stay in the order of their scores."""
    proposed = [hit for hit in _candidates(query, options, _unseen(query, options), index) if hit.score >= options.min_score]
    if len(proposed) <= options.size:
        return ResultPage(proposed, has_more=False)
    chosen = index.diverse(query.direction, [hit.image_id for hit in proposed], size=options.size, diversity=options.diversity)
    return ResultPage([hit for hit in proposed if hit.image_id in chosen], has_more=True)


def _candidates(query: QueryVectors, options: SearchOptions, selection: Selection, index: SearchableIndex) -> Sequence[Hit]:
    """The nearest, in the order of the preference if there is one: the same ones for every page."""
    if query.preference is None:
        return _best(query, options, selection, CANDIDATES, index)
    every = _unseen(query, replace(options, seen=frozenset()))
    nearest = _best(query, replace(options, min_score=0.0), every, CANDIDATES, index)
    among = frozenset(hit.image_id for hit in nearest)
    return index.exact(query.preference, replace(selection, among=among), size=CANDIDATES) if among else []


def _cut(ranked: Sequence[Hit], options: SearchOptions) -> ResultPage:
    good = [hit for hit in ranked if hit.score >= options.min_score]
    return ResultPage(good[: options.size], has_more=len(good) > options.size)


def _unseen(query: QueryVectors, options: SearchOptions) -> Selection:
    if options.per == "product":
        return Selection(options.filter, without=query.without | options.seen)
    return Selection(options.filter, without=query.without, without_images=options.seen, per="image")


def _best(query: QueryVectors, options: SearchOptions, selection: Selection, size: int, index: SearchableIndex) -> list[Hit]:
    """The best hits for any of the vectors."""
    best: dict[str, Hit] = {}
    first, *others = query.vectors
    with ThreadPoolExecutor(len(query.vectors), thread_name_prefix="vector") as at_once:  # one vector needs no thread: that took 1 ms
        beside = at_once.map(lambda vector: _hits(vector, options, selection, size, index), others)
        found = [_hits(first, options, selection, size, index), *beside]
    for hits in found:
        for hit in hits:
            once = key(hit, selection.per)
            if once not in best or hit.score > best[once].score:
                best[once] = hit
    return sorted(best.values(), key=lambda hit: (-hit.score, hit.image_id))[:size]


def _hits(vector: Vector, options: SearchOptions, selection: Selection, size: int, index: SearchableIndex) -> list[Hit]:
    """As many hits as were asked for, if so many match.

    kNN finds pictures, of which several can be of one product: it is asked again without the products seen, for more pictures each
    time, and at last every picture that is left is scored.
    """
    hits: list[Hit] = []

    def is_enough() -> bool:
        return len(hits) >= size or bool(hits and hits[-1].score < options.min_score)

    if not options.exact:
        for factor in K_FACTORS:
            k = min(max(factor * size, LEAST_K), MAX_K)
            found = index.nearest(vector, _besides(selection, hits), k=k, size=size - len(hits))
            hits += found.hits
            if is_enough() or found.is_all:
                break
    if not is_enough():
        hits += index.exact(vector, _besides(selection, hits), size=size - len(hits))
    return hits


def _besides(selection: Selection, hits: Sequence[Hit]) -> Selection:
    """The selection without these."""
    if selection.per == "image":
        return replace(selection, without_images=selection.without_images | {hit.image_id for hit in hits})
    return replace(selection, without=selection.without | {hit.product_id for hit in hits})
