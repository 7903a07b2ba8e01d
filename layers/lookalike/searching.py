"""Searching: a picture in, the products that look like it out."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

from lookalike import pictures
from lookalike.domain import Embedded, Embedder, Hit, PictureFile, Vector
from lookalike.errors import NotFound
from lookalike.filters import EVERYTHING, Filter

MAX_SIZE = 100
PICTURES_OF_A_PRODUCT = 5
"""How many of a product's pictures it is searched by."""

K_FACTORS = (2, 8, 32)
"""How many pictures for each hit that is wanted kNN looks for, each time it is asked, before every picture is scored."""


@dataclass(frozen=True, slots=True)
class ByUrl:
    """The picture behind an address."""

    image_url: str


@dataclass(frozen=True, slots=True)
class ByContent:
    """The picture in these bytes."""

    content: bytes


@dataclass(frozen=True, slots=True)
class ByProduct:
    """The pictures of a known product, which is itself left out of the hits unless ``include_self``."""

    product_id: str
    include_self: bool = False


Subject: TypeAlias = ByUrl | ByContent | ByProduct
"""What is searched for."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which pictures may be hits: those that pass the filter, of other products than these; one of each product."""

    filter: Filter = EVERYTHING
    without: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Query:
    """A search. ``min_score`` is on the scale of `Hit.score`; ``exact`` scores every picture."""

    subject: Subject
    filter: Filter = EVERYTHING
    size: int = 10
    min_score: float = 0.0
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """Hits, the best first; the model's id; milliseconds by stage."""

    hits: Sequence[Hit]
    model: str
    timings_ms: dict[str, float]


@dataclass(frozen=True, slots=True)
class Nearest:
    """Hits of one kNN request; ``is_all`` if it saw fewer pictures than it may, so that there are no more to be had this way."""

    hits: Sequence[Hit]
    is_all: bool


class Index(Protocol):
    """One index."""

    def embedded(self, content_sha256s: Iterable[str]) -> dict[str, Embedded]:
        """What is known of these bytes from pictures that were indexed."""

    def vectors_of(self, product_id: str, limit: int) -> Sequence[Vector]:
        """The vectors of a product's pictures; none if there is no such product."""

    def check(self, given: Filter) -> None:
        """Raises `RequestInvalid` if the index has no attribute of a name that the filter asks for, or not in that form."""

    def nearest(self, vector: Vector, selection: Selection, *, k: int, size: int) -> Nearest:
        """The best ``size`` among approximately the ``k`` nearest pictures."""

    def exact(self, vector: Vector, selection: Selection, *, size: int) -> Sequence[Hit]:
        """The best ``size``, every picture scored."""


class Pictures(Protocol):
    """Where query pictures are had from."""

    def fetch(self, url: str) -> PictureFile:
        """The bytes; raises a `LookalikeError`."""


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
        self._pictures = pictures
        self._link = link
        self._lookups = ThreadPoolExecutor(1, thread_name_prefix="lookup")

    def search(self, query: Query) -> Answer:
        """Finds the products that look like the query's subject.

        ``query.size`` hits come back whenever so many match.

        Raises:
            RequestInvalid: a filter that the index cannot answer.
            NotFound: no such product.
            PictureRefused, Unavailable, Misconfigured: as their docstrings say.
        """
        target = self._target()
        stopwatch = Stopwatch()
        target.index.check(query.filter)
        vectors = self._vectors(query.subject, target, stopwatch)
        with stopwatch.stage("search"):
            hits = _best(vectors, _selection(query), query, target.index)
        linked = [replace(hit, image_url=self._link(hit.image_url)) for hit in hits]
        return Answer(linked, target.embedder.model.id, stopwatch.timings_ms)

    def _vectors(self, subject: Subject, target: Target, stopwatch: "Stopwatch") -> Sequence[Vector]:
        match subject:
            case ByProduct(product_id):
                with stopwatch.stage("fetch"):
                    vectors = target.index.vectors_of(product_id, PICTURES_OF_A_PRODUCT)
                if not vectors:
                    raise NotFound(f"there is no product {product_id!r} in the index", field="product_id")
                return vectors
            case ByUrl(url):
                with stopwatch.stage("fetch"):
                    content = self._pictures.fetch(url).content
            case ByContent(content):
                pass
        return [self._embed(content, target, stopwatch)]

    def _embed(self, content: bytes, target: Target, stopwatch: "Stopwatch") -> Vector:
        """The picture's vector: the index's own if it knows these bytes, which it is asked while they are being decoded."""
        sha256 = pictures.content_sha256(content)
        lookup = self._lookups.submit(target.index.embedded, [sha256])
        with stopwatch.stage("decode"):
            picture = pictures.decode(content, at_least=target.embedder.model.input_size)
            pixels = pictures.scale(picture.pixels, target.embedder.model)
        with stopwatch.stage("embed"):
            known = lookup.result().get(sha256)
            return known.vector if known else target.embedder.embed([pixels])[0]


class Stopwatch:
    """Milliseconds by stage; a stage that did not come up is 0."""

    def __init__(self) -> None:
        self.timings_ms: dict[str, float] = {"fetch": 0.0, "decode": 0.0, "embed": 0.0, "search": 0.0}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times what is done inside."""
        start = time.perf_counter()
        yield
        self.timings_ms[name] += round((time.perf_counter() - start) * 1000, 2)


def _selection(query: Query) -> Selection:
    match query.subject:
        case ByProduct(product_id, include_self=False):
            return Selection(query.filter, frozenset({product_id}))
        case _:
            return Selection(query.filter, frozenset())


def _best(vectors: Sequence[Vector], selection: Selection, query: Query, index: Index) -> list[Hit]:
    """The best hits for any of the vectors."""
    best: dict[str, Hit] = {}
    for vector in vectors:
        for hit in _hits(vector, selection, query, index):
            if hit.product_id not in best or hit.score > best[hit.product_id].score:
                best[hit.product_id] = hit
    ranked = sorted(best.values(), key=lambda hit: (-hit.score, hit.image_id))
    return [hit for hit in ranked if hit.score >= query.min_score][: query.size]


def _hits(vector: Vector, selection: Selection, query: Query, index: Index) -> list[Hit]:
    """As many hits as were asked for, if so many match.

    kNN finds pictures, of which several can be of one product: it is asked again without the products seen, for more pictures each
    time, and at last every picture that is left is scored.
    """
    hits: list[Hit] = []
    if not query.exact:
        for factor in K_FACTORS:
            missing = query.size - len(hits)
            found = index.nearest(vector, _unseen(selection, hits), k=factor * query.size, size=missing)
            hits += found.hits
            if len(hits) >= query.size or found.is_all or (hits and hits[-1].score < query.min_score):
                break
    if len(hits) < query.size and not (hits and hits[-1].score < query.min_score):
        hits += index.exact(vector, _unseen(selection, hits), size=query.size - len(hits))
    return hits


def _unseen(selection: Selection, hits: Sequence[Hit]) -> Selection:
    return replace(selection, without=selection.without | {hit.product_id for hit in hits})
