"""Models that are asked over the network: nothing is exported but the manifest that names them."""

import json
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from layers.models.manifest import FILE

NAME = re.compile(r"(bedrock|elasticsearch)/([^@]+)(?:@(\d+))?")
"""``bedrock/MODEL`` or ``elasticsearch/INFERENCE_ENDPOINT``, with the dimensions behind an @, 1024 by default."""

INPUT_SIZE = (512, 512)
"""Pixels of the JPEG file that is sent; above the 128 that Titan wants at least, and small enough for any limit of bytes."""


def export(name: str, folder: Path, say: Callable[[str], None]) -> str:
    """Writes the manifest of a model that `NAME` matches to ``folder/<id>``; returns its id."""
    found = NAME.fullmatch(name)
    if not found:
        raise ValueError(f"{name!r} is no remote model")
    kind, remote, dimensions = found.groups(default="1024")
    model_id = re.sub(r"[^a-z0-9_]+", "-", f"{kind}-{remote}".lower()).strip("-") + (f"-{dimensions}" if found[3] else "")
    manifest = {
        "id": model_id,
        "remote": f"{kind}/{remote}",
        "weights_sha256": sha256(f"{kind}/{remote}@{dimensions}".encode()).hexdigest(),
        "dimensions": int(dimensions),
        "input_size": INPUT_SIZE,
        "resize": "pad",
        "interpolation": "bicubic",
        "precision": "f32",
        "preprocessing": f"JPEG of {INPUT_SIZE[0]}x{INPUT_SIZE[1]}, white edges",
        "score_band": None,
        "licence": "the service's own",
        "canonical_vector": [],
    }
    (folder / model_id).mkdir(parents=True, exist_ok=True)
    (folder / model_id / FILE).write_text(json.dumps(manifest, indent=2) + "\n")
    say(f"{model_id} is described in {folder / model_id}: {dimensions} numbers, asked of {kind}")
    return model_id
