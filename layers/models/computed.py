"""Canonical vectors that are computed beside the picture's own: of a text, and of a network in int8 as the least processor computes it.

AVX2 multiplies int8 numbers otherwise than AVX-512 VNNI, so that vectors differ in the second digit. The image's build is held to AVX2;
a child process, ``python -m layers.models.computed FOLDER``, computes here what it will compute.
"""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from lookalike.adapters.openvino.embedder import OpenVinoEmbedder

from layers.models import canonical
from layers.models.manifest import FILE

_PROJECT = Path(__file__).parents[2]


def write(folder: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """Writes the manifest of the model that is in a folder, with these vectors; returns it.

    Raises:
        Misconfigured: the model knows words, and the library tokenizers is not installed.
    """
    _write(folder, manifest)
    text = OpenVinoEmbedder(folder).embed_text(canonical.TEXT) if (folder / "text.xml").exists() else None
    whole = manifest | {
        "canonical_text_vector": None if text is None else canonical.beginning(text),
        "canonical_avx2": with_avx2(folder) if canonical.is_int8(folder) else None,
    }
    _write(folder, whole)
    return whole


def with_avx2(folder: Path) -> list[float] | None:
    """The first numbers of the canonical picture's vector of a folder's network, computed with AVX2 alone.

    None on another architecture. The folder holds a whole model, with its manifest.
    """
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return None
    command = [sys.executable, "-m", "layers.models.computed", str(folder.absolute())]
    environment = os.environ | {"ONEDNN_MAX_CPU_ISA": "AVX2"}
    printed = subprocess.run(command, cwd=_PROJECT, env=environment, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    numbers: list[float] = json.loads(printed.stdout)
    return numbers


def _write(folder: Path, manifest: dict[str, Any]) -> None:
    (folder / FILE).write_text(json.dumps(manifest, indent=2) + "\n")


def _main(folder: Path) -> None:
    embedder = OpenVinoEmbedder(folder, precision="f32")
    [vector] = embedder.embed([canonical.picture(embedder.model.input_size)])
    print(json.dumps(canonical.beginning(vector)))


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
