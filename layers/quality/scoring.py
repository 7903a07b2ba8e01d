"""What the hits of one model are worth: through the search, with less and less approximated, and with expanded queries."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from lookalike.adapters.elasticsearch.index import ElasticsearchIndex
from lookalike.domain import IndexType, Vectors
from numpy.typing import NDArray

from layers.quality import products
from layers.quality.expansion import WEIGHTINGS, expanded
from layers.quality.leave_one_out import Found, Places, Trial
from layers.quality.measures import DEPTH, NAMES, Scores, interval, paired, score_band
from layers.quality.search_path import Held, SearchPath

MOST_DIFFERENT = 10
"""Queries that are named where two models differ."""

EXACT = "every vector, float32"


@dataclass(frozen=True, slots=True)
class Subject:
    """A model whose vectors an index holds.

    Args:
        name: the model's id, or the index's name.
        held: how the index holds the vectors.
        vectors: the vectors of the pictures at these places.
        other: opens an index of the same vectors that holds them as this type; None where there is none to be had.
    """

    name: str
    path: SearchPath
    held: Held
    vectors: Callable[[Places], Vectors]
    other: Callable[[IndexType], AbstractContextManager[ElasticsearchIndex]] | None = None


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A model's hits of each query, and what they are worth."""

    model: str
    found: Found
    scores: Scores
    facts: dict[str, Any]


def evaluated(subject: Subject, expand: Sequence[int] = (), *, by_product: bool = False) -> Evaluated:
    """A model's scores through the search, and what they would be otherwise.

    Args:
        subject: the model.
        expand: by how many of its first hits a query is moved; each is measured with each of `WEIGHTINGS`.
        by_product: whether means of products are measured too, as `products.measured` does.
    """
    trial, pictures = subject.path.trial, subject.path.trial.pictures
    queries = subject.vectors(trial.queries)
    found = subject.path.found(queries, f"searching {subject.name}")
    result = trial.scores(found)
    drawn = paired(len(pictures))
    facts = _facts(result, trial) | {
        "index": subject.held._asdict(),
        "losses": list(_losses(subject, queries, found)),
        "score_band": score_band(subject.vectors(drawn), pictures.labels[drawn], pictures.bits[drawn]),
    }
    if expand:
        facts["expanded"] = list(_expanded(subject, queries, found, result, expand))
    if by_product:
        facts["by_product"] = products.measured(subject.vectors(np.arange(len(pictures))), pictures)
    return Evaluated(subject.name, found, result, facts)


def compared(one: Evaluated, other: Evaluated, trial: Trial) -> dict[str, Any]:
    """How many of the first hits two models have in common, and the queries for which they have the fewest."""
    shares = _common(one.found, other.found)
    differ = trial.queries[np.argsort(shares, kind="stable")[:MOST_DIFFERENT]]
    named = [trial.pictures.names[place] for place in differ]
    return {"models": [one.model, other.model], "common_hits": round(float(shares.mean()), 3), "differ_most": named}


def flat_of(type_: IndexType) -> IndexType | None:
    """The index type that quantises as this one and compares every vector.

    None where this one does not quantise, or compares every vector itself.
    """
    quantised, _, way = type_.rpartition("_")
    return cast(IndexType, f"{quantised}_flat") if quantised and way != "flat" else None


def _losses(subject: Subject, queries: Vectors, found: Found) -> Iterator[dict[str, Any]]:
    """The scores with every vector compared as it is, then with each approximation added, down to the search itself."""
    trial, type_ = subject.path.trial, subject.held.type

    def step(compared: str, hits: Found) -> dict[str, Any]:
        share = round(float(_common(exact, hits).mean()), 4)
        return {"compared": compared, "means": trial.scores(hits).means(), f"share of the exact first {DEPTH}": share}

    exact = subject.path.found(queries, f"{subject.name}: {EXACT}", exact=True)
    yield step(EXACT, exact)
    flat = flat_of(type_)
    if flat and subject.other:
        with subject.other(flat) as index:
            yield step(f"every vector, {flat}", replace(subject.path, index=index).found(queries, f"{subject.name}: every vector, {flat}"))
    way = "every vector" if type_.endswith("flat") else "the search"
    yield step(f"{way}, {type_}", found)


def _expanded(subject: Subject, queries: Vectors, found: Found, result: Scores, expand: Sequence[int]) -> Iterator[dict[str, Any]]:
    """What moved queries find, and what that gains, with its interval."""
    trial = subject.path.trial
    places = np.unique(found[found >= 0])
    vectors = subject.vectors(places)
    for count in expand:
        first = found[:, :count]
        hits = np.where((first >= 0)[..., None], vectors[np.searchsorted(places, np.maximum(first, places[0]))], np.float32(0))
        for name, power in WEIGHTINGS.items():
            again = subject.path.found(expanded(queries, hits, power), f"{subject.name}: moved by {count}, {name}")
            scores = trial.scores(again)
            gains = {measure: _interval(getattr(scores, field) - getattr(result, field)) for measure, field in NAMES.items()}
            yield {"hits": count, "weighting": name, "means": scores.means(), "gains": gains}


def _facts(result: Scores, trial: Trial) -> dict[str, Any]:
    """What a report says of hits, with intervals and by class."""
    intervals = {name: _interval(getattr(result, field)) for name, field in NAMES.items()}
    return {"means": result.means(), "intervals": intervals, "by_class": _by_class(result, trial)}


def _interval(values: NDArray[np.float64]) -> list[float]:
    return [round(bound, 3) + 0.0 for bound in interval(values)]  # no -0.0


def _by_class(result: Scores, trial: Trial) -> dict[str, dict[str, float]]:
    """All measures of each class, and how many queries it has."""
    asked = trial.pictures.labels[trial.queries]
    values = {}
    for number in np.unique(asked).tolist():
        own = asked == number
        means = {name: round(float(getattr(result, field)[own].mean()), 3) for name, field in NAMES.items()}
        values[trial.pictures.classes[number]] = {"queries": int(own.sum()), **means}
    return values


def _common(one: Found, other: Found) -> NDArray[np.float64]:
    """Of each query the share of one's hits that are the other's too."""
    pairs = zip(one.tolist(), other.tolist(), strict=True)
    return np.array([len(hits & set(others)) / max(1, len(hits)) for hits, others in ((set(a) - {-1}, b) for a, b in pairs)])
