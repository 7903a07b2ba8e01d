"""EfficientNet-Lite as a Keras graph, and its published weights put into it.

The network: Mingxing Tan and Quoc V. Le, "EfficientNet" (2019), in the Lite form of 2020, which has no squeeze-and-excitation, ReLU6
for Swish, and stem, head, first and last stage that are not scaled.
"""

from collections.abc import Mapping
from typing import Any

import keras
from keras import layers
from numpy.typing import NDArray

from layers.models.networks import Network
from layers.models.stages import Stage, scaled

STEM_FILTERS = 32
HEAD_FILTERS = 1280
BATCH_NORM_EPSILON = 1e-3


def backbone(network: Network) -> keras.Model:
    """The network without its classifier: preprocessed pixels in, the last feature map out."""
    width, height = network.input_size
    inputs = keras.Input((height, width, 3))
    x = _convolution(inputs, "conv_stem", "bn0", STEM_FILTERS, kernel=3, stride=2)
    number = 0
    for stage in scaled(network):
        for repeat in range(stage.repeats):
            x = _block(x, f"blocks.{number}", stage, stride=stage.stride if repeat == 0 else 1)
            number += 1
    return keras.Model(inputs, _convolution(x, "conv_head", "bn1", HEAD_FILTERS), name=network.id)


def load_weights(model: keras.Model, state_dict: Mapping[str, NDArray[Any]]) -> None:
    """Puts a PyTorch state dict into the graph.

    Raises:
        ValueError: a tensor is missing, has another shape, or is left over.
    """
    left = {name for name in state_dict if not name.startswith("_fc.") and not name.endswith("num_batches_tracked")}
    for layer in model.layers:
        parts = _parts(layer)
        if not parts:
            continue
        names = [f"{_torch_name(layer.name)}.{part}" for part in parts]
        if missing := [name for name in names if name not in left]:
            raise ValueError(f"the weights have no {', '.join(missing)}")
        layer.set_weights([_keras_order(layer, state_dict[name]) for name in names])
        left.difference_update(names)
    if left:
        raise ValueError(f"the graph has no place for {', '.join(sorted(left))}")


def _block(x: Any, name: str, stage: Stage, stride: int) -> Any:
    """Expands, filters each channel by itself, projects; the input is added where nothing changes its shape."""
    inputs = x
    filters = x.shape[-1]
    if stage.expansion != 1:
        x = _convolution(x, f"{name}.expand_conv", f"{name}.bn0", filters * stage.expansion)
    x = layers.DepthwiseConv2D(stage.kernel, stride, padding="same", use_bias=False, name=f"{name}.depthwise_conv")(x)
    x = _activation(_batch_norm(x, f"{name}.bn1"))
    x = layers.Conv2D(stage.filters, 1, use_bias=False, name=f"{name}.project_conv")(x)
    x = _batch_norm(x, f"{name}.bn2")
    return layers.add([inputs, x]) if stride == 1 and filters == stage.filters else x


def _convolution(x: Any, name: str, norm: str, filters: int, kernel: int = 1, stride: int = 1) -> Any:
    x = layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False, name=name)(x)
    return _activation(_batch_norm(x, norm))


def _batch_norm(x: Any, name: str) -> Any:
    return layers.BatchNormalization(epsilon=BATCH_NORM_EPSILON, name=name)(x)


def _activation(x: Any) -> Any:
    return layers.ReLU(max_value=6)(x)


def _parts(layer: keras.layers.Layer) -> tuple[str, ...]:
    if isinstance(layer, layers.BatchNormalization):
        return ("weight", "bias", "running_mean", "running_var")
    return ("weight",) if isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D) else ()


def _torch_name(name: str) -> str:
    """``blocks.3.bn1`` is ``_blocks.3._bn1`` there."""
    return ".".join(part if part.isdigit() else f"_{part}" for part in name.split("."))


def _keras_order(layer: keras.layers.Layer, tensor: NDArray[Any]) -> NDArray[Any]:
    """PyTorch's kernels are (out, in, height, width); Keras's (height, width, in, out), depthwise (height, width, channels, 1)."""
    if tensor.ndim == 1:
        return tensor
    return tensor.transpose(2, 3, 0, 1) if isinstance(layer, layers.DepthwiseConv2D) else tensor.transpose(2, 3, 1, 0)
