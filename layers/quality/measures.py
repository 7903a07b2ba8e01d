"""What a ranking is worth: precision, average precision and recall, each query alone, and the interval of their mean."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from lookalike.domain import Vectors
from lookalike.search.ranking import MAX_HASH_DISTANCE
from numpy.typing import NDArray

Labels = NDArray[np.int64]
"""The class of each picture, shape (n,)."""

Bits = NDArray[np.uint64]
"""256-bit perceptual hashes, shape (n, 4)."""

HASH_BITS = 256

DEPTH = 10
"""How many hits of a query are looked at."""

RESAMPLES = 2000
MOST_PAIRED = 1500
"""Pictures of which all pairs are looked at."""

BLOCK = 512
"""Queries that are ranked at once, which bounds the memory."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Of each query, shape (queries,): precision of the first 1 and 5 hits, average precision and recall of the first 10.

    Hits that lack because there are too few pictures count as wrong. Recall is the share of the 10 that there are at most.
    """

    p1: NDArray[np.float64]
    p5: NDArray[np.float64]
    ap10: NDArray[np.float64]
    recall10: NDArray[np.float64]

    @classmethod
    def joined(cls, parts: "Sequence[Scores]") -> "Scores":
        """The queries of all."""
        return cls(*(np.concatenate([getattr(part, field) for part in parts]) for field in NAMES.values()))

    @property
    def both(self) -> NDArray[np.float64]:
        """The mean of P@1 and P@5: what is adapted for."""
        return (self.p1 + self.p5) / 2

    def means(self) -> dict[str, float]:
        """The mean of each measure, rounded to three digits."""
        return {name: round(float(getattr(self, field).mean()), 3) for name, field in NAMES.items()}


NAMES = {"P@1": "p1", "P@5": "p5", "mAP@10": "ap10", "recall@10": "recall10"}


def bits_of(perceptual_hashes: list[str]) -> Bits:
    """Hashes of 64 hex digits as numbers."""
    return np.array([[int(each[at : at + 16], 16) for at in range(0, 64, 16)] for each in perceptual_hashes], np.uint64).reshape(-1, 4)


def nearest(vectors: Vectors, bits: Bits | None = None, depth: int = DEPTH, *, queries: Vectors | None = None) -> NDArray[np.int64]:
    """Of each picture the places of the others that are nearest, the best first, -1 where there are no more; shape (n, depth).

    Pictures whose hashes say that they are copies of the query are left out. ``queries`` are asked instead of the pictures' own vectors.
    """
    asked = vectors if queries is None else queries
    found = np.full((len(vectors), depth), -1, np.int64)
    signs = None if bits is None else _signs(bits)
    kept = min(depth, len(vectors))
    for start, stop in _blocks(len(vectors)):
        cosines = asked[start:stop] @ vectors.T
        cosines[np.arange(stop - start), np.arange(start, stop)] = -np.inf
        if signs is not None:
            cosines[signs[start:stop] @ signs.T >= HASH_BITS - 2 * MAX_HASH_DISTANCE] = -np.inf
        best = np.argpartition(cosines, -kept, axis=1)[:, -kept:]
        values = np.take_along_axis(cosines, best, axis=1)
        order = np.argsort(-values, axis=1, kind="stable")
        ranked = np.where(np.isneginf(values), -1, best)
        found[start:stop, :kept] = np.take_along_axis(ranked, order, axis=1)
    return found


def _signs(bits: Bits) -> Vectors:
    """Each bit as -1 or 1, whose products are `HASH_BITS` less twice the bits that differ."""
    return np.unpackbits(bits.view(np.uint8), axis=1).astype(np.float32) * 2 - 1


def scores(found: NDArray[np.int64], labels: Labels) -> Scores:
    """The scores of what was found for each picture, as `nearest` gives it. Queries alone in their class are left out."""
    counts = np.bincount(labels)[labels] - 1
    asked = counts > 0
    found = found[asked]
    right = (found >= 0) & (labels[found] == labels[asked, None])
    return scored(right, np.minimum(counts[asked], found.shape[1]))


def scored(right: NDArray[np.bool_], possible: NDArray[np.int64]) -> Scores:
    """The scores of queries by which of their hits are right.

    Args:
        right: shape (queries, depth), the best hit first.
        possible: how many right hits there are at most among so many, at least 1; shape (queries,).
    """
    precision = np.cumsum(right, axis=1) / np.arange(1, right.shape[1] + 1)
    return Scores(
        p1=right[:, 0].astype(float),
        p5=right[:, :5].sum(axis=1) / 5,
        ap10=(precision * right).sum(axis=1) / possible,
        recall10=right.sum(axis=1) / possible,
    )


def interval(values: NDArray[np.float64], confidence: float = 0.95) -> tuple[float, float]:
    """The bootstrap interval of the mean: queries are drawn with replacement, from a fixed seed."""
    drawn = np.random.default_rng(0)
    means = [values[drawn.integers(len(values), size=len(values))].mean() for _ in range(RESAMPLES)]
    low, high = np.quantile(means, ((1 - confidence) / 2, (1 + confidence) / 2))
    return float(low), float(high)


def _blocks(n: int) -> Iterator[tuple[int, int]]:
    return ((start, min(start + BLOCK, n)) for start in range(0, n, BLOCK))


def paired(pictures: int) -> NDArray[np.int64]:
    """The places of those of so many pictures of which `score_band` looks at all pairs: all, or `MOST_PAIRED` drawn from a fixed seed."""
    return np.random.default_rng(0).permutation(pictures)[:MOST_PAIRED]


def score_band(vectors: Vectors, labels: Labels, bits: Bits) -> dict[str, float] | None:
    """What ``1 / (1 + l2norm)`` is between pictures of different and of the same class: medians and 95th percentiles of all pairs.

    Near duplicates are left out. None where there are no such pairs. `paired` draws some of many pictures.
    """
    first, second = np.triu_indices(len(labels), 1)
    cosines = (vectors @ vectors.T)[first, second]
    values = 1 / (1 + np.sqrt(np.clip(2 - 2 * cosines, 0, None)))
    differ = np.bitwise_count(bits[first] ^ bits[second]).sum(axis=1, dtype=np.int64) > MAX_HASH_DISTANCE
    is_same = labels[first] == labels[second]
    pairs = {"unrelated": values[differ & ~is_same], "same_class": values[differ & is_same]}
    if not all(len(each) for each in pairs.values()):
        return None
    return {f"{name}_p{p}": round(float(np.percentile(each, p)), 3) for name, each in pairs.items() for p in (50, 95)}
