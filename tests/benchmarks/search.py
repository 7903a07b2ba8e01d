"""What a search by a picture's bytes costs above its parts: ``python -m tests.benchmarks.search [NETWORK]``.

Decoding, the network, the bare kNN request and the whole search are timed in turn, so that all four see the same machine. Each query is
a file that the index does not know, hence nothing is spared. Elasticsearch has answered some thousand requests before, as one in use has.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch import queries
from lookalike.adapters.elasticsearch.index import ElasticsearchIndex
from lookalike.adapters.http.fetcher import HttpFetcher
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder
from lookalike.pictures import decoding
from lookalike.search import ranking
from lookalike.search.ports import SearchTarget, Selection
from lookalike.search.query_vectors import ByContent, QueryVectors
from lookalike.search.ranking import SearchOptions
from lookalike.search.search import Query, Search

from infra.demo.catalogue import drawn_catalogue
from layers.models import export
from tests.benchmarks.local_elasticsearch import elasticsearch, empty_index, made_up_picture, made_up_vectors
from tests.benchmarks.rows import Row, command

WARM_UP = 10
ASKED_BEFORE = 3000
CLIENTS = (1, 4, 16, 32)
EACH = 64
"""Searches that are timed together."""


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.search", description="What a search costs above its parts.")
    parser.add_argument("network", nargs="?", default="inception_resnet_v2", help="with random weights if it is this one")
    parser.add_argument("--pictures", type=int, default=10_000, help="how many made-up vectors the index holds")
    parser.add_argument("--queries", type=int, default=60)
    command(parser, rows)


def rows(given: argparse.Namespace) -> Iterator[Row]:
    """The whole beside its parts, and many clients beside the network alone."""
    seed = 0 if given.network == "inception_resnet_v2" else None
    models = Path("build/models")
    embedder = OpenVinoEmbedder(models / export.ensure(given.network, models, print, seed))
    contents = [item.path.read_bytes() for item in drawn_catalogue(Path("build/catalogue")).items]
    with elasticsearch() as url:
        client = Elasticsearch(url, request_timeout=60)
        index = _filled_index(client, embedder, given.pictures)
        _make_ready(index, embedder.model.dimensions)
        search = Search(lambda: SearchTarget(index, embedder), HttpFetcher(), lambda address: address)
        asked = [contents[n % len(contents)] + os.urandom(8) for n in range(WARM_UP + given.queries)]
        yield from stages(embedder, index, client, search, asked)
        yield from many_clients(embedder, search, contents)


def stages(
    embedder: OpenVinoEmbedder, index: ElasticsearchIndex, client: Elasticsearch, search: Search, contents: list[bytes]
) -> Iterator[Row]:
    """Times the stages one after the other for each picture."""
    model = embedder.model
    times: dict[str, list[float]] = {"decode": [], "embed": [], "kNN": [], "search": [], "again": []}

    def timed(stage: str, work: Callable[[], object]) -> None:
        start = time.perf_counter()
        work()
        times[stage].append((time.perf_counter() - start) * 1000)

    for content in contents:
        pixels = decoding.scale(decoding.decode(content, at_least=model.input_size).pixels, model)
        vector = embedder.embed([pixels])[0]
        body = queries.knn(vector, Selection(), k=20, size=10, is_packed=True)
        timed("decode", lambda content=content: decoding.scale(decoding.decode(content, at_least=model.input_size).pixels, model))  # type: ignore[misc]
        timed("embed", lambda pixels=pixels: embedder.embed([pixels]))  # type: ignore[misc]
        timed("kNN", lambda body=body: client.search(index=index.name, **body))  # type: ignore[misc]
        timed("search", lambda content=content: search.search(Query(ByContent(content))))  # type: ignore[misc]
        timed("again", lambda content=content: search.search(Query(ByContent(content))))  # type: ignore[misc]
    middle = {stage: median(values[WARM_UP:]) for stage, values in times.items()}
    parts = middle["decode"] + middle["embed"] + middle["kNN"]
    note = ", ".join(f"{stage} {ms:.1f}" for stage, ms in middle.items())
    yield Row(f"a picture's bytes to the answer, {model.id}", middle["search"], "ms", "decode + embed + kNN", parts, most=1.1, note=note)
    yield Row("the same picture again, as with another filter", middle["again"], "ms", "the bare request", middle["kNN"], most=1.3)


def many_clients(embedder: OpenVinoEmbedder, search: Search, contents: list[bytes]) -> Iterator[Row]:
    """Searches a second of several clients at once, beside the network alone."""
    model = embedder.model
    pixels = decoding.scale(decoding.decode(contents[0], at_least=model.input_size).pixels, model)
    for clients in CLIENTS:
        bare = _rate(clients, lambda _: embedder.embed([pixels]))
        rate = _rate(clients, lambda number: search.search(Query(ByContent(contents[number % len(contents)] + os.urandom(8)))))
        yield Row(f"{clients} clients", rate, "searches a second", "the network alone", bare, least=0.9 if clients == 16 else None)


def _rate(clients: int, work: Callable[[int], object]) -> float:
    start, count = time.perf_counter(), max(2 * clients, EACH)
    with ThreadPoolExecutor(clients) as threads:
        list(threads.map(work, range(count)))
    return count / (time.perf_counter() - start)


def _filled_index(client: Elasticsearch, embedder: OpenVinoEmbedder, count: int) -> ElasticsearchIndex:
    index = empty_index(client, embedder.model)
    index.write(
        (
            (made_up_picture(number, {"category": f"c{number % 10}"}), vector)
            for number, vector in enumerate(made_up_vectors(count, embedder.model.dimensions))
        ),
        (),
    )
    client.indices.forcemerge(index=index.name, max_num_segments=1)
    client.indices.refresh(index=index.name)
    return index


def _make_ready(index: ElasticsearchIndex, dimensions: int) -> None:
    """Asks the server what searches ask."""
    for number, vector in enumerate(made_up_vectors(ASKED_BEFORE, dimensions)):
        index.embedded([f"unknown-{number}"])
        ranking.page(QueryVectors((vector,)), SearchOptions(), index)


if __name__ == "__main__":
    main()
