"""The use case of searching: finds the products whose pictures are most similar to a query."""

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
"""The most hits of one page."""

MAX_SEEN = 500
"""The most hits of all pages of a search."""


IndexName = Literal["current", "next"]
"""The index behind the alias, or the one that is being filled to replace it."""


@dataclass(frozen=True, slots=True)
class Query:
    """A search. ``model`` is the id of the model of the vectors in ``input``, None if it has none."""

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
        query: the query with vectors in place of pictures and ids, for the next page; a product with several pictures stays an id.
        has_more: whether there are more hits after these.
        warnings: the conditions of the filter that no product can match.
        crops: the part of each picture in the query that was embedded, None for the whole; empty on later pages.
    """

    hits: Sequence[Hit]
    model: str
    timings_ms: dict[str, float]
    query: Query
    has_more: bool = False
    warnings: Sequence[FilterWarning] = ()
    crops: Sequence[Crop | None] = ()

    def next_query(self, shown: int | None = None) -> Query | None:
        """The query of the next page, after the first ``shown`` hits of this one, by default all; None after the last page."""
        shown = len(self.hits) if shown is None else shown
        options = self.query.options
        seen = options.seen | {key(hit, options.per) for hit in self.hits[:shown]}
        if len(seen) >= MAX_SEEN or not (self.has_more or shown < len(self.hits)):
            return None
        return replace(self.query, options=replace(options, seen=seen, diversity=0.0))


class Search:
    """Finds the products whose pictures are most similar to a query.

    Args:
        target: returns the index behind the alias and its network; called for every search.
        pictures: fetches query pictures.
        link: converts a picture's URL into one that the caller can open.
        detector: finds objects in query pictures; by default there is no network for it.
        next_target: as ``target``, for the index that is being filled; returns None if there is none.
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
        self._vectorizer = QueryVectorizer(pictures, detector or Detector(pictures))
        self._link = link

    def search(self, query: Query) -> SearchResult:
        """Finds the products that are most similar to the query: ``size`` hits if that many products match the filter.

        Raises:
            RequestInvalid: the query has vectors of another model, or asks for the next index and none is being filled.
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
            raise RequestInvalid("no index is being filled to replace the current one", field="index")
        return target


def _check_model(query: Query, model: str, dimensions: int) -> None:
    vectors = query.input.all_vectors if isinstance(query.input, QueryVectors) else ()
    if query.model not in (None, model) or any(len(vector) != dimensions for vector in vectors):
        raise RequestInvalid("the index was changed to another model meanwhile: search again from the first page", field="cursor")
