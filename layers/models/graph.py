"""A network as a Keras graph from uint8 pixels to unit vectors, with published or with random weights."""

from hashlib import sha256
from pathlib import Path

import keras
from keras import layers

from layers.models import efficientnet_lite
from layers.models.networks import INCEPTION_RESNET_V2, Network
from layers.models.pth import read_state_dict
from layers.models.weights import checksum


def with_published_weights(network: Network, path: Path) -> tuple[keras.Model, str]:
    """The backbone with the weights of a file, and the file's SHA-256."""
    backbone = _backbone(network)
    if path.suffix == ".pth":
        efficientnet_lite.load_weights(backbone, read_state_dict(path))
    else:
        backbone.load_weights(path)
    return backbone, checksum(path)


def with_random_weights(network: Network, seed: int) -> tuple[keras.Model, str]:
    """The backbone with Keras's own initial weights, and the SHA-256 of these numbers.

    They are as good as trained ones for parity and speed, and say nothing of what a picture shows. Glorot's initialisation under
    batch-norm's initial statistics keeps the activations of all layers alive and those of different pictures apart.
    """
    keras.utils.set_random_seed(seed)
    backbone = _backbone(network)
    digest = sha256()
    for array in backbone.get_weights():
        digest.update(array.tobytes())
    return backbone, digest.hexdigest()


def embedding_graph(network: Network, backbone: keras.Model) -> keras.Model:
    """Preprocessing before a backbone, global average pool and L2 normalisation behind it.

    Input: uint8 RGB, shape (n, height, width, 3). Output: float32 of unit length, shape (n, dimensions).
    """
    width, height = network.input_size
    pixels = keras.Input((height, width, 3), dtype="uint8", name="pixels")
    x = layers.Rescaling(1 / network.scale, -network.mean / network.scale)(pixels)
    x = layers.GlobalAveragePooling2D()(backbone(x))
    return keras.Model(pixels, layers.UnitNormalization(name="vectors")(x))


def _backbone(network: Network) -> keras.Model:
    """The network without its classifier: preprocessed pixels in, the last feature map out."""
    if network is INCEPTION_RESNET_V2:
        width, height = network.input_size
        return keras.applications.InceptionResNetV2(include_top=False, weights=None, input_shape=(height, width, 3))
    return efficientnet_lite.backbone(network)
