"""What an index loses whose int8 vectors come from CPUs with and without VNNI: ``python -m tests.benchmarks.int8_mixed FOLDER``.

Without VNNI sums of int8 products saturate, so that the vectors differ, and Lambda does not say which CPU a function gets. The folder has
a sub-folder for each class, each of its pictures is a query. `ONEDNN_MAX_CPU_ISA=AVX2` stands for a CPU without VNNI.
"""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from lookalike.domain import Vectors

from layers.models import export
from layers.quality import labelled
from layers.quality.labelled import Labelled
from layers.quality.measures import interval, nearest, scores
from tests.benchmarks.embedding import Place, apart, move_to
from tests.benchmarks.rows import Row, command

MODELS = Path("build/models")
CORES = len(os.sched_getaffinity(0))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.int8_mixed", description="What an index loses whose int8 vectors come from CPUs of two kinds."
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--network", default="efficientnet_lite2-int8")
    command(parser, rows)


def rows(given: argparse.Namespace) -> Iterator[Row]:
    """P@1 of every way to mix them, beside vectors of CPUs with VNNI alone."""
    folder = MODELS / export.ensure(given.network, MODELS, print)
    (pictures, vnni), (_, avx2) = (apart(Place(CORES, isa), embedded, folder, given.folder) for isa in (None, "AVX2"))
    is_vnni = np.random.default_rng(0).random(len(vnni)) < 0.5
    mixed = np.where(is_vnni[:, np.newaxis], vnni, avx2)
    ways = {
        "index and queries with VNNI": (vnni, vnni),
        "index and queries without": (avx2, avx2),
        "index with, queries without": (vnni, avx2),
        "index without, queries with": (avx2, vnni),
        "half of the index with, queries with": (mixed, vnni),
        "half of the index with, queries without": (mixed, avx2),
    }
    found = {name: scores(nearest(index, pictures.bits, queries=asked), pictures.labels) for name, (index, asked) in ways.items()}
    first, *_ = found.values()
    cosines = (vnni * avx2).sum(axis=1)
    print(f"cosine of a picture's two vectors: mean {cosines.mean():.4f}, least {cosines.min():.4f}")
    for name, each in found.items():
        low, high = interval(each.p1 - first.p1)
        note = f"P@5 {each.means()['P@5']:.3f}; P@1 changes by {low:+.3f} to {high:+.3f} (95 %)"
        yield Row(name, each.means()["P@1"], "P@1", "with VNNI alone", first.means()["P@1"], note=note)


def embedded(place: Place, network: Path, folder: Path) -> tuple[Labelled, Vectors]:
    """The pictures of a folder and their vectors, computed as a CPU of this kind does; shape (pictures, dimensions)."""
    move_to(place)
    from lookalike.adapters.openvino.embedder import OpenVinoEmbedder

    pictures, [vectors] = labelled.embedded(folder, labelled.files_of(folder), [OpenVinoEmbedder(network, "THROUGHPUT")])
    return pictures, vectors


if __name__ == "__main__":
    main()
