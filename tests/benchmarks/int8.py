"""What int8 loses and gains by which convolutions are left as they are: ``python -m tests.benchmarks.int8 FOLDER``.

The folder has a sub-folder for each class; up to 300 of its pictures calibrate, each of them is a query. The networks embed one picture
in turn, so that all see the same machine.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from lookalike.adapters.openvino.manifests import read_manifest
from lookalike.domain import Pixels, Vectors
from lookalike.pictures import decoding
from numpy.typing import NDArray

from layers.models import export, quantise
from layers.quality.labelled import Labelled, files_of
from layers.quality.measures import nearest, scores
from layers.quality.openvino_runtime import openvino
from tests.benchmarks.rows import Row, command

TURNS = 200


TRIALS: Mapping[str, Callable[[int, Any], bool]] = {
    "none": lambda place, convolution: False,
    "the first 3": lambda place, convolution: place < 3,
    "the first 6": lambda place, convolution: place < 6,
    "the first 3 and those of single channels": quantise.stays,
}
"""Which convolutions are left."""


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.int8", description="What int8 loses and gains by what is left in f32."
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--network", default="efficientnet_lite2")
    parser.add_argument("--calibration", type=Path, help="by default the folder itself")
    command(parser, rows)


def rows(given: argparse.Namespace) -> Iterator[Row]:
    """A row for each trial: how much faster it is, and in the note what it loses."""
    folder = Path("build/models") / export.ensure(given.network, Path("build/models"), print)
    model, network = read_manifest(folder), openvino.Core().read_model(folder / "model.xml")
    pictures = [(path, decoding.decode(path.read_bytes(), at_least=model.input_size)) for path in files_of(given.folder)]
    pixels = [decoding.scale(picture.pixels, model) for _, picture in pictures]
    labelled = Labelled.of(
        [str(path) for path, _ in pictures],
        [path.relative_to(given.folder).parts[0] for path, _ in pictures],
        [picture.perceptual_hash for _, picture in pictures],
    )
    chosen = [quantise.at_input_size(content, model) for content in quantise.calibrating(given.calibration or given.folder)]
    compiled = {"f32": _compiled(network)}
    for name, left in TRIALS.items():
        compiled[name] = _compiled(quantise.quantise(network.clone(), [each for each in chosen if each is not None], left))
    vectors = {name: np.concatenate([embed(each[np.newaxis]) for each in pixels]) for name, embed in compiled.items()}
    times = _in_turn(compiled, pixels[0])
    for name in TRIALS:
        note = _lost(vectors["f32"], vectors[name], labelled)
        yield Row("f32", times["f32"], "ms", f"int8 but {name}", times[name], least=1.6, note=note)


def _compiled(network: Any) -> Callable[[NDArray[np.uint8]], Vectors]:
    config = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(network, "CPU", config)
    return lambda pixels: np.asarray(compiled(pixels)[0])


def _in_turn(compiled: Mapping[str, Callable[[NDArray[np.uint8]], Vectors]], picture: Pixels) -> dict[str, float]:
    """The median of each in milliseconds."""
    works = {name: partial(embed, picture[np.newaxis]) for name, embed in compiled.items()}
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(TURNS):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            times[name].append((time.perf_counter() - start) * 1000)
    return {name: median(each) for name, each in times.items()}


def _lost(own: Vectors, quantised: Vectors, pictures: Labelled) -> str:
    before, after = (scores(nearest(vectors, pictures.bits), pictures.labels).means() for vectors in (own, quantised))
    cosines = (own * quantised).sum(axis=1)
    changes = ", ".join(f"{name} {before[name]:.3f} -> {after[name]:.3f}" for name in before)
    return f"{changes}; cosine {cosines.mean():.4f}, least {cosines.min():.4f}"


if __name__ == "__main__":
    main()
