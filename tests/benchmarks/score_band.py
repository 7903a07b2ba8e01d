"""Scores of unrelated pictures and of pictures of one class: ``python -m tests.benchmarks.score_band FOLDER NETWORK``.

The folder has a sub-folder for each class. What is printed goes into the table of `layers.models.networks`.
"""

import argparse
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder
from lookalike.domain import Embedder, Vectors
from lookalike.pictures import decoding
from lookalike.search.ranking import MAX_HASH_DISTANCE, hash_distance

from infra.demo.searching import Judged
from layers.models import export
from layers.models.networks import NETWORKS, ScoreBand

MODELS = Path("build/models")
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"})
BATCH = 16


def main() -> None:
    """Prints the band as it is written in the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.score_band", description="Measures a network's score band.")
    parser.add_argument("folder", type=Path, help="one sub-folder a class")
    parser.add_argument("network", choices=NETWORKS)
    given = parser.parse_args()
    embedder = OpenVinoEmbedder(MODELS / export.ensure(given.network, MODELS, print), "THROUGHPUT")
    judged, vectors = embedded(given.folder, embedder)
    classes = len({picture.category for picture in judged})
    print(f"{embedder.model.id}: {score_band(vectors, judged, f'{len(judged)} pictures in {classes} classes')}")


def embedded(folder: Path, embedder: Embedder) -> tuple[list[Judged], Vectors]:
    """Every picture of the sub-folders, with its vector."""
    size = embedder.model.input_size
    paths = sorted(path for path in folder.glob("*/*") if path.suffix.lower() in SUFFIXES)
    judged, vectors = [], [np.empty((0, embedder.model.dimensions), np.float32)]
    for start in range(0, len(paths), BATCH):
        batch = paths[start : start + BATCH]
        decoded = [decoding.decode(path.read_bytes(), at_least=size) for path in batch]
        judged += [Judged(path.parent.name, picture.perceptual_hash) for path, picture in zip(batch, decoded, strict=True)]
        vectors.append(embedder.embed([decoding.scale(picture.pixels, embedder.model) for picture in decoded]))
    return judged, np.concatenate(vectors)


def score_band(vectors: Vectors, judged: Sequence[Judged], measured_on: str) -> ScoreBand:
    """Median and 95th percentile of the scores of all pairs, near duplicates left out; pictures of different classes count as unrelated.

    Raises:
        ValueError: no two pictures are of one class, or no two of different classes.
    """
    scores: dict[bool, list[float]] = {True: [], False: []}
    cosines = vectors @ vectors.T
    for first, second in combinations(range(len(judged)), 2):
        a, b = judged[first], judged[second]
        if hash_distance(a.perceptual_hash, b.perceptual_hash) > MAX_HASH_DISTANCE:
            scores[a.category == b.category].append(float(cosines[first, second]))
    if not all(scores.values()):
        raise ValueError("there must be two pictures of one class, and two of different classes")
    (same_p50, same_p95), (other_p50, other_p95) = (_percentiles(scores[is_same]) for is_same in (True, False))
    return ScoreBand(other_p50, other_p95, same_p50, same_p95, measured_on)


def _percentiles(cosines: Sequence[float]) -> tuple[float, float]:
    """Of ``1 / (1 + l2norm)``; between unit vectors l2norm is ``sqrt(2 - 2 cosine)``."""
    scores = 1 / (1 + np.sqrt(np.clip(2 - 2 * np.asarray(cosines), 0, None)))
    p50, p95 = np.percentile(scores, (50, 95))
    return round(float(p50), 3), round(float(p95), 3)


if __name__ == "__main__":
    main()
