"""Whether a product that has several pictures is found better by the mean of their vectors than by each of them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from lookalike.domain import Vectors
from lookalike.search.ranking import MAX_HASH_DISTANCE
from numpy.typing import NDArray

from layers.quality.labelled import Labelled, NothingToLearn
from layers.quality.measures import interval
from layers.quality.transforms import unit

MOST_ASKED = 500
"""Products that are searched for."""

SEARCH = "several pictures, nearest picture"
"""What a search by a product does."""

Places = NDArray[np.int64]
Numbers = NDArray[np.float64]


def measured(vectors: Vectors, pictures: Labelled) -> dict[str, Any]:
    """How often a product comes first, searched by half of its pictures among the other halves of all products.

    The classes are the products. They are asked for by one picture, by several at once, and by the mean of the several; they are ranked by
    the nearest of their pictures, and by the mean of their pictures.

    Returns:
        How many ``products`` are searched for, ``among`` how many; and by way ``P@1``, the mean ``reciprocal rank``, and ``gain``, the 95 %
        interval of what the latter has more than that of `SEARCH`.

    Raises:
        NothingToLearn: no product has several pictures that are not copies of each other.
    """
    asked, kept = _halves(pictures)
    if not len(asked):
        raise NothingToLearn("no product has several pictures: there is no mean to search by")
    ranks = dict(_ranks(vectors, pictures.labels, asked, kept))
    reciprocal = {way: 1 / each for way, each in ranks.items()}
    starts = _starts(pictures.labels[asked])
    facts = dict[str, Any]()
    for way, each in ranks.items():
        gain = [round(bound, 3) for bound in interval(_by_product(reciprocal[way] - reciprocal[SEARCH], starts))]
        means = [round(float(_by_product(values, starts).mean()), 3) for values in (each == 1, reciprocal[way])]
        facts[way] = {"P@1": means[0], "reciprocal rank": means[1], "gain": gain}
    return {"products": len(starts), "among": len(np.unique(pictures.labels[kept])), "ways": facts}


def _halves(pictures: Labelled) -> tuple[Places, Places]:
    """Pictures to ask by, and pictures to find, which are at least half of each product's; both ordered by product, copies left out."""
    drawn = np.random.default_rng(0)
    asked, kept = list[Places](), list[Places]()
    for label in drawn.permutation(np.unique(pictures.labels)):
        own = drawn.permutation(np.flatnonzero(pictures.labels == label))
        some, others = own[: len(own) // 2], own[len(own) // 2 :]
        kept.append(others)
        differ = np.bitwise_count(pictures.bits[some, None] ^ pictures.bits[None, others]).sum(axis=2) > MAX_HASH_DISTANCE
        if len(some) and len(asked) < MOST_ASKED:
            asked.append(some[differ.all(axis=1)])
    return _ordered(asked, pictures), _ordered(kept, pictures)


def _ordered(places: list[Places], pictures: Labelled) -> Places:
    joined = np.concatenate([np.empty(0, np.int64), *places])
    return joined[np.argsort(pictures.labels[joined], kind="stable")]


def _ranks(vectors: Vectors, labels: Places, asked: Places, kept: Places) -> Iterator[tuple[str, Numbers]]:
    """By way, of each picture that is asked by, the rank of its product; 1 is the first."""
    starts, kept_starts = _starts(labels[asked]), _starts(labels[kept])
    own = np.searchsorted(labels[kept][kept_starts], labels[asked])
    groups = np.diff([*starts, len(asked)])
    several = np.repeat(unit(np.add.reduceat(vectors[asked].astype(np.float64), starts)), groups, axis=0)
    means = unit(np.add.reduceat(vectors[kept].astype(np.float64), kept_starts))
    for ranked in ("nearest picture", "mean of pictures"):
        alone, by_mean = (
            np.maximum.reduceat(queries @ vectors[kept].T, kept_starts, axis=1) if ranked == "nearest picture" else queries @ means.T
            for queries in (vectors[asked], several)
        )
        at_once = np.repeat(np.maximum.reduceat(alone, starts), groups, axis=0)
        for name, cosines in (("one picture", alone), ("several pictures", at_once), ("mean of several", by_mean)):
            yield f"{name}, {ranked}", 1.0 + (cosines > cosines[np.arange(len(own)), own][:, None]).sum(axis=1)


def _starts(labels: Places) -> Places:
    """Where each class begins, of classes in order."""
    return np.unique(labels, return_index=True)[1]


def _by_product(values: Numbers, starts: Places) -> Numbers:
    """The mean of each product's values."""
    return np.add.reduceat(values, starts, dtype=np.float64) / np.diff([*starts, len(values)])
