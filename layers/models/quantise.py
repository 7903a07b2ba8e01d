"""Makes an exported network one that computes in int8, by NNCF's post-training quantisation: a child process of `layers.models.export`.

Pictures tell how large each layer's numbers become; the best are pictures like those that will be embedded. What comes after the last
convolution stays as it is: quantised, the L2 normalisation would make vectors of lengths from 0.5 to 1.04.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # OpenVINO and NNCF then use their own stubs, which send nothing

import nncf
import numpy as np
import openvino
from lookalike.adapters.openvino.manifests import read_manifest
from lookalike.domain import Model, Pixels, Vectors
from lookalike.errors import LookalikeError
from lookalike.pictures import decoding
from lookalike.pictures.formats import SUFFIXES
from numpy.typing import NDArray

from layers.models import canonical, computed
from layers.models.manifest import FILE, recipe_sha256
from layers.models.networks import NETWORKS, ScoreBand

PICTURES = 300
"""More make no difference: https://docs.openvino.ai/2025/openvino-workflow/model-optimization-guide/quantizing-models-post-training.html"""

FLOAT_CONVOLUTIONS = 3
"""The first ones, which are left as they are: the mean cosine of EfficientNet-Lite2 rises from 0.990 to 0.997.

So are those that look at each channel alone: it rises to 0.998, P@1 from 0.755 to 0.763, and the network takes a twentieth longer.
"""

LEAST_COSINE = 0.9
"""Of a quantised vector with the network's own, in the mean; below, the pictures cannot have been right."""


def main() -> None:
    """Quantises the network in a folder into another, existing folder."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model_id")
    parser.add_argument("source", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--calibration", type=Path)
    given = parser.parse_args()
    contents = list(calibrating(given.calibration))
    pixels = [scaled for content in contents if (scaled := at_input_size(content, read_manifest(given.source))) is not None]
    if not pixels:
        sys.exit(f"there is no picture in {given.calibration}")
    print(f"quantising with {len(pixels)} pictures", flush=True)
    network = openvino.Core().read_model(given.source / "model.xml")
    vectors = _embed(network, pixels)
    quantised = quantise(network, pixels)
    check(vectors, _embed(quantised, pixels))
    openvino.save_model(quantised, given.folder / "model.xml", compress_to_fp16=True)
    band = NETWORKS[given.model_id].score_band if given.model_id in NETWORKS and not given.calibration else None
    _describe(given.source, given.folder, given.model_id, contents, band)
    compare(given.folder, None if given.calibration else canonical.vector_beginning(given.model_id))


def stays(place: int, convolution: Any) -> bool:
    """Whether a convolution, the how manyth from 0, is left as it is."""
    return place < FLOAT_CONVOLUTIONS or bool(convolution.get_type_name() == "GroupConvolution")


def quantise(network: Any, pixels: Sequence[Pixels], left: Callable[[int, Any], bool] = stays) -> Any:
    """The `openvino.Model` with int8 convolutions, but those that are ``left``; uint8 pixels in and unit vectors out, as before."""
    operations = network.get_ordered_ops()
    convolutions = [number for number, operation in enumerate(operations) if "Convolution" in operation.get_type_name()]
    as_they_are = [operations[number] for place, number in enumerate(convolutions) if left(place, operations[number])]
    behind = [operation for operation in operations[convolutions[-1] + 1 :] if operation.get_type_name() not in ("Constant", "Result")]
    dataset = nncf.Dataset(pixels, lambda picture: picture[np.newaxis])
    scope = nncf.IgnoredScope(names=[operation.get_friendly_name() for operation in as_they_are + behind])
    return nncf.quantize(network, dataset, preset=nncf.QuantizationPreset.MIXED, subset_size=len(pixels), ignored_scope=scope)


def check(vectors: Vectors, quantised: Vectors) -> None:
    """Says how near the quantised vectors are to the network's own, and ends the process if they are of no use."""
    cosines = (vectors * quantised).sum(axis=1)
    print(f"cosine with the network's own vectors: mean {cosines.mean():.4f}, least {cosines.min():.4f}", flush=True)
    if not (cosines.mean() >= LEAST_COSINE and np.abs(np.linalg.norm(quantised, axis=1) - 1).max() <= 1e-3):  # nor with NaN
        sys.exit("the quantised network is of no use: calibrate it with pictures like those that will be embedded")


def calibrating(folder: Path | None) -> Iterator[bytes]:
    """The calibration pictures: up to `PICTURES` of a folder and its sub-folders, evenly chosen; the demo's without a folder."""
    if folder is None:
        from infra.demo.drawing import designs, draw  # resvg, which draws, is wanted here only

        yield from map(draw, designs(PICTURES))
        return
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    count = min(PICTURES, len(paths))
    yield from (paths[place * len(paths) // count].read_bytes() for place in range(count))


def at_input_size(content: bytes, model: Model) -> Pixels | None:
    """A picture as the network takes it; None if it cannot be decoded, which is said."""
    try:
        return decoding.scale(decoding.decode(content, at_least=model.input_size).pixels, model)
    except LookalikeError as error:
        print(f"a picture is left out: {error}", flush=True)
        return None


def _embed(network: Any, pixels: Sequence[Pixels]) -> Vectors:
    compiled = openvino.Core().compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.concatenate([compiled(picture[np.newaxis])[0] for picture in pixels])


def _describe(source: Path, folder: Path, model_id: str, contents: Sequence[bytes], band: ScoreBand | None) -> None:
    """Writes the manifest. Other calibration pictures make other vectors, hence they count as other weights and have no band."""
    manifest = json.loads((source / FILE).read_text())
    pictures_sha256 = sha256(b"".join(sha256(content).digest() for content in contents)).hexdigest()
    weights_sha256 = sha256(f"{manifest['weights_sha256']} {pictures_sha256}".encode()).hexdigest()
    changed = {
        "id": model_id,
        "weights_sha256": weights_sha256,
        "calibration_sha256": pictures_sha256,
        "score_band": asdict(band) if band else None,
        "canonical_numbers": None,
    }
    computed.write(folder, {**manifest, **changed, "recipe_sha256": recipe_sha256()})


def compare(folder: Path, expected: NDArray[np.float32] | None) -> None:
    """Says whether the canonical picture's numbers, as AVX2 alone computes them, are the expected ones, and ends the process if not.

    None are expected of other calibration pictures, and where none are stored.
    """
    numbers = json.loads((folder / FILE).read_text())["canonical_avx2"]
    if not numbers or expected is None:
        return
    difference = canonical.difference(np.array(numbers, np.float32), expected)
    if not difference <= canonical.TOLERANCE_INT8:
        sys.exit(f"the canonical picture's vector differs by {difference:.2g} from the one that is stored: {json.dumps(numbers)}")
    print(f"the canonical picture's vector is the one that is stored (within {difference:.1g})", flush=True)


if __name__ == "__main__":
    main()
