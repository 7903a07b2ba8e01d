"""Builds one network and writes it as OpenVINO IR with its manifest: the child process of `layers.models.export`.

This is where TensorFlow is imported. Progress goes to standard output, one line a step.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # OpenVINO then uses its own stub, which sends nothing

import keras
import openvino
import tensorflow as tf
from openvino.frontend.tensorflow import utils as openvino_tensorflow

from layers.models import canonical, graph
from layers.models.manifest import FILE, manifest
from layers.models.networks import NETWORKS, Network

# OpenVINO asks for TensorFlow's version in a way that fails on Python 3.13: a name that one `exec` binds is gone in the next (PEP 667).
openvino_tensorflow.get_environment_setup = lambda _framework: {"tensorflow": tf.__version__}


def main() -> None:
    """Exports the network that the arguments name into an existing folder."""
    parser = argparse.ArgumentParser()
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("folder", type=Path)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--weights", type=Path)
    source.add_argument("--random-weights", type=int)
    arguments = parser.parse_args()
    network = NETWORKS[arguments.network]
    if arguments.random_weights is None:
        backbone, weights_sha256 = graph.with_published_weights(network, arguments.weights)
    else:
        backbone, weights_sha256 = graph.with_random_weights(network, arguments.random_weights)
    _say("the graph is built; converting it")
    model = convert(network, graph.embedding_graph(network, backbone))
    openvino.save_model(model, arguments.folder / "model.xml", compress_to_fp16=True)
    description = manifest(network, arguments.random_weights, weights_sha256)
    description["canonical_numbers"] = canonical_numbers(arguments.folder, network, description["id"])
    (arguments.folder / FILE).write_text(json.dumps(description, indent=2) + "\n")


def convert(network: Network, model: keras.Model) -> Any:
    """The graph as an `openvino.Model` for one picture at a time, its input ``pixels``, its output ``vectors``."""
    width, height = network.input_size
    pixels = tf.TensorSpec((1, height, width, 3), tf.uint8, name="pixels")
    traced = tf.function(lambda pixels: model(pixels, training=False)).get_concrete_function(pixels)
    converted = openvino.convert_model(traced)
    converted.output(0).set_names({"vectors"})
    return converted


def canonical_numbers(folder: Path, network: Network, model_id: str) -> list[float]:
    """The first numbers of the canonical picture's vector, which must be those that are stored with the sources, if any are.

    Raises:
        SystemExit: they differ.
    """
    core = openvino.Core()
    compiled = core.compile_model(folder / "model.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    vector = compiled(canonical.picture(network.input_size)[np.newaxis])["vectors"][0]
    expected = canonical.vector_beginning(model_id)
    beginning = canonical.beginning(vector, 16)
    if expected is None:
        _say(f"no canonical vector of {model_id} is stored; this one begins with {json.dumps(beginning)}")
    elif not (difference := canonical.difference(vector, expected)) <= canonical.TOLERANCE_F32:
        sys.exit(f"the canonical picture's vector differs by {difference:.2g} from the one that is stored for {model_id}")
    else:
        _say(f"the canonical picture's vector is the one that is stored (within {difference:.1g})")
    return beginning


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
