"""The Elasticsearch of a benchmark."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.index import ElasticsearchIndex
from lookalike.adapters.elasticsearch.indices import DEFAULT_OPTIONS, ElasticsearchIndices
from lookalike.domain import Attributes, IndexedPicture, IndexOptions, Model

from infra.local.elasticsearch.server import ElasticsearchServer
from tests.server_folder import server_folder


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
