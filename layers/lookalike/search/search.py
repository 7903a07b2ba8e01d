"""Searching: a picture in, the products that look like it out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from lookalike.domain import Crop, Hit
from lookalike.errors import RequestInvalid
from lookalike.search import ranking
from lookalike.search.detect import Detector
from lookalike.search.ports import FilterWarning, PictureFetcher, SearchTarget, key
from lookalike.search.query_vectors import ByProduct, QueryInput, QueryVectorizer, QueryVectors, StageTimings
from lookalike.search.ranking import SearchOptions

MAX_SIZE = 100
"""Hits of one page."""

MAX_SEEN = 500
"""Hits of all pages of a search."""


IndexName = Literal["current", "next"]
"""The index behind the alias, or the one that is being filled to take its place."""


@dataclass(frozen=True, slots=True)
class Query:
    """A search. ``model`` is the id of the model that made the vectors in ``input``, None if there are none yet."""

    input: QueryInput
    options: SearchOptions = field(default_factory=SearchOptions)
    model: str | None = None
    index: IndexName = "current"


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, the best first.

    Args:
        model: the model's id.
        timings_ms: milliseconds by stage.
        query: what was searched by, with the model's vectors in place of pictures and ids, but a product's several ones.
        has_more: whether there are hits behind these.
        warnings: what the filter asks for that no product has.
        crops: the part of each picture in the query that was searched by, None for the whole; empty on later pages.
    """

    hits: Sequence[Hit]
    model: str
    timings_ms: dict[str, float]
    query: Query
    has_more: bool = False
    warnings: Sequence[FilterWarning] = ()
    crops: Sequence[Crop | None] = ()

    def next_query(self, shown: int | None = None) -> Query | None:
        """The query of the next page if the first ``shown`` hits are shown of this one, by default all; None if there is none."""
        shown = len(self.hits) if shown is None else shown
        options = self.query.options
        seen = options.seen | {key(hit, options.per) for hit in self.hits[:shown]}
        if len(seen) >= MAX_SEEN or not (self.has_more or shown < len(self.hits)):
            return None
        return replace(self.query, options=replace(options, seen=seen, diversity=0.0))


class Search:
    """Finds the products whose pictures look like a query's.

    Args:
        target: returns the index behind the alias and its network; called for every search.
        pictures: fetches query pictures.
        link: turns a picture's address into one that the caller can open.
        detector: finds the things in query pictures; by default there is no network for it.
        next_target: as ``target``, for the index that is being filled; None if none is.
    """

    def __init__(
        self,
        target: Callable[[], SearchTarget],
        pictures: PictureFetcher,
        link: Callable[[str], str],
        detector: Detector | None = None,
        next_target: Callable[[], SearchTarget | None] = lambda: None,
    ) -> None:
        self._target = target
        self._next_target = next_target
        self._vectorizer = QueryVectorizer(pictures, detector or Detector())
        self._link = link

    def search(self, query: Query) -> SearchResult:
        """Finds the products that look like the query: ``size`` hits whenever so many products match.

        Raises:
            RequestInvalid: a vector of another model, or no index is being filled and it is asked for.
            NotFound: no such product or picture.
            PictureRefused, TransientError, Misconfigured: as their docstrings say.
        """
        target = self._searched(query.index)
        model = target.embedder.model
        timings = StageTimings()
        warnings = target.index.warnings(query.options.filter)
        _check_model(query, model.id, model.dimensions)
        vectors = self._vectorizer.vectorize(query.input, target.index, target.embedder, timings)
        with timings.stage("search"):
            page = ranking.page(vectors, query.options, target.index)
        linked = [replace(hit, image_url=self._link(hit.image_url)) for hit in page.hits]
        has_several = isinstance(query.input, ByProduct) and len(vectors.vectors) > 1
        again = Query(query.input if has_several else vectors, query.options, model.id, query.index)
        return SearchResult(linked, model.id, timings.timings_ms, again, page.has_more, warnings, vectors.crops)

    def _searched(self, index: IndexName) -> SearchTarget:
        target = self._target() if index == "current" else self._next_target()
        if target is None:
            raise RequestInvalid("no index is being filled to take the place of the current one", field="index")
        return target


def _check_model(query: Query, model: str, dimensions: int) -> None:
    vectors = query.input.all_vectors if isinstance(query.input, QueryVectors) else ()
    if query.model not in (None, model) or any(len(vector) != dimensions for vector in vectors):
        raise RequestInvalid("the index was changed to another model meanwhile: search again from the first page", field="cursor")
