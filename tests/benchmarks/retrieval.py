"""What finding the nearest costs, by index type and number of segments: ``python -m tests.benchmarks.retrieval [--pictures N]``.

Vectors with structure are indexed once for each type; every answer is held against the exact one, computed with numpy. What ours is
compared with is the cheapest bare request of any type, parameters and number of segments that reaches the same recall in the same run.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count as count_from
from itertools import product
from math import ceil
from random import Random
from statistics import median, quantiles
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch
from elasticsearch.helpers import pack_dense_vector
from lookalike.adapters.elasticsearch import queries
from lookalike.adapters.elasticsearch.backfill_indices import MAX_SEGMENT_BYTES
from lookalike.adapters.elasticsearch.index import ElasticsearchIndex
from lookalike.domain import IndexOptions, IndexType, Vector, Vectors
from lookalike.filters import EVERYTHING
from lookalike.search import ranking
from lookalike.search.ports import LEAST_K, Selection
from lookalike.search.query_vectors import QueryVectors
from lookalike.search.ranking import SearchOptions
from numpy.typing import NDArray

from tests.benchmarks.features import CHUNK, MODEL, feature_chunks, features
from tests.benchmarks.local_elasticsearch import elasticsearch, empty_index, made_up_picture
from tests.benchmarks.rows import Row, command

TYPES: tuple[IndexType, ...] = ("bbq_hnsw", "int8_hnsw", "int4_hnsw", "hnsw", "bbq_flat", "int8_flat")
"""The default first; those that need no licence."""

LEAST_RECALL = 0.99
WARM_UP = 10
FEW = 20
"""Queries of what scores every vector, and of what is only tried."""

OVERSAMPLES = (1, 2, 3, 5)
"""The third is the default."""

CHEAPEST = 3
"""Bare requests of an index that are measured with all queries."""

OURS = "ours"
"""The row of our search in an index as a finished backfill leaves it."""

Ask = Callable[[Vector], Sequence[str]]
"""Ids of the nearest products."""


@dataclass
class Measured:
    """A way to ask: milliseconds of each query, and how many of the exact nearest it found."""

    ms: list[float] = field(default_factory=list)
    found: list[Sequence[str]] = field(default_factory=list)
    nearest: list[NDArray[np.int64]] = field(default_factory=list)

    @property
    def p50_ms(self) -> float:
        """The median without the first ones."""
        return median(self.ms[WARM_UP:])

    @property
    def note(self) -> str:
        """What else is known of it."""
        return f"p95 {quantiles(self.ms[WARM_UP:], n=20)[-1]:.1f} ms, recall@10 {self.recall():.4f}"

    def recall(self, size: int = 10) -> float:
        """The mean share of the exact nearest that was found."""
        pairs = zip(self.found, self.nearest, strict=True)
        return float(np.mean([len({f"p-{number}" for number in nearest[:size]} & set(found)) / size for found, nearest in pairs]))


@dataclass(frozen=True, slots=True)
class Queries:
    """Query vectors, and the exact nearest 100 pictures of each."""

    vectors: Vectors
    nearest: NDArray[np.int64]

    @classmethod
    def among(cls, pictures: int, count: int) -> "Queries":
        """Queries that are not among the vectors of the pictures."""
        asked = features(WARM_UP + count, seed=1)
        cosines, nearest = np.zeros((len(asked), 0), np.float32), np.zeros((len(asked), 0), np.int64)
        for start, vectors in zip(count_from(0, CHUNK), feature_chunks(pictures, seed=0), strict=False):
            cosines = np.hstack([cosines, asked @ vectors.T])
            nearest = np.hstack([nearest, np.broadcast_to(np.arange(start, start + len(vectors)), (len(asked), len(vectors)))])
            best = np.argsort(-cosines)[:, :100]
            cosines, nearest = np.take_along_axis(cosines, best, 1), np.take_along_axis(nearest, best, 1)
        return cls(asked, nearest)

    def asked(self, ask: Ask, count: int | None = None) -> Measured:
        """Asks the queries, the first ones to warm up."""
        return self.in_turn({"": ask}, count)[""]

    def in_turn(self, ways: Mapping[str, Ask], count: int | None = None) -> dict[str, Measured]:
        """Asks each query in every way, each time in another order: of two that read the same vectors the second has them in the cache."""
        measured, order = {name: Measured() for name in ways}, Random(0)
        for vector, nearest in list(zip(self.vectors, self.nearest, strict=True))[: WARM_UP + count if count else None]:
            for name in order.sample(list(ways), len(ways)):
                start = time.perf_counter()
                found = ways[name](vector)
                measured[name].ms.append((time.perf_counter() - start) * 1000)
                measured[name].found.append(found)
                measured[name].nearest.append(nearest)
        return measured


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.retrieval", description="What finding the nearest costs.")
    parser.add_argument("--pictures", type=int, default=120_000)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--types", nargs="+", choices=TYPES, default=TYPES, help="the first is laid out in several ways")
    parser.add_argument("--shards", nargs="*", type=int, default=[4], help="numbers of shards to split it into")
    command(parser, rows)


def rows(given: argparse.Namespace) -> Iterator[Row]:
    """A row for each index, and one for each way to ask, against the cheapest bare request."""
    raw_bytes = given.pictures * MODEL.dimensions * np.dtype(np.float32).itemsize
    asked = Queries.among(given.pictures, given.queries)
    with elasticsearch(heap_mb=4096) as url:
        client = Elasticsearch(url, request_timeout=3600)
        indices = {}
        for type_ in given.types:
            indices[type_], rate = _filled(client, type_, given.pictures)
            yield _size(client, indices[type_].name, type_, raw_bytes, f"{rate:,.0f} indexed a second, ")
        default = given.types[0]
        for name, segments, shards in _layouts(client, indices[default].name, default, given.shards):
            indices[name], seconds = _copied(client, indices[default], segments, shards)
            print(f"{name}: copied and merged in {seconds:.0f} s", flush=True)
            yield _size(client, indices[name].name, name, raw_bytes, f"copied and merged in {seconds:.0f} s, ")
        measured, hundred = _measured(client, indices, default, asked)
    bare = [name for name in measured if name.startswith("bare")]
    best = min((name for name in bare if measured[name].recall() >= LEAST_RECALL), key=lambda name: measured[name].p50_ms)
    for name, each in measured.items():
        note = each.note + (f", @100 {hundred[name]:.4f}" if name in hundred else "")
        yield Row(name, each.p50_ms, "ms", best, measured[best].p50_ms, most=1.3 if name == OURS else None, note=note)


def _layouts(client: Elasticsearch, index: str, default: str, shards: Sequence[int]) -> Iterator[tuple[str, int, int]]:
    """Further copies of the default index: name, segments of each shard, shards. The first is what a finished backfill leaves."""
    size_bytes = client.indices.stats(index=index)["_all"]["primaries"]["store"]["size_in_bytes"]
    merged = ceil(size_bytes / MAX_SEGMENT_BYTES)
    yield f"{default} merged", merged, 1
    if merged > 1:
        yield f"{default} in one segment", 1, 1
    for count in shards:
        yield f"{default} in {count} shards, merged", ceil(size_bytes / count / MAX_SEGMENT_BYTES), count


def _filled(client: Elasticsearch, type_: IndexType, pictures: int) -> tuple[ElasticsearchIndex, float]:
    """The index, and how many pictures were written a second."""
    start = time.perf_counter()
    index = empty_index(client, replace(MODEL, id=f"made_up_{type_}"), IndexOptions(type=type_))
    numbers = iter(range(pictures))
    for vectors in feature_chunks(pictures, seed=0):
        refused = index.write([(made_up_picture(next(numbers), {}), vector) for vector in vectors], ())
        assert not refused, next(iter(refused.values()))
    client.indices.refresh(index=index.name)
    print(f"{type_}: indexed in {time.perf_counter() - start:.0f} s", flush=True)
    return index, pictures / (time.perf_counter() - start)


def _copied(client: Elasticsearch, index: ElasticsearchIndex, segments: int, shards: int) -> tuple[ElasticsearchIndex, float]:
    """A copy of the index, and how many seconds it took to make and merge it."""
    start, name = time.perf_counter(), f"{index.name}-{shards}-{segments}"
    client.indices.put_settings(index=index.name, settings={"index.blocks.write": True})
    client.options(ignore_status=404).indices.delete(index=name)
    settings = {"index.blocks.write": None, "index.number_of_shards": shards}
    copy = client.indices.clone if shards == 1 else client.indices.split
    copy(index=index.name, target=name, settings=settings)
    client.indices.forcemerge(index=name, max_num_segments=segments)
    client.indices.refresh(index=name)
    return ElasticsearchIndex(client, name), time.perf_counter() - start


def _size(client: Elasticsearch, index: str, name: str, raw_bytes: int, note: str) -> Row:
    """Bytes on disk, vectors as they came included; what a search keeps in memory is told beside."""
    stats = client.indices.stats(index=index)["_all"]["primaries"]
    parts = {part: size for part, size in stats["dense_vector"].get("off_heap", {}).items() if isinstance(size, int) and size}
    memory = ", ".join(
        f"{part.removesuffix('_size_bytes')} {size / 1e6:,.0f} MB" for part, size in parts.items() if part != "total_size_bytes"
    )
    note += f"{stats['segments']['count']} segments" + (f"; off the heap: {memory}" if memory else "")
    return Row(f"{name}: on disk", stats["store"]["size_in_bytes"] / 1e6, "MB", "the vectors alone", raw_bytes / 1e6, note=note)


def _measured(
    client: Elasticsearch, indices: Mapping[str, ElasticsearchIndex], default: str, asked: Queries
) -> tuple[dict[str, Measured], dict[str, float]]:
    """Every way to ask, all in turn; and the recall@100 of ours."""
    ours = {_our_name(name, default): _ours(index) for name, index in indices.items() if name.startswith(default)}
    merged = indices[f"{default} merged"]
    ours |= {f"ours, oversample {factor}": partial(_oversampled, client, merged.name, factor) for factor in OVERSAMPLES}
    bare = {what: ask for name, index in indices.items() for what, ask in _cheapest(client, index.name, name, asked)}
    asked.in_turn({**bare, **ours})  # reads from disk what the queries need of each index
    measured = asked.in_turn({**bare, **ours})
    exact: dict[str, Ask] = {"ours, exact": _ours(indices[default], is_exact=True)}
    measured |= asked.in_turn({**exact, "the reference's script_score": partial(_scored, client, indices[default].name)}, FEW)
    return measured, {OURS: asked.asked(_ours(merged, 100)).recall(100)}


def _our_name(index: str, default: str) -> str:
    """The row of our search in an index."""
    return {default: "ours, before the segments are merged", f"{default} merged": OURS}.get(index, f"ours, {index}")


def _cheapest(client: Elasticsearch, index: str, name: str, asked: Queries) -> Iterator[tuple[str, Ask]]:
    """The cheapest bare requests that reach the recall in this index with a few queries; with more, not all of them do."""
    is_flat, is_quantised = "flat" in name, not name.startswith("hnsw")
    found: list[tuple[float, str, Ask]] = []
    for k, candidates, oversample in product(
        (10, 20), (50,) if is_flat else (50, 100, 150, 200), (1, 2, 3, 5) if is_quantised else (None,)
    ):
        knn: dict[str, Any] = {"field": "image_vector", "k": k, "num_candidates": candidates}
        if oversample is not None:
            knn["rescore_vector"] = {"oversample": oversample}
        ask: Ask = partial(_bare, client, index, knn)
        each = asked.asked(ask, FEW)
        if each.recall() >= LEAST_RECALL:
            what = f"bare {name}, k {k} of {candidates}" + (f", oversample {oversample}" if oversample else "")
            found.append((each.p50_ms, what, ask))
    for _, what, ask in sorted(found, key=lambda each: each[0])[:CHEAPEST]:
        yield what, ask


def _bare(client: Elasticsearch, index: str, knn: dict[str, Any], vector: Vector) -> list[str]:
    """The least that a search can ask for and be of use."""
    asked = {**knn, "query_vector": pack_dense_vector(vector)}
    answer = client.search(index=index, knn=asked, size=10, source=False, docvalue_fields=[{"field": "product_id"}])
    return [hit["fields"]["product_id"][0] for hit in answer["hits"]["hits"]]


def _ours(index: ElasticsearchIndex, size: int = 10, *, is_exact: bool = False) -> Ask:
    wanted = SearchOptions(EVERYTHING, size, exact=is_exact)
    return lambda vector: [hit.product_id for hit in ranking.page(QueryVectors((vector,)), wanted, index).hits]


def _oversampled(client: Elasticsearch, index: str, factor: float, vector: Vector) -> list[str]:
    """Our request, with another number of rescored pictures than the index's setting."""
    body = queries.knn(vector, Selection(), k=LEAST_K, size=11, is_packed=True)
    body["knn"]["rescore_vector"] = {"oversample": factor}
    return [hit["_source"]["product_id"] for hit in client.search(index=index, **body)["hits"]["hits"][:10]]


def _scored(client: Elasticsearch, index: str, vector: Vector) -> list[str]:
    """What the reference asks: every document is scored, the vector travels as JSON."""
    score = queries.exact(vector, Selection(), size=10)["query"]["script_score"]
    answer = client.search(
        index=index, query={"script_score": {**score, "query": {"match_all": {}}}}, size=10, source_includes=["product_id"]
    )
    return [hit["_source"]["product_id"] for hit in answer["hits"]["hits"]]


if __name__ == "__main__":
    main()
