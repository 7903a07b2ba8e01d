"""A network that needs no training."""

import json
from pathlib import Path

import numpy as np

from layers.quality.openvino_runtime import openvino, ops

SIZE = 64
"""Width and height of the pictures that it takes, in pixels."""


def write(folder: Path, dimensions: int) -> Path:
    """Writes a network that averages 8 x 8 cells and projects them, as an exported one; its id is the folder's name."""
    folder.mkdir(parents=True)
    pixels = ops.parameter([1, SIZE, SIZE, 3], np.uint8, name="pixels")
    cells = ops.avg_pool(
        ops.transpose(ops.convert(pixels, np.float32), [0, 3, 1, 2]), [8, 8], [0, 0], [0, 0], [8, 8], True, "floor", "explicit"
    )
    projection = np.random.default_rng(1).normal(size=(192, dimensions)).astype(np.float32)
    product = ops.matmul(ops.reshape(cells, np.array([1, 192], np.int64), False), ops.constant(projection), False, False)
    openvino.save_model(openvino.Model([ops.normalize_l2(product, np.array([1]), 1e-12, "add")], [pixels]), folder / "model.xml")
    manifest = {"id": folder.name, "weights_sha256": "ab" * 32, "dimensions": dimensions, "input_size": [SIZE, SIZE]}
    manifest |= {"interpolation": "bilinear", "precision": "f32", "preprocessing": "none", "score_band": None, "licence": "none"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
