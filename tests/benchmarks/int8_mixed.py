"""What an index loses whose int8 vectors come from CPUs with and without VNNI: ``python -m tests.benchmarks.int8_mixed FOLDER``.

Without VNNI sums of int8 products saturate, so that the vectors differ, and Lambda does not say which CPU a function gets. The folder has
a sub-folder for each class, each of its pictures is a query. `ONEDNN_MAX_CPU_ISA=AVX2` stands for a CPU without VNNI.
"""

import argparse
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from lookalike.adapters.openvino.manifests import read_manifest
from lookalike.domain import Vectors
from lookalike.pictures import decoding

from layers.models import export
from layers.quality.labelled import Labelled, files_of
from layers.quality.measures import interval, nearest, scores
from tests.benchmarks.rows import Row, command

MODELS = Path("build/models")
ISA = "ONEDNN_MAX_CPU_ISA"


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
    files, size = files_of(given.folder), read_manifest(folder).input_size
    labelled = Labelled.of(
        list(map(str, files)),
        [path.relative_to(given.folder).parts[0] for path in files],
        [decoding.decode(path.read_bytes(), at_least=size).perceptual_hash for path in files],
    )
    vnni, avx2 = (_apart(isa, folder, files) for isa in (None, "AVX2"))
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
    found = {name: scores(nearest(index, labelled.bits, queries=asked), labelled.labels) for name, (index, asked) in ways.items()}
    first, *_ = found.values()
    cosines = (vnni * avx2).sum(axis=1)
    print(f"cosine of a picture's two vectors: mean {cosines.mean():.4f}, least {cosines.min():.4f}")
    for name, each in found.items():
        low, high = interval(each.p1 - first.p1)
        note = f"P@5 {each.means()['P@5']:.3f}; P@1 changes by {low:+.3f} to {high:+.3f} (95 %)"
        yield Row(name, each.means()["P@1"], "P@1", "with VNNI alone", first.means()["P@1"], note=note)


def embedded(folder: Path, files: Sequence[Path]) -> Vectors:
    """The vectors of pictures, as this process's processor computes them; shape (pictures, dimensions)."""
    from lookalike.adapters.openvino.embedder import OpenVinoEmbedder

    model = read_manifest(folder)
    decoded = (decoding.decode(file.read_bytes(), at_least=model.input_size).pixels for file in files)
    return OpenVinoEmbedder(folder, "THROUGHPUT").embed([decoding.scale(pixels, model) for pixels in decoded])


def _apart(isa: str | None, folder: Path, files: Sequence[Path]) -> Vectors:
    """The same in a process of its own, held to an instruction set, which is read when OpenVINO is imported."""
    if isa:
        os.environ[ISA] = isa
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
            return processes.submit(embedded, folder, files).result()
    finally:
        os.environ.pop(ISA, None)


if __name__ == "__main__":
    main()
