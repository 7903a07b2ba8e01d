"""Made-up vectors with the structure of real ones."""

from collections.abc import Iterator

import numpy as np
from lookalike.domain import Model, Vectors

MODEL = Model("made_up_features", "0" * 64, 1536, (299, 299), "bilinear", "none")
CLUSTERS = 2000
DIRECTIONS = 48
CHUNK = 10_000


def feature_chunks(count: int, seed: int) -> Iterator[Vectors]:
    """Unit vectors as an average pool over non-negative features gives them, at most `CHUNK` at once.

    Networks use few of their many dimensions: pictures are points in `DIRECTIONS` dimensions, in clusters of several sizes, which a layer
    with random weights makes `MODEL.dimensions` numbers of.
    """
    layer = np.random.default_rng(99)
    weights = layer.normal(size=(DIRECTIONS, MODEL.dimensions)).astype(np.float32)
    centres = layer.normal(size=(CLUSTERS, DIRECTIONS)).astype(np.float32)
    random = np.random.default_rng(seed)
    clusters = (random.pareto(1.0, count) * CLUSTERS / 10).astype(np.int64) % CLUSTERS
    for start in range(0, count, CHUNK):
        centre = centres[clusters[start : start + CHUNK]]
        points = centre + random.normal(scale=0.7, size=centre.shape).astype(np.float32)
        made = np.maximum(points @ weights, 0)
        yield made / np.linalg.norm(made, axis=1, keepdims=True)


def features(count: int, seed: int) -> Vectors:
    """All of `feature_chunks`, shape (count, `MODEL.dimensions`)."""
    return np.concatenate(list(feature_chunks(count, seed)))
