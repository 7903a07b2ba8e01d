"""A copy in other numbers is the same picture to the network: colours are those that people see before they are embedded."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder
from lookalike.domain import Vectors
from lookalike.pictures import decoding
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


PROFILES = {"Display P3": P3, "Adobe RGB": ADOBE_RGB}


@pytest.fixture(scope="module")
def embedder() -> OpenVinoEmbedder:
    return OpenVinoEmbedder(MODELS / export.ensure("efficientnet_lite0", MODELS, print), "THROUGHPUT")


@pytest.mark.parametrize("profile", PROFILES)
def test_a_copy_in_another_profile_is_nearer_than_its_numbers_are(profile: str, embedder: OpenVinoEmbedder, tmp_path: Path) -> None:
    originals = [Image.open(item.path) for item in drawn_catalogue(tmp_path, 10)]
    copies = [_in_profile(image, PROFILES[profile]) for image in originals]

    def embedded(files: list[bytes]) -> Vectors:
        decoded = [decoding.decode(content, at_least=embedder.model.input_size).pixels for content in files]
        return embedder.embed([decoding.scale(pixels, embedder.model) for pixels in decoded])

    vectors = embedded([file_of(image, "PNG") for image in originals])
    seen = embedded([file_of(image, "PNG", icc_profile=PROFILES[profile]) for image in copies])
    numbers = embedded([file_of(image, "PNG", icc_profile=None) for image in copies])

    assert np.linalg.norm(vectors - seen, axis=1).mean() < 0.5 * np.linalg.norm(vectors - numbers, axis=1).mean()
