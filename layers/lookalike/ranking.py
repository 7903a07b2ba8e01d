"""Which pictures come nearest to what is sought: as many as were asked for, one of each product, the best first."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from lookalike.domain import Hit, Vector
from lookalike.filters import EVERYTHING, Filter
from lookalike.subjects import Sought

Per = Literal["product", "image"]
"""What is found once at most."""

K_FACTORS = (2, 8, 32)
"""How many pictures for each hit that is wanted kNN looks for, each time it is asked, before every picture is scored."""

LEAST_K = 50
"""Pictures that kNN looks for at least: five times as many are scored again with full vectors, which takes no time that can be measured."""

MAX_K = 3200
"""Pictures that kNN is asked for at most: Elasticsearch looks at 10,000 candidates at most."""

CANDIDATES = 200
"""How many of the nearest are ordered anew, where what counts in the end is more than being near."""

MAX_HASH_DISTANCE = 45
"""Bits of 256 in which the perceptual hashes of one picture's copies differ at most.

Of 1,000 photographs of clothes, 99 % of the copies that were cropped by 2 % a side stayed below, 99.99 % of the pairs of others above.
"""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which pictures may be hits: those that pass the filter, but none of these products and none of these pictures.

    Args:
        among: ids of the only pictures that may be; None for all.
        per: a product is found once, by its best picture; or every picture is.
    """

    filter: Filter = EVERYTHING
    without: frozenset[str] = frozenset()
    without_images: frozenset[str] = frozenset()
    among: frozenset[str] | None = None
    per: Per = "product"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be found.

    Args:
        size: hits.
        min_score: on the scale of `Hit.score`.
        exact: every picture is scored.
        near_duplicates: only copies of the very picture that is sought.
        diversity: from 0, only being near counts, to 1, only being unlike the other hits does.
        seen: products, or pictures where each is found, that earlier pages have shown.
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
class Nearest:
    """Hits of one kNN request; ``is_all`` if it saw fewer pictures than it may, so that there are no more to be had this way."""

    hits: Sequence[Hit]
    is_all: bool


class Index(Protocol):
    """What an index finds."""

    def check(self, given: Filter) -> None:
        """Raises `RequestInvalid` if the index has no attribute of a name that the filter asks for, or not in that form."""

    def nearest(self, vector: Vector, selection: Selection, *, k: int, size: int) -> Nearest:
        """The best ``size`` among approximately the ``k`` nearest pictures."""

    def exact(self, vector: Vector, selection: Selection, *, size: int) -> Sequence[Hit]:
        """The best ``size``, every picture scored."""

    def diverse(self, vector: Vector, image_ids: Iterable[str], *, size: int, diversity: float) -> frozenset[str]:
        """Those ``size`` of the pictures that are near and yet unlike each other, by maximal marginal relevance."""


@dataclass(frozen=True, slots=True)
class Page:
    """Hits, the best first; whether there are more."""

    hits: Sequence[Hit]
    has_more: bool


def key(hit: Hit, per: Per) -> str:
    """What is found once."""
    return hit.product_id if per == "product" else hit.image_id


def page(sought: Sought, wanted: Wanted, index: Index) -> Page:
    """The best hits that were not seen yet."""
    if wanted.near_duplicates:
        return _near_duplicates(sought, wanted, index)
    if wanted.diversity > 0:
        return _diverse(sought, wanted, index)
    selection = _unseen(sought, wanted)
    if sought.preference is not None:
        return _cut(_candidates(sought, wanted, selection, index), wanted)
    return _cut(_best(sought, wanted, selection, wanted.size + 1, index), wanted)


def hash_distance(one: str, other: str) -> int:
    """In how many bits two perceptual hashes differ."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def _near_duplicates(sought: Sought, wanted: Wanted, index: Index) -> Page:
    """The embedding proposes, the perceptual hash confirms. Every picture is looked at: a product's copy need not be its nearest one."""
    selection = replace(_unseen(sought, wanted), per="image")
    proposed = _best(sought, replace(wanted, per="image"), selection, CANDIDATES, index)
    confirmed: dict[str, Hit] = {}
    for hit in proposed:
        if any(hash_distance(hit.perceptual_hash, own) <= MAX_HASH_DISTANCE for own in sought.perceptual_hashes):
            confirmed.setdefault(key(hit, wanted.per), hit)
    return _cut(list(confirmed.values()), wanted)


def _diverse(sought: Sought, wanted: Wanted, index: Index) -> Page:
    """Some of the nearest; they stay in the order of their scores."""
    proposed = [hit for hit in _candidates(sought, wanted, _unseen(sought, wanted), index) if hit.score >= wanted.min_score]
    if len(proposed) <= wanted.size:
        return Page(proposed, has_more=False)
    chosen = index.diverse(sought.direction, [hit.image_id for hit in proposed], size=wanted.size, diversity=wanted.diversity)
    return Page([hit for hit in proposed if hit.image_id in chosen], has_more=True)


def _candidates(sought: Sought, wanted: Wanted, selection: Selection, index: Index) -> Sequence[Hit]:
    """The nearest, in the order of the preference if there is one: the same ones for every page."""
    if sought.preference is None:
        return _best(sought, wanted, selection, CANDIDATES, index)
    every = _unseen(sought, replace(wanted, seen=frozenset()))
    nearest = _best(sought, replace(wanted, min_score=0.0), every, CANDIDATES, index)
    among = frozenset(hit.image_id for hit in nearest)
    return index.exact(sought.preference, replace(selection, among=among), size=CANDIDATES) if among else []


def _cut(ranked: Sequence[Hit], wanted: Wanted) -> Page:
    good = [hit for hit in ranked if hit.score >= wanted.min_score]
    return Page(good[: wanted.size], has_more=len(good) > wanted.size)


def _unseen(sought: Sought, wanted: Wanted) -> Selection:
    if wanted.per == "product":
        return Selection(wanted.filter, without=sought.without | wanted.seen)
    return Selection(wanted.filter, without=sought.without, without_images=wanted.seen, per="image")


def _best(sought: Sought, wanted: Wanted, selection: Selection, size: int, index: Index) -> list[Hit]:
    """The best hits for any of the vectors."""
    best: dict[str, Hit] = {}
    with ThreadPoolExecutor(len(sought.vectors), thread_name_prefix="vector") as at_once:
        found = at_once.map(lambda vector: _hits(vector, wanted, selection, size, index), sought.vectors)
    for hits in found:
        for hit in hits:
            once = key(hit, selection.per)
            if once not in best or hit.score > best[once].score:
                best[once] = hit
    return sorted(best.values(), key=lambda hit: (-hit.score, hit.image_id))[:size]


def _hits(vector: Vector, wanted: Wanted, selection: Selection, size: int, index: Index) -> list[Hit]:
    """As many hits as were asked for, if so many match.

    kNN finds pictures, of which several can be of one product: it is asked again without the products seen, for more pictures each
    time, and at last every picture that is left is scored.
    """
    hits: list[Hit] = []

    def is_enough() -> bool:
        return len(hits) >= size or bool(hits and hits[-1].score < wanted.min_score)

    if not wanted.exact:
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
