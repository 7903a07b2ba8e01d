"""A network that was exported by `layers.models`, run by OpenVINO.

The graph takes one picture at a time. Batches are kept busy by several requests at once, not by a larger graph: the vectors are then the
same to the bit, however many pictures are embedded together.

The requests are waited for by the thread that started them. OpenVINO's own `AsyncInferQueue` calls back from its threads instead, where
Python's garbage collector may come to run: one that collected an earlier queue there waited for itself, once in some thousand batches.
"""

import os
import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Literal

import numpy as np

sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # OpenVINO then uses its own stub, which sends nothing

import openvino

from lookalike.adapters.openvino.manifests import read_manifest
from lookalike.adapters.openvino.text_encoder import TextEncoder
from lookalike.domain import Embedder, Model, Pixels, Vector, Vectors
from lookalike.errors import Misconfigured

Hint = Literal["LATENCY", "THROUGHPUT"]

REQUESTS_A_STREAM = 2
"""One is computed while the next waits: a stream need not stand still until Python has come round to it."""


class OpenVinoEmbedder(Embedder):
    """Loads a network when it is made.

    Args:
        folder: with ``model.xml``, ``model.bin`` and ``manifest.json``.
        hint: ``LATENCY`` gives all cores to one picture, ``THROUGHPUT`` the cores to several pictures.
        precision: ``f32`` for exact comparisons; by default the manifest's.

    Raises `Misconfigured`: the folder does not hold such a network; says what is wrong.
    """

    def __init__(self, folder: Path, hint: Hint = "LATENCY", precision: Literal["f32"] | None = None) -> None:
        self._folder = folder
        self._model = read_manifest(folder)
        config: dict[str, str] = {"PERFORMANCE_HINT": hint}
        # OpenVINO asks the CPU whether it has bf16; oneDNN, which computes, goes by the variable that holds it to an older CPU.
        if "f32" in (precision, self._model.precision) or "ONEDNN_MAX_CPU_ISA" in os.environ:
            config["INFERENCE_PRECISION_HINT"] = "f32"
        try:
            compiled = openvino.Core().compile_model(folder / "model.xml", "CPU", config)
        except RuntimeError as error:
            raise Misconfigured(f"the network in {str(folder)!r} cannot be loaded: {error}") from error
        streams = compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
        self._requests = [compiled.create_infer_request() for _ in range(REQUESTS_A_STREAM * streams)]
        self._lock = Lock()

    @property
    def model(self) -> Model:
        return self._model

    def embed(self, pixels: Sequence[Pixels]) -> Vectors:
        vectors = np.empty((len(pixels), self._model.dimensions), np.float32)
        at_once = len(self._requests)
        with self._lock:
            try:
                for number in range(len(pixels) + at_once):
                    request = self._requests[number % at_once]
                    if 0 <= number - at_once < len(pixels):
                        request.wait()
                        vectors[number - at_once] = request.get_output_tensor(0).data[0]
                    if number < len(pixels):
                        request.start_async({0: pixels[number][np.newaxis]}, share_inputs=True)
            finally:
                for request in self._requests:  # also those that were started before one failed
                    request.wait()
        return vectors

    def from_vectors(self, vectors: Vectors, model: Model) -> Vectors | None:
        if model.weights_sha256 == self._model.weights_sha256:
            return vectors
        if model.weights_sha256 != self._model.adapted_from:
            return None
        transform = openvino.Core().compile_model(self._folder / "transform.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        transformed: Vectors = transform(vectors)[0]
        return transformed

    def embed_text(self, text: str) -> Vector:
        return self._text_encoder(text)

    @cached_property
    def _text_encoder(self) -> TextEncoder:
        return TextEncoder(self._folder, self._model)
