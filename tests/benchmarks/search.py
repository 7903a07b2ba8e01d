"""What a search by a picture's bytes costs above its parts: ``python -m tests.benchmarks.search [NETWORK]``.

Decoding, the network, the bare kNN request and the whole search are timed in turn, so that all four see the same machine. Each query is
a file that the index does not know, hence nothing is spared.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch import queries
from lookalike.adapters.elasticsearch.index import ElasticsearchIndex
from lookalike.adapters.http.fetcher import HttpFetcher
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder
from lookalike.domain import Vectors
from lookalike.pictures import decoding
from lookalike.search.ports import SearchTarget, Selection
from lookalike.search.query_vectors import ByContent
from lookalike.search.search import Query, Search

from infra.demo.catalogue import drawn_catalogue
from layers.models import export
from tests.benchmarks.local_elasticsearch import elasticsearch, empty_index, made_up_picture

WARM_UP = 10


def main() -> None:
    """Prints the medians and the ratio."""
    parser = argparse.ArgumentParser(description="What a search costs above its parts.")
    parser.add_argument("network", nargs="?", default="inception_resnet_v2", help="with random weights if it is this one")
    parser.add_argument("--pictures", type=int, default=10_000, help="how many made-up vectors the index holds")
    parser.add_argument("--queries", type=int, default=60)
    given = parser.parse_args()
    seed = 0 if given.network == "inception_resnet_v2" else None
    models = Path("build/models")
    embedder = OpenVinoEmbedder(models / export.ensure(given.network, models, print, seed))
    contents = [item.path.read_bytes() for item in drawn_catalogue(Path("build/catalogue")).items]
    with elasticsearch() as url:
        client = Elasticsearch(url, request_timeout=60)
        index = _filled_index(client, embedder, given.pictures)
        search = Search(lambda: SearchTarget(index, embedder), HttpFetcher(), lambda address: address)
        report(embedder, index, client, search, [contents[n % len(contents)] + os.urandom(8) for n in range(WARM_UP + given.queries)])


def report(embedder: OpenVinoEmbedder, index: ElasticsearchIndex, client: Elasticsearch, search: Search, contents: list[bytes]) -> None:
    """Times the stages one after the other for each picture."""
    model = embedder.model
    times: dict[str, list[float]] = {"decode": [], "embed": [], "kNN": [], "search": []}

    def timed(stage: str, work: Callable[[], object]) -> None:
        start = time.perf_counter()
        work()
        times[stage].append((time.perf_counter() - start) * 1000)

    for content in contents:
        pixels = decoding.scale(decoding.decode(content, at_least=model.input_size).pixels, model)
        vector = embedder.embed([pixels])[0]
        body = queries.knn(vector, Selection(), k=20, size=10)
        timed("decode", lambda content=content: decoding.scale(decoding.decode(content, at_least=model.input_size).pixels, model))  # type: ignore[misc]
        timed("embed", lambda pixels=pixels: embedder.embed([pixels]))  # type: ignore[misc]
        timed("kNN", lambda body=body: client.search(index=index.name, **body))  # type: ignore[misc]
        timed("search", lambda content=content: search.search(Query(ByContent(content))))  # type: ignore[misc]
    middle = {stage: median(values[WARM_UP:]) for stage, values in times.items()}
    parts = middle["decode"] + middle["embed"] + middle["kNN"]
    print(
        f"{model.id}, medians of {len(contents) - WARM_UP} queries in ms: " + ", ".join(f"{stage} {ms:.1f}" for stage, ms in middle.items())
    )
    print(f"the whole search to the sum of its parts: {middle['search'] / parts:.2f}")


def _filled_index(client: Elasticsearch, embedder: OpenVinoEmbedder, count: int) -> ElasticsearchIndex:
    index = empty_index(client, embedder.model)
    index.write(
        (
            (made_up_picture(number, {"category": f"c{number % 10}"}), vector)
            for number, vector in enumerate(_vectors(count, embedder.model.dimensions))
        ),
        (),
    )
    client.indices.forcemerge(index=index.name, max_num_segments=1)
    client.indices.refresh(index=index.name)
    return index


def _vectors(count: int, dimensions: int) -> Vectors:
    made = np.abs(np.random.default_rng(0).normal(size=(count, dimensions))).astype(np.float32)
    vectors: Vectors = made / np.linalg.norm(made, axis=1, keepdims=True)
    return vectors


if __name__ == "__main__":
    main()
