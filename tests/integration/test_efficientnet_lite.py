"""EfficientNet-Lite's graph takes the published weights whole, or not at all."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from layers.models.networks import EFFICIENTNET_LITE0
from layers.models.pth import read_state_dict
from layers.models.weights import locate

StateDict = dict[str, NDArray[Any]]


@pytest.fixture(scope="module")
def published() -> StateDict:
    return read_state_dict(locate(EFFICIENTNET_LITE0.weights, print))


@pytest.fixture(scope="module")
def model() -> Any:
    from layers.models import efficientnet_lite

    return efficientnet_lite.backbone(EFFICIENTNET_LITE0)


def _load(model: Any, state_dict: StateDict) -> None:
    from layers.models import efficientnet_lite

    efficientnet_lite.load_weights(model, state_dict)


def test_kernels_are_turned_into_keras_s_order(model: Any, published: StateDict) -> None:
    _load(model, published)

    [convolution] = model.get_layer("blocks.3.project_conv").get_weights()
    [depthwise] = model.get_layer("blocks.3.depthwise_conv").get_weights()
    assert np.array_equal(convolution[0, 0], published["_blocks.3._project_conv.weight"][:, :, 0, 0].T)
    assert np.array_equal(depthwise[..., 0], published["_blocks.3._depthwise_conv.weight"][:, 0].transpose(1, 2, 0))


def test_the_graph_has_sixteen_blocks_and_ends_in_1280_maps_a_thirty_second_of_the_picture_s_size(model: Any) -> None:
    blocks = {layer.name.rpartition(".")[0] for layer in model.layers if layer.name.startswith("blocks.")}

    assert len(blocks) == 16
    assert model.output_shape == (None, 7, 7, 1280)


def test_a_tensor_that_is_missing_is_told(model: Any, published: StateDict) -> None:
    state_dict = {name: tensor for name, tensor in published.items() if name != "_blocks.3._bn1.running_var"}

    with pytest.raises(ValueError, match=r"the weights have no _blocks\.3\._bn1\.running_var"):
        _load(model, state_dict)


def test_a_tensor_that_is_left_over_is_told(model: Any, published: StateDict) -> None:
    with pytest.raises(ValueError, match=r"the graph has no place for _blocks\.16\._bn0\.weight"):
        _load(model, published | {"_blocks.16._bn0.weight": np.zeros(3, np.float32)})


def test_a_tensor_of_another_shape_is_refused(model: Any, published: StateDict) -> None:
    with pytest.raises(ValueError, match="shape"):
        _load(model, published | {"_conv_stem.weight": np.zeros((32, 3, 5, 5), np.float32)})
