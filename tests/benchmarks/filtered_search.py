"""Filters, known pictures and next pages among many pictures: ``python -m tests.benchmarks.filtered_search``.

What a search costs beside a bare kNN request without any filter: both are asked in turn, so that they see the same machine, and every
answer is held against the exact one, computed with numpy. With ES_URL and ``--keep`` the index of an earlier run serves again.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random
from statistics import median

import numpy as np
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch import queries
from lookalike.adapters.elasticsearch.index import ElasticsearchIndex
from lookalike.adapters.http.fetcher import HttpFetcher
from lookalike.domain import IndexedPicture, Model, Pixels, Vector, Vectors
from lookalike.filters import EVERYTHING, Filter, Terms
from lookalike.pictures.decoding import content_sha256
from lookalike.search import ranking
from lookalike.search.ports import LEAST_K, SearchTarget, Selection
from lookalike.search.query_vectors import ByContent, ByProduct, QueryVectors
from lookalike.search.ranking import SearchOptions
from lookalike.search.search import Query, Search, SearchResult

from functions.search import cursors
from functions.search.requests import Options
from infra.demo.catalogue import drawn_catalogue
from tests.benchmarks.features import MODEL, features
from tests.benchmarks.local_elasticsearch import elasticsearch, empty_index, made_up_picture
from tests.benchmarks.rows import Row, command

WARM_UP = 400
"""Queries of each kind that are not counted: Elasticsearch compiles its own code during the first thousands of searches."""

SIZE = 10
K = max(ranking.K_FACTORS[0] * (SIZE + 1), LEAST_K)
SHARES = {"50 %": 2, "5 %": 20, "0.5 %": 200, "0.01 %": 10_000}
"""Every how manyth picture passes the filter."""

MOST_RATIO = 3.0

KNOWN, NEXT = "known picture, by its bytes", "its next page"
PRODUCT, NEXT_OF_PRODUCT = "known product", "the product's next page"

Ask = Callable[[], object]


class Unasked:
    """A network that must not be needed."""

    model = MODEL

    def embed(self, pixels: Sequence[Pixels]) -> Vectors:
        """Fails."""
        raise AssertionError("a known picture was embedded")

    def from_vectors(self, vectors: Vectors, model: Model) -> Vectors | None:
        """Fails."""
        raise AssertionError("no index is copied")

    def embed_text(self, text: str) -> Vector:
        """Fails."""
        raise AssertionError("no text was given")


@dataclass
class Measured:
    """Milliseconds and recalls of one kind of request, in the order of the queries."""

    ms: list[float] = field(default_factory=list)
    recalls: list[float] = field(default_factory=list)

    @property
    def p50_ms(self) -> float:
        """The median without the first ones."""
        return median(self.ms[WARM_UP:])


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.filtered_search", description="Filters, known pictures and next pages beside a bare kNN request."
    )
    parser.add_argument("--pictures", type=int, default=120_000, help="how many made-up vectors the index holds")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--keep", action="store_true", help="use the index that is there, if it holds as many")
    command(parser, rows)


def rows(given: argparse.Namespace) -> Iterator[Row]:
    """A row for each kind of request."""
    contents = [item.path.read_bytes() for item in drawn_catalogue(Path("build/catalogue")).items]
    vectors = features(given.pictures, seed=0)
    asked = features(WARM_UP + given.queries, seed=1)
    with elasticsearch() as url:
        client = Elasticsearch(url, request_timeout=300)
        index = filled_index(client, vectors, contents, keep=given.keep)
        measured = measure(client, index, vectors, asked, contents)
    yield from compared(measured)


def filled_index(client: Elasticsearch, vectors: Vectors, contents: Sequence[bytes], *, keep: bool) -> ElasticsearchIndex:
    """The index; its first pictures have the bytes of the contents."""
    name = f"bench-{MODEL.id}-1"
    if keep and client.indices.exists(index=name) and client.count(index=name)["count"] == len(vectors):
        return ElasticsearchIndex(client, name)
    start = time.perf_counter()
    index = empty_index(client, MODEL)
    refused = index.write(zip(_pictures(len(vectors), contents), vectors, strict=True), ())
    assert not refused, next(iter(refused.values()))
    client.indices.forcemerge(index=index.name, max_num_segments=1)  # as a finished backfill leaves it
    client.indices.refresh(index=index.name)
    print(f"indexed {len(vectors):,} pictures in {time.perf_counter() - start:.0f} s")
    return index


def measure(
    client: Elasticsearch, index: ElasticsearchIndex, vectors: Vectors, asked: Vectors, contents: Sequence[bytes]
) -> dict[str, Measured]:
    """Asks each query in every way, each time in another order; only then computes the recalls, for which all cores are busy."""
    ways = _ways(client, index, asked, contents)
    measured = {kind: Measured() for kind in ways}
    found: dict[str, list[list[str]]] = {kind: [] for kind in ways}
    order = Random(0)
    for number in range(len(asked)):
        for kind in order.sample(list(ways), len(ways)):
            ask = ways[kind](number)
            start = time.perf_counter()
            answer = ask()
            measured[kind].ms.append((time.perf_counter() - start) * 1000)
            found[kind].append([hit.product_id for hit in getattr(answer, "hits", ())])
    for kind, every in {"no filter": 1, **SHARES}.items():
        measured[kind].recalls += [_recall(ids, vector, vectors, every) for ids, vector in zip(found[kind], asked, strict=True)]
    for number, (first, following) in enumerate(zip(found[KNOWN], found[NEXT], strict=True)):
        known = number % len(contents)
        assert first[0] == f"p-{known}"
        assert len({*first, *following}) == 2 * SIZE
        measured[KNOWN].recalls.append(_recall(first, vectors[known], vectors, 1))
        measured[NEXT].recalls.append(_recall([*first, *following], vectors[known], vectors, 1))
    return measured


def _ways(client: Elasticsearch, index: ElasticsearchIndex, asked: Vectors, contents: Sequence[bytes]) -> dict[str, Callable[[int], Ask]]:
    """What each kind of request asks, by the query's number; what a next page is the next of has been asked before it is timed."""
    search = Search(lambda: SearchTarget(index, Unasked()), HttpFetcher(), lambda address: address)
    options, pictures = SearchOptions(size=SIZE), len(contents)

    def bare(number: int) -> Ask:
        return partial(client.search, index=index.name, **queries.knn(asked[number], Selection(), k=K, size=SIZE, is_packed=True))

    def by_vector(every: int, number: int) -> Ask:
        wanted = SearchOptions(EVERYTHING if every == 1 else _share(every), SIZE)
        return partial(ranking.page, QueryVectors((asked[number],)), wanted, index)

    def known(number: int) -> Query:
        return Query(ByContent(contents[number % pictures]), options)

    def product(number: int) -> Query:
        return Query(ByProduct(f"p-{number % pictures}"), options)

    return {
        "bare kNN": bare,
        **{kind: partial(by_vector, every) for kind, every in {"no filter": 1, **SHARES}.items()},
        KNOWN: lambda number: partial(search.search, known(number)),
        NEXT: lambda number: partial(_next, search, search.search(known(number))),
        PRODUCT: lambda number: partial(search.search, product(number)),
        NEXT_OF_PRODUCT: lambda number: partial(_next, search, search.search(product(number))),
    }


def compared(measured: dict[str, Measured]) -> Iterator[Row]:
    """Each kind beside the bare request, and each filter beside a search without one."""
    for kind, each in measured.items():
        beside = "no filter" if kind in SHARES else "bare kNN"
        most = MOST_RATIO if kind in SHARES else 1.3 if kind in (KNOWN, NEXT, PRODUCT, NEXT_OF_PRODUCT) else None
        note = f"recall {np.mean(each.recalls):.4f}" if each.recalls else ""
        what = f"a filter that {kind} pass" if kind in SHARES else kind
        yield Row(what, each.p50_ms, "ms", beside, measured[beside].p50_ms, most=most, note=note)


def _next(search: Search, first: SearchResult) -> SearchResult:
    """The next page as a client asks for it: by the cursor's text."""
    following = first.next_query()
    assert following
    _, query = cursors.from_json({"cursor": cursors.encode(following, Options(size=SIZE))})
    return search.search(query)


def _share(every: int) -> Filter:
    return Terms(f"every_{every}", ("0",))


def _recall(found: Sequence[str], vector: Vector, vectors: Vectors, every: int) -> float:
    """How many of the exact nearest ones were found: a page, or two."""
    size = SIZE if len(found) <= SIZE else 2 * SIZE
    exact = np.argsort(-(vectors[::every] @ vector))[:size] * every
    return len({f"p-{number}" for number in exact} & set(found)) / min(size, len(exact))


def _pictures(count: int, contents: Sequence[bytes]) -> Iterator[IndexedPicture]:
    for number in range(count):
        attributes = {f"every_{every}": number % every for every in SHARES.values()} | {"price": number % 97}
        picture = made_up_picture(number, attributes)
        yield replace(picture, content_sha256=content_sha256(contents[number])) if number < len(contents) else picture


if __name__ == "__main__":
    main()
