"""A copy in other numbers is the same picture to the network: colours are those that people see before they are embedded."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from lookalike import pictures
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder
from PIL import Image, ImageCms

from infra.demo.catalogue import drawn_catalogue
from layers.models import export
from tests.made_pictures import file_of, rgb_profile

MODELS = Path("build/models")
SRGB = ImageCms.createProfile("sRGB")
P3, ADOBE_RGB = rgb_profile("Display P3"), rgb_profile("Adobe RGB", 2.2)


def _in_profile(image: Image.Image, profile: bytes) -> Image.Image:
    converted = ImageCms.profileToProfile(image, SRGB, ImageCms.ImageCmsProfile(BytesIO(profile)))
    assert converted is not None
    return converted


COPIES: dict[str, Callable[[Image.Image], bytes]] = {
    "Display P3": lambda image: file_of(_in_profile(image, P3), "JPEG", quality=75, icc_profile=P3),
    "Adobe RGB": lambda image: file_of(_in_profile(image, ADOBE_RGB), "JPEG", quality=75, icc_profile=ADOBE_RGB),
    "AVIF": lambda image: file_of(image, "AVIF", quality=75),
    "TIFF": lambda image: file_of(image, "TIFF"),
}


@pytest.fixture(scope="module")
def embedder() -> OpenVinoEmbedder:
    return OpenVinoEmbedder(MODELS / export.ensure("efficientnet_lite0", MODELS, print), "THROUGHPUT")


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_scores_what_a_plain_re_encoding_does(name: str, embedder: OpenVinoEmbedder, tmp_path: Path) -> None:
    originals = [Image.open(item.path) for item in drawn_catalogue(tmp_path, 10)]

    def embedded(files: list[bytes]) -> np.ndarray:
        decoded = [pictures.decode(content, at_least=embedder.model.input_size).pixels for content in files]
        return np.asarray(embedder.embed([pictures.scale(pixels, embedder.model) for pixels in decoded]))

    vectors = embedded([file_of(image, "PNG") for image in originals])
    again = 1 / (1 + np.linalg.norm(vectors - embedded([file_of(image, "JPEG", quality=75) for image in originals]), axis=1))
    copies = 1 / (1 + np.linalg.norm(vectors - embedded([COPIES[name](image) for image in originals]), axis=1))

    assert copies.mean() >= 0.99 * again.mean()
