"""Checks, while the image is built, what the code relies on in the base image: ``python3 -m layers.models.check_image /opt/models``.

Fails the build if the user, the encoding, a shared library or a network is not as the functions need it at run time.
"""

import importlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from lookalike.adapters.openvino.model_store import ModelStore

FUNCTIONS = ("backfill", "index_products", "on_upload", "search")


def faults(models: Path) -> Iterator[str]:
    """What is not as it must be. An `ImportError` names a library that is missing in the base image."""
    if os.getuid() == 0:
        yield "the image runs as root"
    if sys.getfilesystemencoding() != "utf-8":
        yield "file names are not UTF-8"
    if tempfile.gettempdir() != "/tmp":  # noqa: S108 - the one folder that Lambda lets a function write to
        yield f"the folder for temporary files is {tempfile.gettempdir()}"
    if not importlib.util.find_spec("awslambdaric"):
        yield "the base image has no client of Lambda's runtime interface"
    for function in FUNCTIONS:
        importlib.import_module(f"functions.{function}.app")
    yield from _faults_of_networks(ModelStore(models, "LATENCY"))
    saliency = ModelStore(models / "saliency", "LATENCY")
    for model_id in saliency.ids():
        saliency.embedder(model_id)


def _faults_of_networks(store: ModelStore) -> Iterator[str]:
    if not store.ids():
        yield "there is no network"
    for model_id in store.ids():
        embedder = store.embedder(model_id)
        width, height = embedder.model.input_size
        [vector] = embedder.embed([np.full((height, width, 3), 127, np.uint8)])
        if not abs(float(np.linalg.norm(vector)) - 1) < 1e-3:
            yield f"{model_id} makes no unit vector"


if __name__ == "__main__":
    if found := list(faults(Path(sys.argv[1]))):
        sys.exit("; ".join(found))
    print("the image has what the functions rely on")
