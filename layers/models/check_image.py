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
from typing import Any

import numpy as np
from lookalike.adapters.openvino.model_store import ModelStore
from lookalike.domain import Vector
from lookalike.errors import Misconfigured

from layers.models import canonical
from layers.models.manifest import FILE, is_own
from layers.models.networks import SALIENCY_FOLDER

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
    yield from faults_of_networks(models)
    yield from faults_of_saliency(models / SALIENCY_FOLDER)


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
                yield from faults_of_text(models / model_id, embedder.embed_text(canonical.TEXT))
            except Misconfigured as error:
                yield f"{error}: build with the parameter Text set to 1, or take text.xml out of the model's folder"


def faults_of_saliency(folder: Path) -> Iterator[str]:
    """What is wrong with the networks in a folder that tell things from their background."""
    store = ModelStore(folder, "LATENCY")
    for model_id in store.ids():
        embedder = store.embedder(model_id)
        [saliency] = embedder.embed([canonical.thing(embedder.model.input_size)])
        kept = _manifest(folder / model_id).get("canonical_numbers")
        yield from _difference(model_id, "saliency of the canonical thing", canonical.cells(saliency), kept, canonical.TOLERANCE_F32)


def faults_of_vector(folder: Path, vector: Vector) -> Iterator[str]:
    """How the canonical picture's vector differs from the one that it had where the network was exported or adapted.

    What computes in int8 is compared where the CPU is held to AVX2, for which it was computed there; processors differ otherwise.
    """
    manifest, own, is_narrow = _manifest(folder), is_own(folder), "ONEDNN_MAX_CPU_ISA" in os.environ
    is_int8 = canonical.is_int8(folder)
    if is_int8:
        kept = manifest.get("canonical_avx2") if is_narrow else None
        tolerance = canonical.own_tolerance(len(vector), is_f32=False) if own else canonical.TOLERANCE_INT8
    elif own:
        kept = manifest["canonical_vector"]
        tolerance = canonical.own_tolerance(len(vector), is_f32=is_narrow or manifest["precision"] == "f32")
    else:
        kept = manifest.get("canonical_numbers")
        tolerance = canonical.TOLERANCE_F32 if is_narrow else canonical.TOLERANCE_BF16
    yield from _difference(folder.name, "canonical picture's vector", vector, kept, tolerance)


def faults_of_text(folder: Path, vector: Vector) -> Iterator[str]:
    """How the canonical text's vector differs; text encoders compute in f32 everywhere."""
    kept = _manifest(folder).get("canonical_text_vector")
    yield from _difference(folder.name, "canonical text's vector", vector, kept, canonical.own_tolerance(len(vector), is_f32=True))


def _manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / FILE).read_text())
    return found


def _difference(model_id: str, what: str, numbers: Vector, kept: list[float] | None, tolerance: float) -> Iterator[str]:
    """A fault if the first numbers are not those that were kept, if any were."""
    if kept and not (difference := canonical.difference(numbers, np.array(kept, np.float32))) <= tolerance:
        remedy = "export it again, or adapt it again if it is an adapted one; indices that it filled must then be filled anew"
        yield f"the {what} of {model_id} differs by {difference:.2g} from that of its export: {remedy}"


if __name__ == "__main__":
    if found := list(faults(Path(sys.argv[1]))):
        sys.exit("; ".join(found))
    print("the image has what the functions rely on")
