"""Random catalogues and requests on a real index, against an exact oracle: numpy, every vector compared."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from lookalike.adapters.elasticsearch.index import ElasticsearchIndex
from lookalike.attributes import numbers, texts
from lookalike.domain import Hit, IndexedPicture, Vector, Vectors
from lookalike.errors import RequestInvalid
from lookalike.filters import Range, conditions, parse
from lookalike.search.ports import Per, SearchTarget
from lookalike.search.query_vectors import PICTURES_OF_A_PRODUCT, ByImage, ByProduct, QueryVectors
from lookalike.search.ranking import SearchOptions
from lookalike.search.search import Query, Search, SearchResult

from functions.search import cursors
from functions.search.requests import ProductOptions
from tests.fakes import MODEL, FakeEmbedder, FakeFetcher, passes
from tests.integration.samples import indexed, own_name, pictures_definition, unit

CATALOGUES = 25
REQUESTS = 8
PAGES = 6

EXACT = 2e-5
"""Elasticsearch computes scores with 32 bits."""

KINDS: list[Any] = ["dress", "cup", True, 3, ["cup", "lamp"], {"of": "dress"}, None, ""]
PRICES: list[Any] = [5, 19.9, "30", "n/a", {"eur": 5}, [1, "two", {"three": 3}], None, "2024-05-01"]
FILTERS: list[dict[str, Any]] = [
    {},
    {},
    {"kind": "cup"},
    {"kind": ["dress", True]},
    {"price": {"gte": 10, "lt": 40}},
    {"price": "n/a"},
    {"price": {"exists": False}},
    {"not": {"kind": "cup"}},
    {"any": [{"kind": "dress"}, {"price": {"gt": 15}}]},
    {"kind": {"exists": True}, "price": {"lte": 20}},
]


@dataclass(frozen=True)
class Catalogue:
    """Pictures with their vectors, in the order in which they were indexed."""

    pictures: Sequence[IndexedPicture]
    vectors: Vectors

    def of_product(self, product_id: str) -> list[int]:
        """The places of a product's pictures."""
        return [place for place, picture in enumerate(self.pictures) if picture.product_id == product_id]


@dataclass(frozen=True)
class Request:
    """What is asked, drawn as numbers that make sense with any catalogue."""

    kind: str
    place: int
    filter: dict[str, Any]
    size: int
    per: Per
    exact: bool


@dataclass
class Recalls:
    """Of the ten nearest and of all that pages showed, request by request."""

    first_ten: list[float] = field(default_factory=list)
    filtered: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    """Up to 40 products with 1 to 50 pictures: pictures of a product look alike, some products do, and some pictures are the same."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    counts = draw(st.lists(st.one_of(st.integers(1, 3), st.integers(1, 50)), min_size=1, max_size=40))
    groups = random.normal(size=(5, MODEL.dimensions))
    pictures: list[IndexedPicture] = []
    vectors: list[Vector] = []
    for number, count in enumerate(counts):
        attributes = {"kind": draw(st.sampled_from(KINDS)), "price": draw(st.sampled_from(PRICES))}
        centre = groups[random.integers(5)] + random.normal(size=MODEL.dimensions)
        for name in range(count):
            pictures.append(indexed(f"p-{number}", attributes, name=str(name)))
            is_copy = vectors and random.random() < 0.05
            vector = vectors[random.integers(len(vectors))] if is_copy else centre + 0.4 * random.normal(size=MODEL.dimensions)
            vectors.append(vector)
    return Catalogue(pictures, np.stack([unit(vector.astype(np.float32)) for vector in vectors]))


REQUEST = st.builds(
    Request,
    kind=st.sampled_from(["vector", "product", "product with itself", "image with itself"]),
    place=st.integers(0, 10_000),
    filter=st.sampled_from(FILTERS),
    size=st.sampled_from([1, 3, 10, 10, 25]),
    per=st.sampled_from(["product", "product", "image"]),
    exact=st.booleans(),
)


def test_searches_in_random_catalogues_are_what_an_exact_oracle_says(elasticsearch: Elasticsearch) -> None:
    recalls = Recalls()

    @settings(
        max_examples=CATALOGUES,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @given(catalogues(), st.lists(REQUEST, min_size=REQUESTS, max_size=REQUESTS))
    def check(catalogue: Catalogue, asked: list[Request]) -> None:
        with own_name(elasticsearch) as name:
            elasticsearch.indices.create(index=name, **pictures_definition())
            index = ElasticsearchIndex(elasticsearch, name)
            index.write(zip(catalogue.pictures, catalogue.vectors, strict=True), [])
            elasticsearch.indices.refresh(index=name)
            search = Search(lambda: SearchTarget(index, FakeEmbedder()), FakeFetcher(), lambda url: url)
            for request in asked:
                _check(request, catalogue, search, recalls)

    check()

    assert len(recalls.pages) > CATALOGUES
    print({name: (len(each), float(np.mean(each))) for name, each in vars(recalls).items()})
    for each in vars(recalls).values():
        assert np.mean(each) >= 0.99


def _check(request: Request, catalogue: Catalogue, search: Search, recalls: Recalls) -> None:
    query, vectors, without = _query(request, catalogue)
    scores = _scores(catalogue, vectors)
    best = _eligible(catalogue, scores, request, without)
    try:
        pages = list(_pages(search, query, request))
    except RequestInvalid:
        assert not best or _asks_for_a_form_that_nothing_has(request, catalogue)
        return
    hits = [hit for page in pages for hit in page.hits]
    _check_hits(hits, catalogue, scores, best, request, EXACT)
    assert len(hits) == min(len(best), request.size * PAGES)
    ranked = sorted(best.values(), reverse=True)
    if request.exact:
        assert np.allclose([hit.score for hit in hits], ranked[: len(hits)], rtol=0, atol=EXACT)
    else:
        recalls.pages.append(_recall(hits, best, len(hits), request, EXACT))
        first = _recall(hits[:10], best, min(10, len(hits)), request, EXACT)
        (recalls.filtered if request.filter else recalls.first_ten).append(first)
    if request.kind == "image with itself" and request.filter == {}:
        assert hits[0].score == 1.0


def _check_hits(
    hits: Sequence[Hit], catalogue: Catalogue, scores: Vector, best: dict[str, float], request: Request, tolerance: float
) -> None:
    """Nothing twice, nothing that may not be found, each with its exact score; a product by its best picture."""
    places = {picture.image_id: place for place, picture in enumerate(catalogue.pictures)}
    shown = [_once(hit.product_id, hit.image_id, request.per) for hit in hits]
    assert len(set(shown)) == len(shown)
    for hit, once in zip(hits, shown, strict=True):
        assert abs(hit.score - best[once]) <= tolerance
        assert abs(scores[places[hit.image_id]] - best[once]) <= tolerance


def _query(request: Request, catalogue: Catalogue) -> tuple[Query, Vectors, str | None]:
    """The query, the vectors that it comes down to, and the product that it leaves out."""
    place = request.place % len(catalogue.pictures)
    picture = catalogue.pictures[place]
    wanted = SearchOptions(parse(request.filter), request.size, exact=request.exact, per=request.per)
    if request.kind == "vector":
        vector = unit(catalogue.vectors[place] + 0.1 * np.random.default_rng(request.place).normal(size=MODEL.dimensions)).astype(
            np.float32
        )
        return Query(QueryVectors((vector,)), wanted), vector[None], None
    if request.kind == "image with itself":
        return Query(ByImage(picture.image_id, include_self=True), wanted), catalogue.vectors[place][None], None
    own = sorted(catalogue.of_product(picture.product_id), key=lambda each: catalogue.pictures[each].image_id)[:PICTURES_OF_A_PRODUCT]
    is_included = request.kind == "product with itself"
    return (
        Query(ByProduct(picture.product_id, is_included), wanted),
        catalogue.vectors[own],
        None if is_included else picture.product_id,
    )


def _pages(search: Search, query: Query, request: Request) -> Iterator[SearchResult]:
    """As a client has them: by the cursors' texts."""
    options = ProductOptions(
        filter=request.filter, size=request.size, exact=request.exact, per=request.per, include_self="with itself" in request.kind
    )
    answer = search.search(query)
    yield answer
    for _ in range(PAGES - 1):
        following = answer.next_query()
        if following is None:
            return
        _, parsed = cursors.from_json({"cursor": cursors.encode(following, options)})
        answer = search.search(parsed)
        yield answer


def _scores(catalogue: Catalogue, vectors: Vectors) -> Vector:
    """Each picture's best score with any of the vectors, as float64."""
    distances = np.linalg.norm(catalogue.vectors[:, None].astype(np.float64) - vectors[None], axis=2)
    scores: Vector = (1 / (1 + distances)).max(axis=1)
    return scores


def _eligible(catalogue: Catalogue, scores: Vector, request: Request, without: str | None) -> dict[str, float]:
    """The best score of each product, or picture, that may be found."""
    wanted = parse(request.filter)
    best: dict[str, float] = {}
    for picture, score in zip(catalogue.pictures, scores, strict=True):
        if picture.product_id != without and passes(picture.attributes, wanted):
            once = _once(picture.product_id, picture.image_id, request.per)
            best[once] = max(best.get(once, 0.0), float(score))
    return best


def _once(product_id: str, image_id: str, per: Per) -> str:
    return product_id if per == "product" else image_id


def _recall(hits: Sequence[Hit], best: dict[str, float], size: int, request: Request, tolerance: float) -> float:
    """How many of the hits are as good as the last of the exact ones: of equals any may come."""
    if not size:
        return 1.0
    least = sorted(best.values(), reverse=True)[size - 1] - tolerance
    return sum(best[_once(hit.product_id, hit.image_id, request.per)] >= least for hit in hits[:size]) / size


def _asks_for_a_form_that_nothing_has(request: Request, catalogue: Catalogue) -> bool:
    """A filter on a name or in a form that the index cannot answer is refused, whatever else it asks for."""
    return any(
        not any(condition.attribute in (numbers if isinstance(condition, Range) else texts)(each.attributes) for each in catalogue.pictures)
        for condition in conditions(parse(request.filter))
    )
