"""The Elasticsearch of a benchmark.

A server that has just started compiles its code while it answers, which is most of the processor time that it takes then: one that is to
stand for a server in use is asked, or written, some thousand times before anything is measured.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import numpy as np
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.index import ElasticsearchIndex
from lookalike.adapters.elasticsearch.indices import DEFAULT_OPTIONS, ElasticsearchIndices
from lookalike.domain import Attributes, IndexedPicture, IndexOptions, Model, Vectors
from more_itertools import batched

from infra.local.elasticsearch.server import ElasticsearchServer
from tests.server_folder import server_folder

WRITTEN, A_WRITE = 6000, 16
"""Made-up pictures by which a server is made ready to be written, and how many are written at once."""


@contextmanager
def elasticsearch(heap_mb: int = 1024) -> Iterator[str]:
    """The URL of the server at ES_URL, or of one that lives as long as the ``with`` block."""
    if os.environ.get("ES_URL"):
        yield os.environ["ES_URL"]
        return
    with server_folder("bench") as folder, ElasticsearchServer(folder / "elasticsearch", heap_mb=heap_mb) as server:
        yield server.url


def empty_index(client: Elasticsearch, model: Model, options: IndexOptions = DEFAULT_OPTIONS) -> ElasticsearchIndex:
    """An index for a model's vectors, made anew."""
    client.indices.delete(index=f"bench-{model.id}-1", ignore_unavailable=True)
    client.options(ignore_status=404).indices.delete_alias(index="*", name="bench")  # of another benchmark's model
    [info] = ElasticsearchIndices(client, "bench", options).written(model)
    return ElasticsearchIndex(client, info.name)


def made_up_picture(number: int, attributes: Attributes) -> IndexedPicture:
    """A product's one picture, of which there are no bytes; each number is another."""
    return IndexedPicture(
        product_id=f"p-{number}",
        image_url=f"http://shop.example/{number}.jpg",
        attributes=attributes,
        content_sha256=f"{number:064x}",
        perceptual_hash=f"{number:064x}",
        width=400,
        height=400,
        origin="products",
        etag=None,
        indexed_at=datetime.now(UTC),
    )


def made_up_vectors(count: int, dimensions: int) -> Vectors:
    """Unit vectors without any structure, always the same."""
    made = np.abs(np.random.default_rng(0).normal(size=(count, dimensions))).astype(np.float32)
    vectors: Vectors = made / np.linalg.norm(made, axis=1, keepdims=True)
    return vectors


def make_ready_to_write(client: Elasticsearch, model: Model) -> None:
    """Writes as indexing does, merges what was written, and deletes it."""
    index = empty_index(client, model)
    for some in batched(enumerate(made_up_vectors(WRITTEN, model.dimensions)), A_WRITE):
        pictures = [made_up_picture(number, {"number": number}) for number, _ in some]
        index.pictures(picture.image_id for picture in pictures)
        index.embedded(picture.content_sha256 for picture in pictures)
        index.write(zip(pictures, (vector for _, vector in some), strict=True), ())
    client.indices.forcemerge(index=index.name, max_num_segments=1)
    empty_index(client, model)
