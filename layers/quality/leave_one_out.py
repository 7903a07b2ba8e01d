"""Which of labelled pictures are queries, and what there is to find for each."""

from dataclasses import dataclass
from itertools import islice

import numpy as np
from lookalike.search.ranking import MAX_HASH_DISTANCE
from numpy.typing import NDArray

from layers.quality.labelled import Labelled, NothingToLearn
from layers.quality.measures import DEPTH, Bits, Scores, scored

Places = NDArray[np.int64]
"""Pictures by their places, shape (n,)."""

Found = NDArray[np.int64]
"""The places of the hits of each query, the best first, -1 where there are no more; shape (queries, 10)."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Queries among labelled pictures.

    Args:
        pictures: all that may be found.
        products: the product of each picture by number; a query's own product is no hit of it, and each product is a hit once.
        queries: the places of the pictures that are queries.
        possible: how many right hits there are at most among the first 10 of each query.
    """

    pictures: Labelled
    products: Places
    queries: Places
    possible: NDArray[np.int64]

    def right(self, found: Found) -> NDArray[np.bool_]:
        """Which hits are of the query's class."""
        labels = self.pictures.labels
        right: NDArray[np.bool_] = (found >= 0) & (labels[found] == labels[self.queries, None])
        return right

    def scores(self, found: Found) -> Scores:
        """What was found for each query is worth."""
        return scored(self.right(found), self.possible)


def trial(pictures: Labelled, products: Places | None = None, sample: int = 0) -> Trial:
    """Every picture is a query for which there is something to find, or ``sample`` of them, drawn evenly from a fixed seed.

    Right hits are of the query's class, not of its product, and no near duplicates. Without ``products``, each picture is one of its own.

    Raises:
        NothingToLearn: there is nothing to find for any picture.
    """
    products = np.arange(len(pictures)) if products is None else products
    places = np.random.default_rng(0).permutation(len(pictures)) if sample else np.arange(len(pictures))
    members = _members(pictures.labels)
    of_class = {label: len(np.unique(products[own])) for label, own in members.items()}

    def possible(place: int) -> int:
        label = int(pictures.labels[place])
        own = members[label]
        copied = products[own[are_near_duplicates(pictures.bits[place], pictures.bits[own])]]  # its own product is among them
        return min(DEPTH, of_class[label] - len(np.unique(copied)))

    counted = ((place, possible(place)) for place in places.tolist())
    asked = dict(sorted(islice(((place, count) for place, count in counted if count), sample or None)))
    if not asked:
        raise NothingToLearn("no two pictures are of one class, near duplicates aside: there is nothing to measure")
    return Trial(pictures, products, np.array([*asked], np.int64), np.array([*asked.values()], np.int64))


def are_near_duplicates(bits: Bits, others: Bits) -> NDArray[np.bool_]:
    """Which of the others are copies of a picture by their perceptual hashes; shapes (4,) and (n, 4)."""
    near: NDArray[np.bool_] = np.bitwise_count(bits ^ others).sum(axis=1, dtype=np.int64) <= MAX_HASH_DISTANCE
    return near


def _members(labels: NDArray[np.int64]) -> dict[int, Places]:
    """The places of each class."""
    order = np.argsort(labels, kind="stable")
    numbers, starts = np.unique(labels[order], return_index=True)
    return dict(zip(numbers.tolist(), np.split(order, starts[1:]), strict=True))
