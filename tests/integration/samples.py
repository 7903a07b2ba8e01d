"""What tests of the adapters write, and where to."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import numpy as np
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.indices import definition_of
from lookalike.domain import Attributes, IndexedPicture, IndexOptions, Model, Origin, Vector

from tests.fakes import MODEL

OTHER_MODEL = Model("other", "1" * 64, 128, (8, 8), "bilinear", "none")
"""A second model, whose vectors are of another length."""


def vector(seed: int) -> Vector:
    """A unit vector of `MODEL`'s length: different for each seed."""
    return unit(np.random.default_rng(seed).normal(size=MODEL.dimensions).astype(np.float32))


def unit(vector: Vector) -> Vector:
    """The vector at length 1."""
    made: Vector = vector / np.linalg.norm(vector)
    return made


def indexed(
    product_id: str, attributes: Attributes | None = None, *, name: str = "front", origin: Origin = "products", content: str | None = None
) -> IndexedPicture:
    """A picture as it is indexed; ``content`` stands for its bytes, by default every picture has its own."""
    return IndexedPicture(
        product_id=product_id,
        image_url=f"http://a/{product_id}/{name}.jpg",
        attributes=attributes or {},
        content_sha256=content or f"sha256 of {product_id}/{name}",
        perceptual_hash="0f" * 32,
        width=640,
        height=480,
        origin=origin,
        etag=None if origin == "products" else '"etag"',
        indexed_at=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
    )


def pictures_definition() -> dict[str, Any]:
    """Settings and mappings of an index for `MODEL`."""
    return definition_of(MODEL, IndexOptions())


@contextmanager
def own_name(client: Elasticsearch) -> Iterator[str]:
    """A name for an index or an alias that no other test uses; every index whose name begins with it is deleted afterwards."""
    drawn = f"test-{uuid4().hex[:12]}"
    try:
        yield drawn
    finally:
        indices = list(client.indices.get(index=f"{drawn}*", features=["aliases"]))
        if indices:
            client.indices.delete(index=indices)
