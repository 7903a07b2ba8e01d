"""Checks, while the image is built, what the code relies on in the base image: ``python3 -m layers.models.check_image /opt/models``.

Fails the build if the user, the encoding, a shared library or a network is not as the functions need it at run time.
"""

import importlib
import importlib.util
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from lookalike.adapters.openvino.model_store import ModelStore
from lookalike.domain import Vector
from lookalike.errors import Misconfigured

from layers.models import canonical
from layers.models.manifest import FILE, is_own

FUNCTIONS = ("backfill", "index_products", "on_upload", "search")
QUANTISED = 'type="FakeQuantize"'
"""What ``model.xml`` of a network in int8 has, whoever quantised it."""


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
    yield from faults_of_networks(models)
    saliency = ModelStore(models / "saliency", "LATENCY")
    for model_id in saliency.ids():
        saliency.embedder(model_id)


def faults_of_networks(models: Path) -> Iterator[str]:
    """What is wrong with the networks in a folder."""
    store = ModelStore(models, "LATENCY")
    if not store.ids():
        yield "there is no network"
    for model_id in (each for each in store.ids() if not store.manifest(each).remote):
        embedder = store.embedder(model_id)
        [vector] = embedder.embed([canonical.picture(embedder.model.input_size)])
        if not abs(float(np.linalg.norm(vector)) - 1) < 1e-3:
            yield f"{model_id} makes no unit vector"
        yield from faults_of_vector(models / model_id, vector)
        if (models / model_id / "text.xml").exists():
            try:
                embedder.embed_text("a red hat")
            except Misconfigured as error:
                yield f"{error}: build with the parameter Text set to 1, or take text.xml out of the model's folder"


def faults_of_vector(folder: Path, vector: Vector) -> Iterator[str]:
    """How the canonical picture's vector differs from the one that it had where the network was exported or adapted.

    What computes in int8 is not compared, for there processors differ.
    """
    manifest = json.loads((folder / FILE).read_text())
    own = is_own(folder)
    kept = manifest.get("canonical_vector" if own else "canonical_numbers")
    if not kept or QUANTISED in (folder / "model.xml").read_text():
        return
    is_narrow = "ONEDNN_MAX_CPU_ISA" in os.environ
    tolerance = canonical.TOLERANCE_F32 if is_narrow else canonical.TOLERANCE_BF16
    if own:
        tolerance = canonical.own_tolerance(len(vector), is_f32=is_narrow or manifest["precision"] == "f32")
    if not (difference := canonical.difference(vector, np.array(kept, np.float32))) <= tolerance:
        remedy = "export it again, or adapt it again if it is an adapted one; indices that it filled must then be filled anew"
        yield f"the canonical picture's vector of {folder.name} differs by {difference:.2g} from that of its export: {remedy}"


if __name__ == "__main__":
    if found := list(faults(Path(sys.argv[1]))):
        sys.exit("; ".join(found))
    print("the image has what the functions rely on")
