"""What a copy in another colour profile costs: ``python -m tests.benchmarks.colours FOLDER [NETWORK] [--every N]``.

Photographs are converted to the profile, written without loss and as JPEG, and decoded as they are indexed. A JPEG is compared with a copy
of the same quality and subsampling in sRGB; a PNG, with what exact arithmetic makes of the same numbers of eight bits, which is the best
that any decoder can do.
"""

import argparse
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder
from lookalike.domain import Pixels, Vectors
from lookalike.pictures import decoding
from numpy.typing import NDArray
from PIL import Image, ImageCms

from layers.models import export
from tests.benchmarks.rows import Row, command
from tests.made_pictures import PRIMARIES, file_of, rgb_profile

MODELS = Path("build/models")
SRGB = ImageCms.createProfile("sRGB")
GAMMAS = {"Display P3": None, "Adobe RGB": 2.2}
QUALITIES: Sequence[dict[str, Any]] = ({"quality": 75, "subsampling": 2}, {"quality": 95, "subsampling": 0})


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.colours", description="What a copy in another colour profile costs.")
    parser.add_argument("folder", type=Path, help="photographs, one sub-folder a class")
    parser.add_argument("network", nargs="?", default="efficientnet_lite2")
    parser.add_argument("--random-weights", type=int, metavar="SEED", help="made-up weights, where the published ones cannot be had")
    parser.add_argument("--every", type=int, default=20, help="every how manyth photograph is taken")
    command(parser, rows)


def rows(given: argparse.Namespace) -> Iterator[Row]:
    """For each profile a row without loss, and one for each quality of JPEG; figures are mean scores with the original."""
    embedder = OpenVinoEmbedder(MODELS / export.ensure(given.network, MODELS, print, given.random_weights), "THROUGHPUT")
    images = [Image.open(path).convert("RGB") for path in sorted(given.folder.glob("*/*.jpg"))[:: given.every]]
    originals = _embedded(map(np.asarray, images), embedder)

    def score(pixels: Iterator[Pixels]) -> float:
        return float((1 / (1 + np.linalg.norm(originals - _embedded(pixels, embedder), axis=1))).mean())

    def score_of_files(copies: Sequence[Image.Image], kind: str, **options: Any) -> float:
        files = (file_of(copy, kind, **options) for copy in copies)
        return score(decoding.decode(file, at_least=embedder.model.input_size).pixels for file in files)

    for name, gamma in GAMMAS.items():
        profile = rgb_profile(name, gamma)
        copies = [_in_profile(image, profile) for image in images]
        best = score(_exact(np.asarray(copy), name, gamma) for copy in copies)
        ours = score_of_files(copies, "PNG", icc_profile=profile)
        yield Row(f"{name}, PNG", ours, "score", "exact arithmetic", best, least=0.99)
        for options in QUALITIES:
            plain = score_of_files(images, "JPEG", **options)
            copied = score_of_files(copies, "JPEG", icc_profile=profile, **options)
            yield Row(f"{name}, JPEG {options['quality']}", copied, "score", "in sRGB", plain, least=0.99)


def _embedded(pictures: Iterator[Pixels], embedder: OpenVinoEmbedder) -> Vectors:
    return embedder.embed([decoding.scale(pixels, embedder.model) for pixels in pictures])


def _in_profile(image: Image.Image, profile: bytes) -> Image.Image:
    converted = ImageCms.profileToProfile(image, SRGB, ImageCms.ImageCmsProfile(BytesIO(profile)))
    assert converted is not None
    return converted


def _exact(pixels: Pixels, name: str, gamma: float | None) -> Pixels:
    """The colours as sRGB in double precision, rounded once (IEC 61966-2-1)."""
    to_srgb = np.linalg.inv(np.transpose(PRIMARIES["sRGB"])) @ np.transpose(PRIMARIES[name])
    values = pixels / 255
    light = np.clip((_linear(values) if gamma is None else values**gamma) @ to_srgb.T, 0, 1)
    srgb = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    exact: Pixels = np.rint(srgb * 255).astype(np.uint8)
    return exact


def _linear(values: NDArray[np.float64]) -> NDArray[np.float64]:
    linear: NDArray[np.float64] = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return linear


if __name__ == "__main__":
    main()
