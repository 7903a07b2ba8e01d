"""Exports a network of one's own in the form in which all are exported."""

import json
import shutil
import sys
from collections.abc import Callable
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np

sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # OpenVINO then uses its own stub, which sends nothing

import openvino
from openvino import opset13 as ops

from layers.models import canonical
from layers.models.manifest import FILE
from layers.models.own import OwnNetwork, Pooling, TextEncoder, Undescribed

KERAS = (".keras", ".h5")
BEGINNING = 64
"""Numbers of the canonical vector that are kept."""


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
        manifest = _manifest(network, vector)
        if network.text:
            tokens = np.ones((1, network.text.length), np.int64)
            words = _save(text_graph(network.text), unfinished / "text.xml", [tokens, tokens])
            if len(words) != len(vector):
                raise Undescribed(f"pictures have {len(vector)} numbers and texts {len(words)}: they cannot be compared")
            shutil.copyfile(network.text.tokenizer, unfinished / "tokenizer.json")
        _check(target / FILE, manifest, vector)
        (unfinished / FILE).write_text(json.dumps(manifest, indent=2) + "\n")
        shutil.rmtree(target, ignore_errors=True)
        unfinished.chmod(0o755)
        unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    say(f"{network.id} is exported to {target}: {len(vector)} numbers{', texts too' if network.text else ''}")
    return network.id


def image_graph(network: OwnNetwork) -> Any:
    """Uint8 RGB pixels of shape (1, height, width, 3) to a vector of unit length."""
    width, height = network.input_size
    pixels = ops.parameter([1, height, width, 3], np.uint8, name="pixels")
    mean, scale = (np.array(each, np.float32).reshape(1, 1, 1, 3) for each in (network.mean, network.scale))
    prepared = ops.divide(ops.subtract(ops.convert(pixels, np.float32), mean), scale)
    if network.layout == "NCHW":
        prepared = ops.transpose(prepared, [0, 3, 1, 2])
    graph = _read(network.file)
    if len(graph.inputs) != 1:
        names = ", ".join(each.any_name for each in graph.inputs)
        raise Undescribed(f"{network.file.name} wants {names}: give the image encoder alone")
    output = _attached(graph, {0: prepared}, network.output, network.file)
    return _finished(_pooled(output, network.pooling, network.layout), [pixels])


def text_graph(text: TextEncoder) -> Any:
    """Tokens and their mask (1 for a token, 0 for padding), int64 of shape (1, length), to a vector of unit length."""
    tokens, mask = (ops.parameter([1, text.length], np.int64, name=name) for name in ("tokens", "mask"))
    graph = _read(text.file)
    given = {number: mask if "mask" in each.any_name else tokens for number, each in enumerate(graph.inputs)}
    output = _attached(graph, given, text.output, text.file)
    return _finished(_pooled(output, text.pooling, "NCHW"), [tokens, mask])


def _read(file: Path) -> Any:
    if file.suffix not in KERAS:
        return openvino.Core().read_model(file)
    import keras  # imported here, because nothing else needs TensorFlow

    model = keras.models.load_model(file, compile=False)
    with_fixed_batch = [1, *model.inputs[0].shape[1:]]
    import tensorflow as tf

    traced = tf.function(lambda x: model(x, training=False)).get_concrete_function(tf.TensorSpec(with_fixed_batch, tf.float32))
    return openvino.convert_model(traced)


def _attached(graph: Any, given: dict[int, Any], output: str | None, file: Path) -> Any:
    """The graph's output, once its inputs come from the given nodes."""
    graph.reshape({graph.input(number): node.output(0).partial_shape for number, node in given.items()})
    names = [name for each in graph.outputs for name in each.names]
    if output is not None and output not in names:
        raise Undescribed(f"{file.name} has no output {output!r}, but {', '.join(sorted(names))}")
    preferred = next((name for name in (output, "image_embeds", "text_embeds", "pooler_output") if name in names), None)
    result = (graph.output(preferred) if preferred else graph.output(0)).get_node().input_value(0)
    for number, node in given.items():
        own = graph.input(number)
        typed = node if node.get_element_type() == own.element_type else ops.convert(node, own.element_type.to_dtype())
        for consumer in own.get_node().output(0).get_target_inputs():
            consumer.replace_source_output(typed.output(0))
    return result


def _pooled(output: Any, pooling: Pooling, layout: str) -> Any:
    rank = len(output.partial_shape)
    if rank == 2:
        return output
    if pooling == "first" and rank == 3:
        return ops.gather(output, np.int64(0), np.int64(1))
    if pooling == "mean":
        places = [1] if rank == 3 else [2, 3] if layout == "NCHW" else [1, 2]
        return ops.reduce_mean(output, np.array(places, np.int64), False)
    raise Undescribed(f"the output has {rank} dimensions: say how they become a vector (pooling: mean or first)")


def _finished(vectors: Any, parameters: list[Any]) -> Any:
    model = openvino.Model([ops.normalize_l2(vectors, np.array([1], np.int64), 1e-12, "add")], parameters)
    for number, parameter in enumerate(parameters):
        model.input(number).set_names({parameter.get_friendly_name()})
    model.output(0).set_names({"vectors"})
    return model


def _save(graph: Any, path: Path, inputs: list[Any]) -> Any:
    """Saves a graph; returns its vector of the inputs."""
    openvino.save_model(graph, path, compress_to_fp16=False)
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return compiled(inputs)[0][0]


def _manifest(network: OwnNetwork, vector: Any) -> dict[str, Any]:
    digest = sha256(repr((network.preprocessing, network.crop_share, network.interpolation, network.output, network.pooling)).encode())
    for file in (network.file, network.text.file if network.text else None):
        for each in [] if file is None else sorted(file.rglob("*")) if file.is_dir() else [file, file.with_suffix(".bin")]:
            digest.update(each.read_bytes() if each.is_file() else b"")
    text = network.text and {"length": network.text.length, "pad_token": network.text.pad_token}
    return {
        "id": network.id,
        "weights_sha256": digest.hexdigest(),
        "dimensions": len(vector),
        "input_size": list(network.input_size),
        "resize": network.resize,
        "crop_share": network.crop_share,
        "interpolation": network.interpolation,
        "precision": network.precision,
        "preprocessing": network.preprocessing,
        "text": text,
        "score_band": None,
        "licence": network.licence,
        "tools": {"openvino": version("openvino")},
        "canonical_vector": [round(float(number), 6) for number in vector[:BEGINNING]],
    }


def _check(earlier: Path, manifest: dict[str, Any], vector: Any) -> None:
    """Compares the canonical picture's vector with that of an earlier export of the same weights."""
    known = json.loads(earlier.read_text()) if earlier.exists() else {}
    if known.get("weights_sha256") != manifest["weights_sha256"]:
        return
    expected = np.array(known["canonical_vector"], np.float32)
    if (difference := float(np.abs(vector[: len(expected)] - expected).max())) > canonical.TOLERANCE_F32:
        raise Undescribed(f"the canonical picture's vector differs by {difference:.2g} from the one of the earlier export")
