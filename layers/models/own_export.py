"""Exports a network of one's own in the form in which all are exported."""

import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import openvino
from lookalike.errors import Misconfigured

from layers.models import canonical, computed
from layers.models.manifest import FILE
from layers.models.own_description import OwnNetwork, TextEncoder, Undescribed
from layers.models.own_graphs import image_graph, text_graph

MAX_DIMENSIONS = 4096
"""Of a ``dense_vector`` field in Elasticsearch."""


def export(network: OwnNetwork, folder: Path, say: Callable[[str], None]) -> str:
    """Writes the network to ``folder/<id>``, whole or not at all; returns its id.

    Raises:
        Undescribed: the network has another shape than its description says, or its vectors changed with the same weights.
    """
    target = folder / network.id
    if target.exists() and not (target / FILE).exists():
        raise Undescribed(f"{target} is there and is no exported model: choose another folder, or another id in network.json")
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = Path(mkdtemp(prefix=".exporting-", dir=folder))
    try:
        vector = _save(image_graph(network), unfinished / "model.xml", [canonical.picture(network.input_size)[np.newaxis]])
        if network.text:
            _export_text(network.text, unfinished, len(vector))
        _check(target / FILE, computed.write(unfinished, _manifest(network, vector)))
        shutil.rmtree(target, ignore_errors=True)
        unfinished.chmod(0o755)
        unfinished.rename(target)
    except Misconfigured as error:
        raise Undescribed(str(error)) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    say(f"{network.id} is exported to {target}: {len(vector)} numbers{', texts too' if network.text else ''}")
    return network.id


def _export_text(text: TextEncoder, folder: Path, dimensions: int) -> None:
    try:
        tokenizer = json.loads(text.tokenizer.read_text())
        vocabulary = [token if isinstance(token, str) else token[0] for token in tokenizer["model"]["vocab"]]  # of Unigram with scores
    except (ValueError, KeyError, TypeError) as error:
        raise Undescribed(f"{text.tokenizer} is no file of the library tokenizers: {error!r}") from error
    if text.pad_token not in [*vocabulary, *(added["content"] for added in tokenizer.get("added_tokens", ()))]:
        raise Undescribed(f"{text.tokenizer.name} has no token {text.pad_token!r}, which fills texts up: say another pad_token")
    tokens = np.ones((1, text.length), np.int64)
    words = _save(text_graph(text), folder / "text.xml", [tokens, tokens])
    if len(words) != dimensions:
        raise Undescribed(f"pictures have {dimensions} numbers and texts {len(words)}: they cannot be compared")
    shutil.copyfile(text.tokenizer, folder / "tokenizer.json")


def _save(graph: Any, path: Path, inputs: list[Any]) -> Any:
    """Saves a graph; returns its vector of the inputs."""
    openvino.save_model(graph, path, compress_to_fp16=False)
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    vector = compiled(inputs)[0][0]
    if len(vector) > MAX_DIMENSIONS:
        raise Undescribed(f"the vector has {len(vector):,} numbers, and Elasticsearch takes {MAX_DIMENSIONS:,} at most: is output right?")
    if not abs(float(np.linalg.norm(vector)) - 1) < 1e-3:
        raise Undescribed("the vector has no length: are mean and scale right?")
    return vector


def _manifest(network: OwnNetwork, vector: Any) -> dict[str, Any]:
    text = network.text
    told = (network.preprocessing, network.crop_share, network.interpolation, network.output, network.pooling)
    layout = (network.layout,) if network.layout else ()
    of_text = {name: getattr(text, name) for name in ("length", "pad_token", "lower_case")} if text else None
    return {
        "id": network.id,
        "weights_sha256": _checksum(told + layout, network.file, text.file if text else None),
        "dimensions": len(vector),
        "input_size": list(network.input_size),
        "resize": network.resize,
        "crop_share": network.crop_share,
        "interpolation": network.interpolation,
        "precision": network.precision,
        "preprocessing": network.preprocessing,
        "text": of_text,
        "text_sha256": _checksum((of_text, text.output, text.pooling), text.file, text.tokenizer) if text else None,
        "score_band": None,
        "licence": network.licence,
        "tools": {"openvino": version("openvino")},
        "canonical_vector": canonical.beginning(vector),
    }


def _checksum(told: tuple[Any, ...], *files: Path | None) -> str:
    """Of what was said and of files with the weights that lie beside them."""
    digest = sha256(repr(told).encode())
    for file in files:
        for each in [] if file is None else _files_of(file):
            digest.update(each.read_bytes() if each.is_file() else b"")
    return digest.hexdigest()


def _files_of(file: Path) -> list[Path]:
    """A network's files: with the weights that lie beside it, ``.bin`` for OpenVINO, ``.onnx_data`` or ``.onnx.data`` for ONNX."""
    if file.is_dir():
        return sorted(file.rglob("*"))
    return [file, file.with_suffix(".bin"), *(file.with_name(file.name + end) for end in ("_data", ".data"))]


def _check(earlier: Path, manifest: dict[str, Any]) -> None:
    """Compares canonical vectors with those of an earlier export of the same weights."""
    known = json.loads(earlier.read_text()) if earlier.exists() else {}
    for of, checksum, kept, tolerance in _compared(manifest):
        if known.get(checksum) == manifest[checksum] and known.get(kept) and manifest[kept]:
            difference = canonical.difference(np.array(manifest[kept], np.float32), np.array(known[kept], np.float32))
            if not difference <= tolerance:
                raise Undescribed(f"the canonical {of}'s vector differs by {difference:.2g} from the one of the earlier export")


def _compared(manifest: dict[str, Any]) -> list[tuple[str, str, str, float]]:
    """What is compared: of what it is, names of the checksum that must be the same and of the vector, the tolerance."""
    picture = ("picture", "weights_sha256", "canonical_vector", canonical.TOLERANCE_F32)
    if manifest["canonical_avx2"]:
        picture = ("picture", "weights_sha256", "canonical_avx2", canonical.own_tolerance(manifest["dimensions"], is_f32=False))
    return [picture, ("text", "text_sha256", "canonical_text_vector", canonical.TOLERANCE_F32)]
