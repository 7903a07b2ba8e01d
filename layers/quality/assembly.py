"""Edits exported graphs: preprocessing put before a network, a learned transform put behind it.

All of it is part of the graph then, so that what serves needs to know of none of it.
"""

from typing import Any

import numpy as np
from lookalike.domain import Vector, Vectors
from numpy.typing import NDArray

from layers.models import saliency as saliency_network
from layers.models.saliency import PIXELS, Node
from layers.quality.openvino_runtime import openvino, ops
from layers.quality.transforms import LOGIT_WEIGHT, Affine, Transform

Graph = Any
"""An `openvino.Model`."""

HUES, SATURATIONS, VALUES = 12, 4, 4
COLOURS = HUES * SATURATIONS * VALUES


def described(base: Graph, saliency: Graph | None = None) -> Graph:
    """A network that says more of a picture: its vector and behind it the colour histogram, the square root of each colour's share.

    Args:
        base: uint8 pixels of shape (1, height, width, 3) to a unit vector; it becomes part of what is returned.
        saliency: paints the background white before ``base`` sees the picture; the histogram is of the picture as it was given.
    """
    pixels = ops.parameter(base.input(0).shape, np.uint8, name="pixels")
    seen = _whitened_background(pixels, saliency) if saliency else pixels
    for consumer in base.input(0).get_node().output(0).get_target_inputs():
        consumer.replace_source_output(seen.output(0))
    vectors = base.output(0).get_node().input_value(0)
    return _model([ops.concat([vectors, _histogram(pixels)], axis=1)], [pixels])


def transformed(graph: Graph, transform: Transform) -> Graph:
    """What `described` gives, its output transformed."""
    output = graph.output(0).get_node().input_value(0)
    vectors = ops.slice(output, [0], [output.shape[1] - COLOURS], [1], [1])
    histogram = ops.slice(output, [output.shape[1] - COLOURS], [output.shape[1]], [1], [1])
    pixels = graph.input(0).get_node()
    return _model([_applied(transform, vectors, histogram)], [pixels])


def transformed_texts(graph: Graph, transform: Transform, way: Vector) -> Graph:
    """A text encoder, its vectors moved by ``way`` to where those of pictures lie, then transformed as they are.

    ``transform`` counts no colours.
    """
    moved = ops.add(graph.output(0).get_node().input_value(0), ops.constant(way[np.newaxis]))
    return _model([_applied(transform, moved, None)], [each.get_node() for each in graph.inputs])


def transform_alone(transform: Transform, dimensions: int) -> Graph:
    """The transform of vectors of shape (n, dimensions), for those that an index holds already."""
    vectors = ops.parameter([-1, dimensions], np.float32, name="vectors")
    return _model([_applied(transform, vectors, None)], [vectors])


def _applied(transform: Transform, vectors: Node, histogram: Node | None) -> Node:
    parts = [_unit(_affine(vectors, transform.whitening)) if transform.whitening else vectors]
    if transform.head:
        parts.append(ops.multiply(_affine(vectors, transform.head), np.float32(LOGIT_WEIGHT)))
    if transform.colour:
        parts.append(ops.multiply(histogram, np.float32(transform.colour)))
    return _unit(ops.concat(parts, axis=1) if len(parts) > 1 else parts[0])


def _affine(vectors: Node, affine: Affine) -> Node:
    product = ops.matmul(vectors, ops.constant(affine.matrix.astype(np.float32)), False, False)
    return ops.add(product, ops.constant(affine.offset.astype(np.float32)[np.newaxis]))


def _unit(vectors: Node) -> Node:
    return ops.normalize_l2(vectors, np.array([1], np.int64), 1e-12, "add")


def _whitened_background(pixels: Node, saliency: Graph) -> Node:
    """The pixels where the saliency network sees a thing, white elsewhere, mixed between; uint8."""
    _, height, width, _ = pixels.shape
    colours = ops.convert(pixels, np.float32)
    mask = saliency_network.mask(saliency, _resized(ops.transpose(colours, [0, 3, 1, 2]), (PIXELS, PIXELS)))
    low, high = (reduce(mask, [1, 2, 3], keep_dims=True) for reduce in (ops.reduce_min, ops.reduce_max))
    mask = ops.divide(ops.subtract(mask, low), ops.maximum(ops.subtract(high, low), np.float32(1e-6)))
    share = ops.transpose(_resized(mask, (height, width)), [0, 2, 3, 1])
    mixed = ops.add(ops.multiply(colours, share), ops.multiply(ops.subtract(np.float32(1), share), np.float32(255)))
    return ops.convert(ops.round(ops.clamp(mixed, 0.0, 255.0), "half_to_even"), np.uint8)


def _resized(planes: Node, size: tuple[int, int]) -> Node:
    return ops.interpolate(
        planes,
        np.array(size, np.int64),
        "linear_onnx",
        "sizes",
        axes=np.array([2, 3], np.int64),
        coordinate_transformation_mode="half_pixel",
    )


def _histogram(pixels: Node) -> Node:
    """Shares of hue, saturation and value, their square roots, shape (1, colours): a vector of unit length."""
    red, green, blue = (ops.squeeze(plane, [2]) for plane in ops.split(ops.squeeze(_colours(pixels), [0]), 2, 3).outputs())
    value = ops.maximum(ops.maximum(red, green), blue)
    chroma = ops.subtract(value, ops.minimum(ops.minimum(red, green), blue))
    divisor = ops.maximum(chroma, np.float32(1e-6))
    sector = ops.select(
        ops.equal(value, red),
        ops.floor_mod(ops.divide(ops.subtract(green, blue), divisor), np.float32(6)),
        ops.select(
            ops.equal(value, green),
            ops.add(ops.divide(ops.subtract(blue, red), divisor), np.float32(2)),
            ops.add(ops.divide(ops.subtract(red, green), divisor), np.float32(4)),
        ),
    )
    saturation = ops.divide(chroma, ops.maximum(value, np.float32(1e-6)))
    hue = _one_hot(ops.divide(sector, np.float32(6)), HUES)
    others = ops.add(ops.multiply(_bin(saturation, SATURATIONS), np.int64(VALUES)), _bin(value, VALUES))
    counts = ops.matmul(hue, _flat_one_hot(others, SATURATIONS * VALUES), True, False)
    total = np.float32(pixels.shape[1] * pixels.shape[2])
    return ops.reshape(ops.sqrt(ops.divide(counts, total)), np.array([1, COLOURS], np.int64), False)


def _colours(pixels: Node) -> Node:
    return ops.divide(ops.convert(pixels, np.float32), np.float32(255))


def _bin(shares: Node, bins: int) -> Node:
    """From 0 to bins - 1, of numbers from 0 to 1."""
    return ops.convert(ops.minimum(ops.floor(ops.multiply(shares, np.float32(bins))), np.float32(bins - 1)), np.int64)


def _one_hot(shares: Node, bins: int) -> Node:
    return _flat_one_hot(_bin(shares, bins), bins)


def _flat_one_hot(numbers: Node, bins: int) -> Node:
    flat = ops.reshape(numbers, np.array([-1], np.int64), False)
    return ops.one_hot(flat, np.int64(bins), np.float32(1), np.float32(0), 1)


def _model(outputs: list[Node], parameters: list[Node]) -> Graph:
    model = openvino.Model(outputs, parameters)
    for number, parameter in enumerate(parameters):
        model.input(number).set_names({parameter.get_friendly_name()})
    model.output(0).set_names({"vectors"})
    return model


def run(graph: Graph, inputs: NDArray[Any]) -> Vectors:
    """What a graph gives, computed in f32."""
    compiled = openvino.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    result: Vectors = compiled(inputs)[0]
    return result
