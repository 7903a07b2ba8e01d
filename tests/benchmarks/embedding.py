"""How fast an exported network is, with Keras in the same run beside it: ``python -m tests.benchmarks.embedding [NETWORK]``.

Each engine has a process of its own, one after the other. Absolute times move from machine to machine, the ratios little. What the CPU
has decides as much: ``ONEDNN_MAX_CPU_ISA=AVX2`` in the environment gives the least that Lambda documents.
"""

import argparse
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Literal, Protocol

import numpy as np
from lookalike.domain import Pixels, Vectors

from layers.models.networks import INCEPTION_RESNET_V2, NETWORKS, Network

# TensorFlow and OpenVINO are imported by the functions that need them: each process is timed from its start, and has only its own.

MODELS = Path("build/models")
PICTURES = 48
BATCH = 16
SINGLES = 30
ROUNDS = 3
INSTRUCTION_SETS = ("amx_bf16", "avx512_bf16", "avx512_vnni", "avx512f", "avx_vnni", "avx2")
"""From the fastest on, by the names that Linux gives them."""


class Engine(Protocol):
    """What embeds."""

    def embed(self, pixels: Sequence[Pixels]) -> Vectors:
        """Unit vectors."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Times of an engine: since its process was started in s, of a picture alone in ms, and how many a second in batches."""

    ready_s: float
    first_answer_s: float
    one_picture_ms: float
    pictures_a_second: float
    vectors: Vectors


def main() -> None:
    """Prints both engines' figures, their ratios, and the least cosine between their vectors."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.embedding", description="How fast an exported network is.")
    parser.add_argument(
        "network", nargs="?", choices=NETWORKS, default=INCEPTION_RESNET_V2.id, help="with random weights if it is the default"
    )
    network = NETWORKS[parser.parse_args().network]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    folder, pixels = _prepared(network)
    openvino = _in_a_process_of_its_own(measure_openvino, folder, pixels)
    keras = _in_a_process_of_its_own(measure_keras, network.id, pixels)
    arithmetic = "f32" if network.precision == "f32" or "ONEDNN_MAX_CPU_ISA" in os.environ else "bf16 where the CPU has it"
    print(f"{folder.name}, {len(pixels)} pictures, {os.cpu_count()} cores, {instruction_set()}, {arithmetic}")
    print("\n".join(table(keras, openvino)))


def table(keras: Measured, openvino: Measured) -> list[str]:
    """The figures side by side; a ratio is OpenVINO's to Keras's."""
    rows = [
        ("ready after, s", keras.ready_s, openvino.ready_s),
        ("first answer after, s", keras.first_answer_s, openvino.first_answer_s),
        ("one picture, ms", keras.one_picture_ms, openvino.one_picture_ms),
        (f"pictures a second in batches of {BATCH}", keras.pictures_a_second, openvino.pictures_a_second),
    ]
    cosine = float((keras.vectors * openvino.vectors).sum(axis=1).min())
    return [
        f"{'':40}{'Keras':>10}{'OpenVINO':>10}{'ratio':>10}",
        *(f"{name:40}{reference:10.2f}{measured:10.2f}{measured / reference:10.3f}" for name, reference, measured in rows),
        f"least cosine against Keras: {cosine:.6f}",
    ]


def instruction_set() -> str:
    """What oneDNN, the arithmetic under OpenVINO and TensorFlow, may use."""
    if limit := os.environ.get("ONEDNN_MAX_CPU_ISA"):
        return f"no more than {limit} (ONEDNN_MAX_CPU_ISA)"
    cpu = Path("/proc/cpuinfo")
    flags = set(cpu.read_text().split()) if cpu.exists() else set()
    return f"the CPU's own instruction set, up to {next((name for name in INSTRUCTION_SETS if name in flags), 'an unknown one')}"


def measure_openvino(folder: Path, pixels: Sequence[Pixels], started: float) -> Measured:
    """The exported network, as a search uses it for a picture alone and as indexing uses it for batches."""
    from lookalike.adapters.openvino.embedder import OpenVinoEmbedder

    def load(hint: Literal["LATENCY", "THROUGHPUT"]) -> Engine:
        return OpenVinoEmbedder(folder, hint)

    return _measure(lambda: load("LATENCY"), lambda: load("THROUGHPUT"), pixels, started)


def measure_keras(network_id: str, pixels: Sequence[Pixels], started: float) -> Measured:
    """The network as Keras builds it, by ``predict``."""
    from layers.models import graph
    from layers.models.weights import locate

    network = NETWORKS[network_id]

    class Keras:
        def __init__(self) -> None:
            seed = seed_of(network)
            if seed is None:
                backbone, _ = graph.with_published_weights(network, locate(network.weights, print))
            else:
                backbone, _ = graph.with_random_weights(network, seed)
            self._model = graph.embedding_graph(network, backbone)

        def embed(self, pixels: Sequence[Pixels]) -> Vectors:
            vectors: Vectors = self._model.predict(np.stack(pixels), batch_size=BATCH, verbose=0)
            return vectors

    engine: list[Engine] = []

    def load() -> Engine:
        engine.append(Keras())
        return engine[0]

    return _measure(load, lambda: engine[0], pixels, started)


def seed_of(network: Network) -> int | None:
    """InceptionResNetV2's published weights are not within everybody's reach; random ones are as fast."""
    return 0 if network is INCEPTION_RESNET_V2 else None


def _measure(load: Callable[[], Engine], load_for_batches: Callable[[], Engine], pixels: Sequence[Pixels], started: float) -> Measured:
    engine = load()
    ready_s = time.monotonic() - started
    engine.embed(pixels[:1])
    first_answer_s = time.monotonic() - started
    one_picture_ms = 1000 * median(_seconds(engine, [pixels[number % len(pixels)]]) for number in range(SINGLES))
    engine = load_for_batches()
    batches = [pixels[start : start + BATCH] for start in range(0, len(pixels), BATCH)]
    vectors = np.concatenate([engine.embed(batch) for batch in batches])
    fastest_s = min(sum(_seconds(engine, batch) for batch in batches) for _ in range(ROUNDS))
    return Measured(ready_s, first_answer_s, one_picture_ms, len(pixels) / fastest_s, vectors)


def _seconds(engine: Engine, pixels: Sequence[Pixels]) -> float:
    start = time.perf_counter()
    engine.embed(pixels)
    return time.perf_counter() - start


def _in_a_process_of_its_own(measure: Callable[..., Measured], *arguments: object) -> Measured:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        return processes.submit(measure, *arguments, started=time.monotonic()).result()


def _prepared(network: Network) -> tuple[Path, list[Pixels]]:
    """The exported network's folder, and pictures at its input size."""
    from lookalike.adapters.openvino.manifests import read_manifest
    from lookalike.pictures import decoding

    from infra.demo.catalogue import drawn_catalogue
    from layers.models import export

    folder = MODELS / export.ensure(network.id, MODELS, print, seed_of(network))
    model = read_manifest(folder)
    items = drawn_catalogue(Path("build/catalogue")).items
    contents = [item.path.read_bytes() for item in items[:: len(items) // PICTURES][:PICTURES]]
    return folder, [decoding.scale(decoding.decode(content, at_least=model.input_size).pixels, model) for content in contents]


if __name__ == "__main__":
    main()
