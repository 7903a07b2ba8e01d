"""A network that was exported by `layers.models`, run by OpenVINO.

The graph takes one picture at a time. Batches are kept busy by several requests at once, not by a larger graph: the vectors are then the
same to the bit, however many pictures are embedded together.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # OpenVINO then uses its own stub, which sends nothing

import openvino

from lookalike.domain import Model, Pixels, Vectors
from lookalike.errors import Misconfigured

Hint = Literal["LATENCY", "THROUGHPUT"]


class OpenVinoEmbedder:
    """Loads a network when it is made.

    Args:
        folder: with ``model.xml``, ``model.bin`` and ``manifest.json``.
        hint: ``LATENCY`` gives all cores to one picture, ``THROUGHPUT`` the cores to several pictures.
        precision: ``f32`` for exact comparisons; by default the manifest's.

    Raises:
        Misconfigured: the folder does not hold such a network; says what is wrong.
    """

    def __init__(self, folder: Path, hint: Hint = "LATENCY", precision: Literal["f32"] | None = None) -> None:
        self._model = read_manifest(folder)
        config: dict[str, str] = {"PERFORMANCE_HINT": hint}
        if "f32" in (precision, self._model.precision):
            config["INFERENCE_PRECISION_HINT"] = "f32"
        try:
            self._compiled = openvino.Core().compile_model(folder / "model.xml", "CPU", config)
        except RuntimeError as error:
            raise Misconfigured(f"the network in {str(folder)!r} cannot be loaded: {error}") from error

    @property
    def model(self) -> Model:
        """What the manifest says."""
        return self._model

    def embed(self, pixels: Sequence[Pixels]) -> Vectors:
        """Unit vectors, float32, shape (n, dimensions), of n pictures at the model's input size, uint8 RGB."""
        vectors = np.empty((len(pixels), self._model.dimensions), np.float32)
        queue = openvino.AsyncInferQueue(self._compiled)

        def keep(request: Any, number: int) -> None:
            vectors[number] = request.get_output_tensor(0).data[0]

        queue.set_callback(keep)
        for number, picture in enumerate(pixels):
            queue.start_async({0: picture[np.newaxis]}, number)
        queue.wait_all()
        return vectors


def read_manifest(folder: Path) -> Model:
    """The model that a folder's manifest describes.

    Raises:
        Misconfigured: there is none, or it lacks something.
    """
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
        width, height = manifest["input_size"]
        return Model(
            id=manifest["id"],
            weights_sha256=manifest["weights_sha256"],
            dimensions=manifest["dimensions"],
            input_size=(width, height),
            interpolation=manifest["interpolation"],
            preprocessing=manifest["preprocessing"],
            precision=manifest["precision"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Misconfigured(f"{str(folder)!r} holds no exported network: {error!r}") from error
