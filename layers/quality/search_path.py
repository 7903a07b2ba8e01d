"""Searches labelled pictures the way a shop's are: written into an index, found by `lookalike.search.ranking`."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import uuid4

import numpy as np
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.index import ElasticsearchIndex
from lookalike.adapters.elasticsearch.indices import definition_of
from lookalike.domain import IndexedPicture, IndexOptions, Model, Vector, Vectors
from lookalike.search import ranking
from lookalike.search.query_vectors import QueryVectors
from lookalike.search.ranking import MAX_HASH_DISTANCE, SearchOptions
from more_itertools import batched
from numpy.typing import NDArray

from layers.quality.labelled import Labelled
from layers.quality.measures import DEPTH

ASKED = 20
"""Hits of a search, so that enough are left without near duplicates."""

SEARCHES_AT_ONCE = 4


def through_search(client: Elasticsearch, vectors: Vectors, pictures: Labelled, options: IndexOptions | None = None) -> NDArray[np.int64]:
    """Of each picture the places of those that a search finds, the best first, -1 where there are no more; shape (n, 10).

    Near duplicates are left out. The index is deleted afterwards.
    """
    with filled(client, vectors, pictures, options or IndexOptions()) as index, ThreadPoolExecutor(SEARCHES_AT_ONCE) as threads:
        return np.array(list(threads.map(lambda place: _hits(index, place, vectors[place], pictures), range(len(pictures)))))


@contextmanager
def filled(client: Elasticsearch, vectors: Vectors, pictures: Labelled, options: IndexOptions) -> Iterator[ElasticsearchIndex]:
    """An index that holds the pictures, each as a product that is called by its place; deleted afterwards."""
    name = f"evaluation-{uuid4().hex}"
    model = Model("evaluation", "", vectors.shape[1], (1, 1), "bilinear", "")
    client.indices.create(index=name, **definition_of(model, options))
    try:
        index = ElasticsearchIndex(client, name)
        for places in batched(range(len(pictures)), 500):
            for error in index.write([(_picture(pictures, place), vectors[place]) for place in places], ()).values():
                raise error
        client.indices.refresh(index=name)
        yield index
    finally:
        client.indices.delete(index=name)


def _hits(index: ElasticsearchIndex, place: int, vector: Vector, pictures: Labelled) -> list[int]:
    page = ranking.page(QueryVectors((vector,), without=frozenset({str(place)})), SearchOptions(size=ASKED), index)
    found = [int(hit.product_id) for hit in page.hits]
    others = [other for other in found if np.bitwise_count(pictures.bits[place] ^ pictures.bits[other]).sum() > MAX_HASH_DISTANCE]
    return [*others[:DEPTH], *[-1] * (DEPTH - len(others))]


def _picture(pictures: Labelled, place: int) -> IndexedPicture:
    return IndexedPicture(
        product_id=str(place),
        image_url=f"place:{place}",
        attributes={},
        content_sha256=str(place),
        perceptual_hash="".join(f"{int(part):016x}" for part in pictures.bits[place]),
        width=1,
        height=1,
        origin="products",
        etag=None,
        indexed_at=datetime.now(UTC),
    )
