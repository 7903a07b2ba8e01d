"""Networks of one's own as graphs in the form in which all are exported: preprocessing before them, unit vectors behind them."""

import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # OpenVINO then uses its own stub, which sends nothing

import openvino
from openvino import opset13 as ops

from layers.models.own_description import Layout, OwnNetwork, Pooling, TextEncoder, Undescribed

KERAS = (".keras", ".h5")
IMAGE_OUTPUTS = ("image_embeds", "pooler_output")
TEXT_OUTPUTS = ("text_embeds", "pooler_output")
"""Names under which Hugging Face's networks give the vector, the best first."""


def image_graph(network: OwnNetwork) -> Any:
    """Uint8 RGB pixels of shape (1, height, width, 3) to a vector of unit length.

    Raises:
        Undescribed: the network has another shape than its description says.
    """
    width, height = network.input_size
    pixels = ops.parameter([1, height, width, 3], np.uint8, name="pixels")
    mean, scale = (np.array(each, np.float32).reshape(1, 1, 1, 3) for each in (network.mean, network.scale))
    prepared = ops.divide(ops.subtract(ops.convert(pixels, np.float32), mean), scale)
    graph = _read(network.file)
    number = _image_input(graph, network.file)
    layout = network.layout or _layout(graph.input(number))
    if layout == "NCHW":
        prepared = ops.transpose(prepared, [0, 3, 1, 2])
    output = _attached(graph, {number: prepared}, network.output, IMAGE_OUTPUTS, network.file)
    return _finished(_pooled(output, network.pooling, layout), [pixels], graph, network.file)


def text_graph(text: TextEncoder) -> Any:
    """Tokens and their mask (1 for a token, 0 for padding), int64 of shape (1, length), to a vector of unit length.

    Raises:
        Undescribed: as `image_graph`.
    """
    tokens, mask = (ops.parameter([1, text.length], np.int64, name=name) for name in ("tokens", "mask"))
    places, zeros = (ops.constant(each[np.newaxis]) for each in (np.arange(text.length), np.zeros(text.length, np.int64)))
    known = {"mask": mask, "position": places, "token_type": zeros}
    graph = _read(text.file)
    given = {
        number: next((node for name, node in known.items() if name in each.any_name), tokens)
        for number, each in enumerate(graph.inputs)
        if _rank(each) == 2
    }
    if not given:
        raise Undescribed(f"{text.file.name} has no input of tokens, but {_told(graph.inputs)}")
    output = _attached(graph, given, text.output, TEXT_OUTPUTS, text.file)
    return _finished(_pooled(output, text.pooling, "NCHW"), [tokens, mask], graph, text.file)


def _read(file: Path) -> Any:
    try:
        if file.suffix not in KERAS:
            return openvino.Core().read_model(file)
        with TemporaryDirectory() as folder:
            _as_saved_model(file, folder)
            return openvino.Core().read_model(folder)
    except RuntimeError as error:
        raise Undescribed(f"{file.name} cannot be read as a network: {error}") from error


def _as_saved_model(file: Path, folder: str) -> None:
    import keras  # imported here, because nothing else needs TensorFlow

    try:
        keras.models.load_model(file, compile=False).export(folder, verbose=False)
    except (ValueError, TypeError, OSError) as error:
        raise Undescribed(f"Keras cannot load {file.name}: {error}") from error


def _rank(tensor: Any) -> int | None:
    return len(tensor.partial_shape) if tensor.partial_shape.rank.is_static else None


def _told(tensors: Sequence[Any]) -> str:
    """Names and shapes, for a message; the shortest of a tensor's names is the one that was given to it."""
    return ", ".join(f"{min(sorted(each.names), key=len, default='?')} {each.partial_shape}" for each in tensors)


def _image_input(graph: Any, file: Path) -> int:
    """The number of the one input that takes a picture."""
    found = [number for number, each in enumerate(graph.inputs) if _rank(each) == 4]
    if len(found) != 1:
        raise Undescribed(f"{file.name} must have one input of four dimensions, which takes the picture; it has {_told(graph.inputs)}")
    return found[0]


def _layout(picture: Any) -> Layout:
    channels_last = picture.partial_shape[3]
    return "NHWC" if channels_last.is_static and channels_last.get_length() in (1, 3) else "NCHW"


def _attached(graph: Any, given: dict[int, Any], output: str | None, well_known: Sequence[str], file: Path) -> Any:
    """The graph's output, once its inputs come from the given nodes."""
    taken = _told([graph.input(number) for number in given])
    try:
        graph.reshape({graph.input(number): node.output(0).partial_shape for number, node in given.items()})
    except RuntimeError as error:
        wanted = ", ".join(str(node.output(0).partial_shape) for node in given.values())
        raise Undescribed(f"{file.name} takes {taken}, which {wanted} does not fit: is input_size right?") from error
    result = _result(graph, output, well_known, file).get_node().input_value(0)
    for number, node in given.items():
        own = graph.input(number)
        typed = node if node.get_element_type() == own.element_type else ops.convert(node, own.element_type.to_dtype())
        for consumer in own.get_node().output(0).get_target_inputs():
            consumer.replace_source_output(typed.output(0))
    return result


def _result(graph: Any, output: str | None, well_known: Sequence[str], file: Path) -> Any:
    """The output that is the vector."""
    wanted = well_known if output is None else (output,)
    found = next((each for name in wanted for each in graph.outputs if name in each.names), None)
    if found is None and output is None and len(graph.outputs) == 1:
        return graph.output(0)
    if found is None:
        said = "has several outputs, say which is the vector (output)" if output is None else f"has no output {output!r}"
        raise Undescribed(f"{file.name} {said}: {_told(graph.outputs)}")
    return found


def _pooled(output: Any, pooling: Pooling, layout: Layout) -> Any:
    rank = len(output.partial_shape)
    if rank == 2:
        return output
    if pooling == "first" and rank == 3:
        return ops.gather(output, np.int64(0), np.int64(1))
    if pooling == "mean" and rank in (3, 4):
        places = [1] if rank == 3 else [2, 3] if layout == "NCHW" else [1, 2]
        return ops.reduce_mean(output, np.array(places, np.int64), False)
    raise Undescribed(f"the output has {rank} dimensions: say how they become a vector (pooling: mean or first)")


def _finished(vectors: Any, parameters: list[Any], graph: Any, file: Path) -> Any:
    """The whole graph; what the file has besides, such as another encoder, is left out."""
    try:
        model = openvino.Model([ops.normalize_l2(vectors, np.array([1], np.int64), 1e-12, "add")], parameters)
    except RuntimeError as error:
        raise Undescribed(f"{file.name} has inputs that nothing fills: {_told(graph.inputs)}; is output right?") from error
    for number, parameter in enumerate(parameters):
        model.input(number).set_names({parameter.get_friendly_name()})
    model.output(0).set_names({"vectors"})
    return model
