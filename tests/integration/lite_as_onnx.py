"""EfficientNet-Lite0 with its published weights as an ONNX file, made from the tensors alone, by no part of what the project exports."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto
from onnx.helper import make_graph, make_model, make_node, make_opsetid, make_tensor_value_info
from onnx.numpy_helper import from_array

EDGE, DIMENSIONS = 224, 1280
STRIDES = {0: 1, 1: 2, 3: 2, 5: 2, 8: 1, 11: 2, 15: 1}
"""Of the blocks that begin a stage; all others have 1."""

EPSILON = 1e-3


class _Graph:
    def __init__(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        self.tensors = tensors
        self.used: list[str] = []
        self.nodes: list[onnx.NodeProto] = []

    def convolution(self, given: str, name: str, norm: str, stride: int = 1, *, is_clipped: bool = True) -> str:
        """A convolution, its batch norm and, if it is clipped, ReLU6; padding is TensorFlow's "same"."""
        kernel = self.tensors[f"{name}.weight"]
        group = kernel.shape[0] if kernel.shape[1] == 1 and "depthwise" in name else 1
        parts = [f"{norm}.{part}" for part in ("weight", "bias", "running_mean", "running_var")]
        self.used += [f"{name}.weight", *parts]
        self.nodes += [
            make_node("Conv", [given, f"{name}.weight"], [name], auto_pad="SAME_UPPER", strides=[stride] * 2, group=group),
            make_node("BatchNormalization", [name, *parts], [norm], epsilon=EPSILON),
        ]
        if is_clipped:
            self.nodes.append(make_node("Clip", [norm, "zero", "six"], [f"{norm}.clipped"]))
        return f"{norm}.clipped" if is_clipped else norm

    def block(self, given: str, number: int) -> str:
        """Expands, filters each channel alone, projects; the input is added where the block is not the first of its stage."""
        name, found = f"_blocks.{number}", given
        if f"{name}._expand_conv.weight" in self.tensors:
            found = self.convolution(found, f"{name}._expand_conv", f"{name}._bn0")
        found = self.convolution(found, f"{name}._depthwise_conv", f"{name}._bn1", STRIDES.get(number, 1))
        found = self.convolution(found, f"{name}._project_conv", f"{name}._bn2", is_clipped=False)
        if number in STRIDES:
            return found
        self.nodes.append(make_node("Add", [given, found], [f"{name}.sum"]))
        return f"{name}.sum"


def save(tensors: Mapping[str, NDArray[Any]], path: Path) -> None:
    """Writes the network: ``pixels``, prepared, of shape (n, 3, 224, 224), to ``features`` of shape (n, 1280)."""
    graph = _Graph(tensors)
    found = graph.convolution("pixels", "_conv_stem", "_bn0", 2)
    for number in range(16):
        found = graph.block(found, number)
    found = graph.convolution(found, "_conv_head", "_bn1")
    graph.nodes += [make_node("GlobalAveragePool", [found], ["pooled"]), make_node("Flatten", ["pooled"], ["features"])]
    constants = {"zero": np.array(0, np.float32), "six": np.array(6, np.float32)} | {name: tensors[name] for name in graph.used}
    whole = make_graph(
        graph.nodes,
        "efficientnet_lite0",
        [make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, EDGE, EDGE])],
        [make_tensor_value_info("features", TensorProto.FLOAT, ["n", DIMENSIONS])],
        [from_array(np.ascontiguousarray(value), name) for name, value in constants.items()],
    )
    model = make_model(whole, opset_imports=[make_opsetid("", 13)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)
