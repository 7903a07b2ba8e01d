"""Searching: a picture in, the products that look like it out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from lookalike import ranking, subjects
from lookalike.domain import Embedder, Hit
from lookalike.errors import RequestInvalid
from lookalike.ranking import Wanted
from lookalike.stopwatch import Stopwatch
from lookalike.subjects import Pictures, Sought, Subject, Subjects

MAX_SIZE = 100

MAX_SEEN = 500
"""How many hits can be paged through."""


@dataclass(frozen=True, slots=True)
class Query:
    """A search. ``model`` is the one that a vector among the subject comes from, None if the subject brings none."""

    subject: Subject
    wanted: Wanted = field(default_factory=Wanted)
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Hits, the best first; the model's id; milliseconds by stage; what the next page is asked by, None where there is none."""

    hits: Sequence[Hit]
    model: str
    timings_ms: dict[str, float]
    next: Query | None = None


class Index(subjects.Index, ranking.Index, Protocol):
    """One index."""


@dataclass(frozen=True, slots=True)
class Target:
    """The index that is searched, and the network that filled it."""

    index: Index
    embedder: Embedder


class Searching:
    """The use case.

    Args:
        target: the index behind the alias, asked for at every search.
        pictures: fetches query pictures.
        link: makes a picture's address one that the caller can open.
    """

    def __init__(self, target: Callable[[], Target], pictures: Pictures, link: Callable[[str], str]) -> None:
        self._target = target
        self._subjects = Subjects(pictures)
        self._link = link

    def search(self, query: Query) -> Answer:
        """Finds the products that look like the query's subject.

        As many hits come back as were wanted, whenever so many match.

        Raises:
            RequestInvalid: a filter that the index cannot answer, or a vector of another model.
            NotFound: no such product or picture.
            PictureRefused, Unavailable, Misconfigured: as their docstrings say.
        """
        target = self._target()
        model = target.embedder.model
        stopwatch = Stopwatch()
        target.index.check(query.wanted.filter)
        _check_model(query, model.id, model.dimensions)
        sought = self._subjects.seek(query.subject, target.index, target.embedder, stopwatch)
        with stopwatch.stage("search"):
            page = ranking.page(sought, query.wanted, target.index)
        linked = [replace(hit, image_url=self._link(hit.image_url)) for hit in page.hits]
        following = _following(query, sought, page.hits, model.id) if page.has_more else None
        return Answer(linked, model.id, stopwatch.timings_ms, following)


def _check_model(query: Query, model: str, dimensions: int) -> None:
    vectors = query.subject.all_vectors if isinstance(query.subject, Sought) else ()
    if query.model not in (None, model) or any(len(vector) != dimensions for vector in vectors):
        raise RequestInvalid("the index was changed to another model meanwhile: search again from the first page", field="cursor")


def _following(query: Query, sought: Sought, hits: Sequence[Hit], model: str) -> Query | None:
    """What the next page is asked by: the same of everything that was not shown yet, no picture being needed again."""
    seen = query.wanted.seen | {ranking.key(hit, query.wanted.per) for hit in hits}
    if len(seen) >= MAX_SEEN:
        return None
    subject = query.subject if isinstance(query.subject, subjects.ByProduct | subjects.ByImage) else sought
    return Query(subject, replace(query.wanted, seen=seen, diversity=0.0), model)
