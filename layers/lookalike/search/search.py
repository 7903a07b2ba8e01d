"""Searching: a picture in, the products that look like it out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from lookalike.domain import Hit
from lookalike.errors import RequestInvalid
from lookalike.search import ranking
from lookalike.search.ports import PictureFetcher, SearchTarget
from lookalike.search.query_vectors import ByImage, ByProduct, QueryInput, QueryVectorizer, QueryVectors, StageTimings
from lookalike.search.ranking import SearchOptions

MAX_SIZE = 100
"""Hits of one page."""

MAX_SEEN = 500
"""Hits of all pages of a search."""


@dataclass(frozen=True, slots=True)
class Query:
    """A search. ``model`` is the id of the model that made the vectors in ``input``, None if there are none yet."""

    input: QueryInput
    options: SearchOptions = field(default_factory=SearchOptions)
    model: str | None = None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, the best first; the model's id; milliseconds by stage; the query of the next page, None where there is none."""

    hits: Sequence[Hit]
    model: str
    timings_ms: dict[str, float]
    next: Query | None = None


class Search:
    """Finds the products whose pictures look like a query's.

    Args:
        target: returns the index behind the alias and its network; called for every search.
        pictures: fetches query pictures.
        link: turns a picture's address into one that the caller can open.
    """

    def __init__(self, target: Callable[[], SearchTarget], pictures: PictureFetcher, link: Callable[[str], str]) -> None:
        self._target = target
        self._vectorizer = QueryVectorizer(pictures)
        self._link = link

    def search(self, query: Query) -> SearchResult:
        """Finds the products that look like the query: ``size`` hits whenever so many products match.

        Raises:
            RequestInvalid: a filter that the index cannot answer, or a vector of another model.
            NotFound: no such product or picture.
            PictureRefused, TransientError, Misconfigured: as their docstrings say.
        """
        target = self._target()
        model = target.embedder.model
        timings = StageTimings()
        target.index.check(query.options.filter)
        _check_model(query, model.id, model.dimensions)
        vectors = self._vectorizer.vectorize(query.input, target.index, target.embedder, timings)
        with timings.stage("search"):
            page = ranking.page(vectors, query.options, target.index)
        linked = [replace(hit, image_url=self._link(hit.image_url)) for hit in page.hits]
        next_query = _next_query(query, vectors, page.hits, model.id) if page.has_more else None
        return SearchResult(linked, model.id, timings.timings_ms, next_query)


def _check_model(query: Query, model: str, dimensions: int) -> None:
    vectors = query.input.all_vectors if isinstance(query.input, QueryVectors) else ()
    if query.model not in (None, model) or any(len(vector) != dimensions for vector in vectors):
        raise RequestInvalid("the index was changed to another model meanwhile: search again from the first page", field="cursor")


def _next_query(query: Query, vectors: QueryVectors, hits: Sequence[Hit], model: str) -> Query | None:
    """The query of the next page: without what was shown already, and without any need of the picture."""
    seen = query.options.seen | {ranking.key(hit, query.options.per) for hit in hits}
    if len(seen) >= MAX_SEEN:
        return None
    next_input = query.input if isinstance(query.input, ByProduct | ByImage) else vectors
    return Query(next_input, replace(query.options, seen=seen, diversity=0.0), model)
