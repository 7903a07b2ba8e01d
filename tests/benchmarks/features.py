"""Made-up vectors with the structure of real ones."""

import numpy as np
from lookalike.domain import Model, Vectors

MODEL = Model("made_up_features", "0" * 64, 1536, (299, 299), "bilinear", "none")
CLUSTERS = 2000
DIRECTIONS = 48


def features(count: int, seed: int) -> Vectors:
    """Unit vectors as an average pool over non-negative features gives them.

    Networks use few of their many dimensions: pictures are points in `DIRECTIONS` dimensions, in clusters of several sizes, which a layer
    with random weights makes `MODEL.dimensions` numbers of.
    """
    layer = np.random.default_rng(99)
    weights = layer.normal(size=(DIRECTIONS, MODEL.dimensions)).astype(np.float32)
    centres = layer.normal(size=(CLUSTERS, DIRECTIONS)).astype(np.float32)
    random = np.random.default_rng(seed)
    chosen = (random.pareto(1.0, count) * CLUSTERS / 10).astype(np.int64) % CLUSTERS
    made = np.empty((count, MODEL.dimensions), np.float32)
    for start in range(0, count, 10_000):
        part = slice(start, start + 10_000)
        points = centres[chosen[part]] + random.normal(scale=0.7, size=(len(made[part]), DIRECTIONS)).astype(np.float32)
        made[part] = np.maximum(points @ weights, 0)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made
