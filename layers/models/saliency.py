"""The network that tells things from their background, exported as an optional model of the image.

A child process of `layers.models.export` runs it: ``python -m layers.models.saliency WEIGHTS FOLDER``.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # OpenVINO then uses its own stub, which sends nothing

import openvino
from openvino import opset13 as ops

from layers.models import canonical
from layers.models.manifest import FILE, recipe_sha256
from layers.models.networks import U2NETP

PIXELS = U2NETP.pixels
_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

Node = Any
"""A node of a graph, or one of its outputs."""


def mask(network: Any, planes: Node) -> Node:
    """The saliency from 0 to 1, shape (1, 1, `PIXELS`, `PIXELS`), of colours from 0 to 255, shape (1, 3, `PIXELS`, `PIXELS`).

    Args:
        network: as OpenVINO reads it; it becomes part of the graph that the planes are of.
        planes: the colours, a node of that graph.
    """
    network.reshape([1, 3, PIXELS, PIXELS])
    brightest = ops.maximum(ops.reduce_max(planes, [1, 2, 3], keep_dims=True), np.float32(1))
    mean, std = (np.array(each, np.float32).reshape(1, 3, 1, 1) for each in (_IMAGENET_MEAN, _IMAGENET_STD))
    prepared = ops.divide(ops.subtract(ops.divide(planes, brightest), mean), std)
    for consumer in network.input(0).get_node().output(0).get_target_inputs():
        consumer.replace_source_output(prepared.output(0))
    return network.output(0).get_node().input_value(0)


def export(weights: Path, folder: Path) -> None:
    """Writes the network and its manifest in the form of all models, but a map stands for the vector: saliencies row by row."""
    pixels = ops.parameter([1, PIXELS, PIXELS, 3], np.uint8, name="pixels")
    planes = ops.transpose(ops.convert(pixels, np.float32), [0, 3, 1, 2])
    saliency = mask(openvino.Core().read_model(weights), planes)
    flat = ops.reshape(saliency, np.array([1, -1], np.int64), False)
    openvino.save_model(openvino.Model([flat], [pixels]), folder / "model.xml")
    manifest = {
        "id": U2NETP.id,
        "weights_sha256": U2NETP.weights.sha256,
        "dimensions": PIXELS**2,
        "input_size": [PIXELS, PIXELS],
        "interpolation": "bilinear",
        "precision": "f32",
        "preprocessing": f"uint8 RGB, stretched to {PIXELS}x{PIXELS}, divided by the largest, (x - ImageNet's mean) / its deviation",
        "licence": U2NETP.licence,
        "canonical_numbers": canonical_numbers(folder / "model.xml"),
        "tools": {"openvino": version("openvino")},
        "recipe_sha256": recipe_sha256(),
    }
    (folder / FILE).write_text(json.dumps(manifest, indent=2) + "\n")


def canonical_numbers(network: Path) -> list[float]:
    """Means of parts of the canonical thing's saliency, which must be those that are stored with the sources.

    Raises:
        SystemExit: they differ.
    """
    compiled = openvino.Core().compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    cells = canonical.cells(compiled(canonical.thing((PIXELS, PIXELS))[np.newaxis])[0][0])
    expected = canonical.vector_beginning(U2NETP.id)
    if expected is None or not (difference := canonical.difference(cells, expected)) <= canonical.TOLERANCE_F32:
        sys.exit(f"the canonical thing's saliency is {json.dumps(canonical.beginning(cells))}, not the one that is stored for {U2NETP.id}")
    print(f"the canonical thing's saliency is the one that is stored (within {difference:.1g})", flush=True)
    return canonical.beginning(cells)


if __name__ == "__main__":
    export(*map(Path, sys.argv[1:]))
