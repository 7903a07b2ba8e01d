"""The file beside an exported network that says what it is, and whether it was made by the sources that are here now."""

import json
import platform
from dataclasses import asdict
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from layers.models.networks import Network, model_id

FILE = "manifest.json"


def manifest(network: Network, random_weights: int | None, weights_sha256: str) -> dict[str, Any]:
    """What is written; a network with random weights has no score band, for its scores mean nothing."""
    band = network.score_band if random_weights is None else None
    return {
        "id": model_id(network, random_weights),
        "weights_sha256": weights_sha256,
        "dimensions": network.dimensions,
        "input_size": list(network.input_size),
        "interpolation": network.interpolation,
        "precision": network.precision,
        "preprocessing": network.preprocessing,
        "score_band": asdict(band) if band else None,
        "licence": network.licence,
        "tools": tools(),
        "recipe_sha256": recipe_sha256(),
    }


def tools() -> dict[str, str]:
    """The versions of what exports, the same on every machine, though TensorFlow's package is called otherwise on Arm."""
    tensorflow = "tensorflow" if platform.machine() in ("aarch64", "arm64") else "tensorflow-cpu"
    return {"keras": version("keras"), "tensorflow": version(tensorflow), "openvino": version("openvino"), "nncf": version("nncf")}


def recipe_sha256() -> str:
    """The SHA-256 of what an export depends on: the sources of this folder, with the checksums of weights, and the tools' versions."""
    digest = sha256()
    for path in sorted([*Path(__file__).parent.glob("*.py"), *Path(__file__).parent.glob("*.json")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    digest.update(repr(sorted(tools().items())).encode())
    return digest.hexdigest()


def is_up_to_date(folder: Path) -> bool:
    """Whether a folder holds a network that was exported by the present sources and tools."""
    return _read(folder).get("recipe_sha256") == recipe_sha256()


def is_own(folder: Path) -> bool:
    """Whether a folder holds a model that is not one of the table: an own network, or an adapted one."""
    return "canonical_vector" in _read(folder)


def _read(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / FILE).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
