"""How near an exported network comes to the machine's arithmetic: ``python -m tests.benchmarks.embedding [NETWORK]``.

Each engine has a process of its own for each number of cores and each instruction set, one after the other. The limit is the arithmetic
of the network's graph over the fastest arithmetic that was seen in the same type there: matrix products and convolutions, before and
after, and the network itself in its best batch, so that no ratio is below 1. ``ONEDNN_MAX_CPU_ISA=AVX2`` is the least that
Lambda documents.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from math import prod
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any, Literal, TypeVar

import numpy as np
from lookalike.domain import Pixels

from layers.models import export
from layers.models.networks import INCEPTION_RESNET_V2, NETWORKS, TRAINED, Network, model_id
from tests.benchmarks.rows import Row, command

# TensorFlow and OpenVINO are imported by the functions that need them: each process has only its own.

MODELS = Path("build/models")
BATCHES = (1, 8, 32)
SECONDS = 3.0
"""How long each batch size is timed, and at least three times."""

PRODUCTS: Sequence[tuple[Sequence[int], Sequence[int]]] = (
    *(((side, side), (side, side)) for side in (512, 1024, 2048)),
    ((1, 256, 35, 35), (256, 256, 3, 3)),
    ((1, 384, 17, 17), (384, 384, 1, 1)),
)
"""Matrices that are multiplied, and pictures and kernels that are convolved, which is as much a multiplication."""

SHARED, WHOLE = "threads: one picture, cores shared by several", "threads: 32 pictures, all cores for each"
"""The other way round than searches and indexing divide the cores."""

_INT8_FLAGS = {"avx512_vnni", "avx_vnni", "amx_int8"}
"""Processor flags with which int8 is aimed at 1.6 times f32."""

Precision = Literal["f32", "bf16", "int8"]
Measured = TypeVar("Measured")
Embed = Callable[[Sequence[Pixels]], object]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a process may compute: on how many cores, with which instruction set (None for the CPU's own)."""

    cores: int
    isa: str | None

    def __str__(self) -> str:
        return f"{self.cores} core{'s' if self.cores > 1 else ''}, {self.isa or 'own instruction set'}"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.embedding", description="How near a network comes to the arithmetic.")
    parser.add_argument(
        "network",
        nargs="?",
        choices=[network.id for network in TRAINED],
        default=INCEPTION_RESNET_V2.id,
        help="the default's weights are random",
    )
    parser.add_argument("--without-tensorflow", action="store_true", help="Keras takes most of the time")
    command(parser, rows)


def rows(given: argparse.Namespace) -> Iterator[Row]:
    """A row for each engine, batch size, number of cores and instruction set."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    network = NETWORKS[given.network]
    seed = seed_of(network)
    for name in (network.id, f"{network.id}-int8"):
        export.ensure(name, MODELS, print, seed)
    cores = sorted({1, len(os.sched_getaffinity(0))})
    for place in (Place(*each) for each in product(cores, (None, "AVX2"))):
        measured: dict[str, dict[str, float]] = {kind: apart(place, measure_ours, network.id, kind) for kind in _precisions(network, place)}
        if not given.without_tensorflow and place.cores == cores[-1]:
            measured["keras"] = apart(place, measure_tensorflow, network.id)
        yield from _rows_of(place, measured)


def _precisions(network: Network, place: Place) -> list[Precision]:
    has_bf16 = place.isa is None and network.precision == "fastest" and bool({"avx512_bf16", "amx_bf16"} & _flags())
    return ["f32", *(["bf16"] if has_bf16 else []), "int8"]  # type: ignore[list-item]


def _rows_of(place: Place, measured: Mapping[str, Mapping[str, float]]) -> Iterator[Row]:
    f32 = measured["f32"]
    for kind, figures in measured.items():
        for batch in (key for key in figures if key.startswith("batch")):
            if kind == "keras":
                continue
            what = f"{kind}, {batch}, {place}"
            limit = figures["gflop"] / figures["gflops"] * 1000
            most = 1.15 if (batch, kind) == ("batch 1", "f32") else None
            yield Row(what, figures[batch], "ms a picture", "the arithmetic", limit, most=most)
            if kind == "int8":
                least = 1.6 if batch == "batch 1" and place.isa is None and _INT8_FLAGS & _flags() else None
                yield Row(f"f32, {batch}, {place}", f32[batch], "ms a picture", "int8", figures[batch], least=least)
    for threads, default, batch in (
        (SHARED, "all cores for it, as searches", "batch 1"),
        (WHOLE, "cores shared by several, as indexing", "batch 32"),
    ):
        if threads in f32:
            yield Row(f"{threads}, f32, {place}", f32[threads], "ms a picture", default, f32[batch])
    yield from _keras_rows(place, measured)


def _keras_rows(place: Place, measured: Mapping[str, Mapping[str, float]]) -> Iterator[Row]:
    """Keras, which computes in f32, beside ours in f32 and in the type that ours takes by default."""
    default: Precision = "bf16" if "bf16" in measured else "f32"
    for key, ms in measured.get("keras", {}).items():
        batch = key.partition(": ")[2]
        least = 2.5 if batch == "batch 1" and "predict" in key else None
        for kind in dict.fromkeys(("f32", default)):
            what = f"ours, {kind}" + (", the default here" if kind == default else "")
            yield Row(f"{key}, {place}", ms, "ms a picture", what, measured[kind][batch], least=least if kind == default else None)


def measure_ours(place: Place, network_id: str, precision: Precision) -> dict[str, float]:
    """Milliseconds of a picture in each batch size; and the arithmetic of a picture (GFLOP) and of the machine (GFLOP/s)."""
    move_to(place)
    import openvino
    from lookalike.adapters.openvino.embedder import OpenVinoEmbedder

    network = NETWORKS[f"{network_id}-int8" if precision == "int8" else network_id]
    folder = MODELS / model_id(network, seed_of(network))
    forced: Literal["f32"] | None = "f32" if precision == "f32" else None
    figures = {"gflop": gflop(openvino.Core().read_model(folder / "model.xml")), "gflops": peak(precision)}
    single, many = OpenVinoEmbedder(folder, "LATENCY", forced), OpenVinoEmbedder(folder, "THROUGHPUT", forced)
    for batch in BATCHES:
        figures[f"batch {batch}"] = ms_a_picture((single if batch == 1 else many).embed, network, batch)
    if (place.cores, place.isa, precision) == (max(place.cores, 2), None, "f32"):
        figures |= {SHARED: ms_a_picture(many.embed, network, 1), WHOLE: ms_a_picture(single.embed, network, 32)}
    own = 1000 * figures["gflop"] / min(figures[f"batch {batch}"] for batch in BATCHES)
    figures["gflops"] = max(figures["gflops"], peak(precision), own)
    return figures


def measure_tensorflow(place: Place, network_id: str) -> dict[str, float]:
    """The same of Keras's ``predict``, which is what the reference calls, and of the same graph as ``tf.function``."""
    move_to(place)
    import tensorflow as tf

    from layers.models import graph
    from layers.models.weights import locate

    network, seed = NETWORKS[network_id], seed_of(NETWORKS[network_id])
    if seed is None:
        backbone, _ = graph.with_published_weights(network, locate(network.weights, print))
    else:
        backbone, _ = graph.with_random_weights(network, seed)
    model = graph.embedding_graph(network, backbone)
    traced = tf.function(lambda pixels: model(pixels, training=False), reduce_retracing=True)
    figures = {}
    for batch in BATCHES:
        predict: Embed = lambda pixels: model.predict(np.stack(pixels), batch_size=len(pixels), verbose=0)  # noqa: E731
        figures[f"Keras predict: batch {batch}"] = ms_a_picture(predict, network, batch)
        figures[f"tf.function: batch {batch}"] = ms_a_picture(lambda pixels: traced(tf.constant(np.stack(pixels))).numpy(), network, batch)
    return figures


def gflop(model: Any) -> float:
    """What a graph's convolutions and matrix products compute, in 10^9 multiplications and additions."""
    total = 0
    for operation in model.get_ops():
        kind = operation.get_type_name()
        if kind in ("Convolution", "GroupConvolution"):
            weights = list(operation.input_value(1).get_shape())  # [groups,] outputs, inputs, height, width
            total += 2 * prod(operation.output(0).get_shape()) * prod(weights[-3:])
        elif kind == "MatMul":
            total += 2 * prod(operation.output(0).get_shape()) * list(operation.input_value(0).get_shape())[-1]
    return total / 1e9


def peak(precision: Precision) -> float:
    """The fastest of some multiplications in this type, in GFLOP/s."""
    return max(_gflops(precision, left, right) for left, right in PRODUCTS)


def _gflops(precision: Precision, left_shape: Sequence[int], right_shape: Sequence[int]) -> float:
    import openvino
    from openvino import opset13 as ops

    random = np.random.default_rng(0)
    given, kept = (random.normal(size=shape).astype(np.float32) for shape in (left_shape, right_shape))
    left, right = ops.parameter(left_shape, np.float32), ops.constant(kept)
    is_matrix = len(left_shape) == 2
    result = ops.matmul(left, right, False, False) if is_matrix else ops.convolution(left, right, [1, 1], [0, 0], [0, 0], [1, 1])
    model = openvino.Model([result], [left])
    work = gflop(model)
    if precision == "int8":
        import nncf

        model = nncf.quantize(model, nncf.Dataset([given]), subset_size=1)
    config = {"INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32", "PERFORMANCE_HINT": "LATENCY"}
    request = openvino.Core().compile_model(model, "CPU", config).create_infer_request()
    return max(work / _seconds(lambda: request.infer([given], share_inputs=True)) for _ in range(30))


def seed_of(network: Network) -> int | None:
    """InceptionResNetV2's published weights are not within everybody's reach; random ones are as fast."""
    return 0 if network.weights is INCEPTION_RESNET_V2.weights else None


def ms_a_picture(embed: Embed, network: Network, batch: int) -> float:
    """The median of some seconds, after one batch that is not timed."""
    width, height = network.input_size
    pixels: list[Pixels] = list(np.random.default_rng(1).integers(0, 256, (batch, height, width, 3), np.uint8))
    embed(pixels)
    times: list[float] = []
    until = time.monotonic() + SECONDS
    while len(times) < 3 or time.monotonic() < until:
        times.append(_seconds(lambda: embed(pixels)))
    return 1000 * median(times) / batch


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def move_to(place: Place) -> None:
    """Holds this process to a place; the instruction set counts if OpenVINO is not imported yet."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: place.cores])
    if place.isa:
        os.environ["ONEDNN_MAX_CPU_ISA"] = place.isa


def _flags() -> set[str]:
    cpu = Path("/proc/cpuinfo")
    return set(cpu.read_text().split()) if cpu.exists() else set()


def apart(place: Place, measure: Callable[..., Measured], *arguments: object) -> Measured:
    """Measures in a process of its own."""
    print(" ".join(map(str, (measure.__name__, *arguments, f"({place})"))), flush=True)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        return processes.submit(measure, place, *arguments).result()


if __name__ == "__main__":
    main()
