"""What Hugging Face's ``preprocessor_config.json`` says is done to pictures as its own steps do it, or refused."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from lookalike.domain import Model, Pixels
from lookalike.pictures import decoding
from numpy.typing import NDArray
from PIL import Image

from infra.demo.drawing import designs, draw
from layers.models import hugging_face
from layers.models.own_description import OwnNetwork, Undescribed

Values = NDArray[np.float64]

NORMAL: dict[str, Any] = {"resample": 3, "image_mean": [0.48, 0.45, 0.40], "image_std": [0.26, 0.25, 0.27]}
EDGE_32: dict[str, Any] = NORMAL | {"size": {"shortest_edge": 32}, "do_center_crop": True}
SQUARE_32: dict[str, Any] = NORMAL | {"size": {"height": 32, "width": 32}}
CONVNEXT: dict[str, Any] = NORMAL | {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 32}}

UNDERSTOOD: dict[str, dict[str, Any]] = {
    "height and width": SQUARE_32,
    "not square": NORMAL | {"size": {"height": 24, "width": 40}},
    "no crop, said so": SQUARE_32 | {"do_center_crop": False, "crop_size": {"height": 8, "width": 8}},
    "nulls of a newer version": SQUARE_32 | {"do_center_crop": None, "crop_size": None, "do_pad": None, "pad_size": None, "device": None},
    "a number, of both edges": NORMAL | {"size": 32, "feature_extractor_type": "ViTFeatureExtractor"},
    "a number, of the shortest edge": NORMAL
    | {"size": 32, "crop_size": 32, "do_center_crop": True, "feature_extractor_type": "CLIPFeatureExtractor"},
    "shortest edge, a crop of a number": EDGE_32 | {"crop_size": 32},
    "shortest edge, a smaller crop": EDGE_32 | {"crop_size": {"height": 28, "width": 28}},
    "shortest edge, an odd crop": EDGE_32 | {"size": {"shortest_edge": 37}, "crop_size": {"height": 28, "width": 28}},
    "a crop of all that was stretched": SQUARE_32 | {"do_center_crop": True, "crop_size": {"height": 32, "width": 32}},
    "the fast class": EDGE_32 | {"crop_size": 32, "image_processor_type": "CLIPImageProcessorFast"},
    "crop_pct": CONVNEXT | {"crop_pct": 0.875},
    "crop_pct that does not divide": CONVNEXT | {"crop_pct": 0.95},
    "crop_pct by default": CONVNEXT,
    "crop_pct of a size that is a number": CONVNEXT | {"size": 32, "crop_pct": 0.8},
    "crop_pct of a size that is stretched": CONVNEXT | {"size": {"shortest_edge": 384}, "crop_pct": 0.875},
    "nearest": SQUARE_32 | {"resample": 0},
    "lanczos": SQUARE_32 | {"resample": 1},
    "bilinear": SQUARE_32 | {"resample": 2},
    "not normalised": SQUARE_32 | {"do_normalize": False},
    "not rescaled": SQUARE_32 | {"do_rescale": False, "image_mean": [120.0, 110.0, 100.0], "image_std": [60.0, 61.0, 62.0]},
    "neither": SQUARE_32 | {"do_rescale": False, "do_normalize": False},
    "rescaled by another factor": SQUARE_32 | {"rescale_factor": 1 / 127.5, "image_mean": [1.0, 1.0, 1.0], "image_std": [1.0, 1.0, 1.0]},
    "one number for all channels": SQUARE_32 | {"image_mean": 0.5, "image_std": 0.25},
}


@cache
def _drawn() -> Image.Image:
    [_, design] = designs(2)
    return Image.fromarray(decoding.decode(draw(design), at_least=(420, 420)).pixels)


def _resized(image: Image.Image, edge: int, resample: int) -> Image.Image:
    """The shortest edge at a length, the other one rounded down."""
    short, long = sorted(image.size)
    other = int(edge * long / short)
    return image.resize((edge, other) if image.width <= image.height else (other, edge), resample)


def _cropped(image: Image.Image, width: int, height: int) -> Image.Image:
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def _prepared(pixels: Pixels, given: dict[str, Any]) -> Values:
    """The steps that the library's documentation tells, one after the other; shape (height, width, 3)."""
    image, size, resample = Image.fromarray(pixels), given["size"], given["resample"]
    kind = str(given.get("image_processor_type", given.get("feature_extractor_type", "")))
    if isinstance(size, int):
        size = {"height": size, "width": size} if kind.startswith("ViT") else {"shortest_edge": size}
    if kind.startswith("ConvNext"):
        edge = size["shortest_edge"]
        if edge < 384:
            image = _cropped(_resized(image, int(edge / given.get("crop_pct", 224 / 256)), resample), edge, edge)
        else:
            image = image.resize((edge, edge), resample)
    else:
        image = (
            _resized(image, size["shortest_edge"], resample)
            if "shortest_edge" in size
            else image.resize((size["width"], size["height"]), resample)
        )
        if given.get("do_center_crop"):
            crop = given["crop_size"]
            image = _cropped(image, *((crop, crop) if isinstance(crop, int) else (crop["width"], crop["height"])))
    values = np.asarray(image, np.float64)
    if given.get("do_rescale", True):
        values = values * given.get("rescale_factor", 1 / 255)
    if given.get("do_normalize", True):
        values = (values - given["image_mean"]) / given["image_std"]
    return values


@pytest.mark.parametrize("shape", [(420, 420), (450, 300), (280, 512)], ids=lambda shape: "x".join(map(str, shape)))
@pytest.mark.parametrize("given", UNDERSTOOD.values(), ids=UNDERSTOOD)
def test_a_picture_is_prepared_as_hugging_face_s_steps_prepare_it(given: dict[str, Any], shape: tuple[int, int]) -> None:
    pixels = np.asarray(_drawn().resize(shape))
    network = OwnNetwork(id="net", file="net.onnx", **hugging_face.preparation(given))  # type: ignore[arg-type]
    model = Model("net", "0", 8, network.input_size, network.interpolation, "", resize=network.resize, crop_share=network.crop_share)

    expected = _prepared(pixels, given)
    found = (decoding.scale(pixels, model) - np.array(network.mean)) / np.array(network.scale)

    assert found.shape == expected.shape
    levels = np.abs(found - expected) * np.array(network.scale)
    assert levels.max() <= 2
    assert levels.mean() <= 0.02


DEIT = {"image_processor_type": "DeiTImageProcessor"}

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no resizing": (SQUARE_32 | {"do_resize": False}, "resizes nothing"),
    "no resizing, but a crop": (EDGE_32 | {"do_resize": False, "crop_size": 32}, "resizes nothing"),
    "no size": (NORMAL | {"image_processor_type": "ViTImageProcessor"}, "says no size"),
    "height alone": (NORMAL | {"size": {"height": 32}}, r"says size {'height': 32}, which is neither height and width"),
    "height alone, with a crop": (EDGE_32 | {"size": {"height": 32}, "crop_size": 32}, r"says size {'height': 32}"),
    "longest edge": (NORMAL | {"size": {"longest_edge": 32}}, "says size {'longest_edge': 32}"),
    "both edges limited": (EDGE_32 | {"size": {"shortest_edge": 32, "longest_edge": 64}, "crop_size": 32}, "says size"),
    "a list": (NORMAL | {"size": [32, 32], "image_processor_type": "ViTImageProcessor"}, r"says size \[32, 32\]"),
    "no edge at all": (NORMAL | {"size": {"height": 0, "width": 32}}, "says size"),
    "a number that may mean two things": (NORMAL | {"size": 32}, "says size 32 and no class"),
    "shortest edge without a crop": (NORMAL | {"size": {"shortest_edge": 32}}, "crops nothing, so that pictures keep their shapes"),
    "a number of the shortest edge without a crop": (
        NORMAL | {"size": 32, "do_center_crop": False, "image_processor_type": "CLIPImageProcessor"},
        "crops nothing",
    ),
    "a crop of what size is not said": (EDGE_32, "says no crop_size"),
    "a crop of the shortest edge": (EDGE_32 | {"crop_size": {"shortest_edge": 32}}, "says crop_size"),
    "a crop of which it is not said whether": (SQUARE_32 | {"crop_size": 32}, "does not say whether it crops"),
    "a class that crops by default": (SQUARE_32 | DEIT, "does not say whether it crops"),
    "a crop of what was stretched": (
        NORMAL | DEIT | {"size": {"height": 36, "width": 36}, "do_center_crop": True, "crop_size": 32},
        "crops what it stretched",
    ),
    "a number that is stretched and cropped": (
        NORMAL | DEIT | {"size": 36, "do_center_crop": True, "crop_size": 32},
        "crops what it stretched",
    ),
    "a crop that is not square": (
        EDGE_32 | {"crop_size": {"height": 24, "width": 32}},
        "crops 32 x 24 of a shortest edge of 32, which pads",
    ),
    "a crop that is larger": (EDGE_32 | {"crop_size": 40}, "which pads some pictures"),
    "crop_pct of another class": (EDGE_32 | {"crop_size": 32, "crop_pct": 0.9}, "has a crop_pct"),
    "crop_pct above 1": (CONVNEXT | {"crop_pct": 1.2}, "has a crop_pct of 1.2"),
    "ConvNext of both edges": (CONVNEXT | {"size": {"height": 32, "width": 32}}, "has no shortest_edge"),
    "box": (SQUARE_32 | {"resample": 4}, r"says resample 4, and known are 0 \(nearest\)"),
    "no resample": ({name: value for name, value in SQUARE_32.items() if name != "resample"}, "says resample None"),
    "no mean": ({name: value for name, value in SQUARE_32.items() if name != "image_mean"}, "says image_mean None, which is not three"),
    "a grey network": (SQUARE_32 | {"image_std": [0.5]}, r"says image_std \[0.5\], which is not three numbers"),
    "no factor": (SQUARE_32 | {"rescale_factor": 0}, "says rescale_factor 0"),
    "an offset": (SQUARE_32 | {"rescale_offset": True}, "normalises in another way"),
    "edges are padded": (SQUARE_32 | {"do_pad": True}, r"does more than is known here \(do_pad\)"),
    "BGR": (SQUARE_32 | {"do_flip_channel_order": True}, r"does more than is known here \(do_flip_channel_order\)"),
    "a class with steps of its own": (
        SQUARE_32 | {"image_processor_type": "LevitImageProcessor"},
        "is of LevitImageProcessor, whose steps",
    ),
}


@pytest.mark.parametrize(("given", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_said_in_a_description_is_refused_in_one_line(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(Undescribed, match=reason) as refused:
        hugging_face.preparation(given)

    assert "\n" not in str(refused.value)
    assert "preprocessor_config.json" in str(refused.value)
    assert "network.json" in str(refused.value)
