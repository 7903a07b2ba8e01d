"""What is stored of networks in int8 and of the one that sees things, against what exports give; another weight is noticed."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder

from layers.models import canonical, computed, export, quantise, saliency
from layers.models.check_image import faults_of_saliency
from layers.models.manifest import FILE
from layers.models.networks import EFFICIENTNET_LITE0, SALIENCY_FOLDER, U2NETP
from layers.quality.openvino_runtime import openvino, ops
from tests.integration.test_exported_models import INT8, MODELS


@pytest.fixture(scope="module")
def in_int8() -> Path:
    return MODELS / export.ensure(INT8, MODELS, print)


@pytest.fixture
def of_things(tmp_path: Path) -> Path:
    """A folder with a copy of the saliency network."""
    exported = MODELS / SALIENCY_FOLDER / export.ensure(U2NETP.id, MODELS, print)
    return Path(shutil.copytree(exported, tmp_path / U2NETP.id)).parent


def _scale(folder: Path, number: int, factor: float) -> None:
    """Makes the weights of a convolution larger."""
    core = openvino.Core()
    core.set_property({"ENABLE_MMAP": False})  # the file is read whole, since it is written anew
    graph = core.read_model(folder / "model.xml")
    weights: Any = [each for each in graph.get_ordered_ops() if "Convolution" in each.get_type_name()][number].input(1)
    weights.replace_source_output(ops.multiply(weights.get_source_output(), np.float32(factor)).output(0))
    openvino.save_model(graph, folder / "model.xml")


def _stored(model_id: str) -> Any:
    found = canonical.vector_beginning(model_id)
    assert found is not None
    assert found.max() > 0.01
    return found


def test_the_computed_picture_has_the_numbers_that_are_stored_of_a_network_in_int8(in_int8: Path) -> None:
    numbers = computed.with_avx2(in_int8)

    assert numbers == json.loads((in_int8 / FILE).read_text())["canonical_avx2"]
    assert canonical.difference(np.array(numbers, np.float32), _stored(INT8)) <= canonical.TOLERANCE_INT8


def test_the_numbers_of_a_network_in_int8_are_not_those_of_the_network_itself(in_int8: Path) -> None:
    assert canonical.difference(_stored(INT8), _stored(EFFICIENTNET_LITE0.id)) > canonical.TOLERANCE_INT8


@pytest.mark.parametrize("number", [0, 12, 24, 36, 48])
def test_another_weight_of_a_network_in_int8_is_noticed(number: int, in_int8: Path, tmp_path: Path) -> None:
    changed = Path(shutil.copytree(in_int8, tmp_path / INT8))
    _scale(changed, number, 1.2)
    manifest = json.loads((changed / FILE).read_text())
    (changed / FILE).write_text(json.dumps(manifest | {"canonical_avx2": computed.with_avx2(changed)}))

    with pytest.raises(SystemExit, match="differs by"):
        quantise.compare(changed, _stored(INT8))


def test_numbers_of_other_calibration_pictures_are_compared_with_none(in_int8: Path, tmp_path: Path) -> None:
    changed = Path(shutil.copytree(in_int8, tmp_path / INT8))
    (changed / FILE).write_text(json.dumps({"canonical_avx2": [2.0]}))

    quantise.compare(changed, None)


def test_the_canonical_thing_is_seen_as_it_is_stored(of_things: Path) -> None:
    network = OpenVinoEmbedder(of_things / U2NETP.id)
    [seen] = network.embed([canonical.thing(network.model.input_size)])

    assert canonical.difference(canonical.cells(seen), _stored(U2NETP.id)) <= canonical.TOLERANCE_F32
    assert list(faults_of_saliency(of_things)) == []


@pytest.mark.parametrize("number", [0, 59, 111])
def test_another_weight_of_the_network_that_sees_things_is_noticed(number: int, of_things: Path) -> None:
    _scale(of_things / U2NETP.id, number, 1.2)

    with pytest.raises(SystemExit, match="not the one that is stored for u2netp"):
        saliency.canonical_numbers(of_things / U2NETP.id / "model.xml")
    [fault] = faults_of_saliency(of_things)
    assert "saliency of the canonical thing of u2netp differs by" in fault
