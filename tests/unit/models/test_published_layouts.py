"""CLIP, SigLIP and DINOv2 as they are published for ONNX give what ONNX Runtime gives, pictures prepared as Hugging Face prepares them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder
from lookalike.domain import Pixels
from lookalike.pictures import decoding
from numpy.typing import NDArray
from PIL import Image

from infra.demo.drawing import designs, draw
from layers.models import own, own_export
from tests.unit.models import published_layouts as layouts
from tests.unit.models.published_layouts import CLIP_VOCABULARY, SIGLIP_VOCABULARY, clip, dinov2, siglip

Picture = NDArray[np.float32]


def _shown(width: int, height: int) -> list[Pixels]:
    """Drawn products, cut to a shape."""
    drawn = [Image.fromarray(decoding.decode(draw(design), at_least=(420, 420)).pixels) for design in designs(6)]
    return [np.asarray(each.resize((width, height), Image.Resampling.LANCZOS)) for each in drawn]


def _prepared(pixels: Pixels, given: dict[str, Any]) -> Picture:
    """Hugging Face's steps one after the other: resize, centre crop, rescale, normalise."""
    image = Image.fromarray(pixels)
    size = given["size"]
    if edge := size.get("shortest_edge"):
        short, long = sorted(image.size)
        other = int(edge * long / short)
        image = image.resize((edge, other) if image.width <= image.height else (other, edge), Image.Resampling.BICUBIC)
        left, top = (image.width - 224) // 2, (image.height - 224) // 2
        image = image.crop((left, top, left + 224, top + 224))
    else:
        image = image.resize((size["width"], size["height"]), Image.Resampling.BICUBIC)
    values = np.asarray(image) * given["rescale_factor"]
    normalised: Picture = ((values - given["image_mean"]) / given["image_std"]).transpose(2, 0, 1)[np.newaxis].astype(np.float32)
    return normalised


def _exported(folder: Path, tmp_path: Path) -> OpenVinoEmbedder:
    model = own_export.export(own.described(folder), tmp_path / "models", print)
    assert model == folder.name
    return OpenVinoEmbedder(tmp_path / "models" / model)


def _cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(one.ravel() @ other.ravel() / np.linalg.norm(one) / np.linalg.norm(other))


@pytest.mark.parametrize("shape", [(224, 224), (420, 420), (500, 333), (300, 640)])
@pytest.mark.parametrize(
    ("made", "given", "output"),
    [
        (clip, layouts.CLIP_PICTURES, "image_embeds"),
        (siglip, layouts.SIGLIP_PICTURES, "pooler_output"),
        (dinov2, layouts.DINOV2_PICTURES, "last_hidden_state"),
    ],
    ids=["clip-vit-base-patch32", "siglip-base-patch16-224", "dinov2-small"],
)
def test_a_picture_s_vector_is_the_one_that_hugging_face_s_steps_and_onnx_runtime_give(
    made: Callable[[Path], Path], given: dict[str, Any], output: str, shape: tuple[int, int], tmp_path: Path
) -> None:
    folder = made(tmp_path / "net")
    embedder = _exported(folder, tmp_path)
    [file] = [path for path in (folder / "onnx").iterdir() if path.name != "text_model.onnx"]
    session = onnxruntime.InferenceSession(file)

    for pixels in _shown(*shape):
        [expected] = session.run([output], {"pixel_values": _prepared(pixels, given)})
        scaled = decoding.scale(pixels, embedder.model)
        assert _cosine(embedder.embed([scaled]), expected[:, 0] if output == "last_hidden_state" else expected) >= 0.9999


def _clip_ids(text: str) -> list[int]:
    """As CLIP's tokenizer says them: a start, the letters, the last one of a word marked, an end, and ends up to 77."""
    letters = [
        letter if place else f"{letter}</w>"
        for word in text.lower().split()
        for place, letter in zip(range(len(word))[::-1], word, strict=True)
    ]
    ids = [CLIP_VOCABULARY.index(token) for token in (layouts.START, *letters, layouts.END)]
    return (ids + [CLIP_VOCABULARY.index(layouts.END)] * 77)[:77]


def _siglip_ids(text: str) -> list[int]:
    """As SigLIP's tokenizer says them: in small letters, spaces as letters, ends up to 64."""
    letters = [letter for word in text.lower().split() for letter in ("▁", *word)]
    return ([SIGLIP_VOCABULARY.index(letter) for letter in letters] + [SIGLIP_VOCABULARY.index("</s>")] * 64)[:64]


@pytest.mark.parametrize(
    ("made", "ids", "output"),
    [(clip, _clip_ids, "text_embeds"), (siglip, _siglip_ids, "pooler_output")],
    ids=["clip-vit-base-patch32", "siglip-base-patch16-224"],
)
def test_a_text_s_vector_is_the_one_that_onnx_runtime_gives_of_its_tokens(
    made: Callable[[Path], Path], ids: Callable[[str], list[int]], output: str, tmp_path: Path
) -> None:
    folder = made(tmp_path / "net")
    embedder = _exported(folder, tmp_path)
    session = onnxruntime.InferenceSession(folder / "onnx" / "text_model.onnx")

    for text in ("a red hat", "A Blue  Vase"):
        [expected] = session.run([output], {"input_ids": np.array([ids(text)])})
        assert _cosine(embedder.embed_text(text), expected) >= 0.9999


@pytest.mark.parametrize(("made", "ids"), [(clip, _clip_ids), (siglip, _siglip_ids)], ids=["clip", "siglip"])
def test_one_file_with_both_encoders_is_taken_apart(
    made: Callable[[Path, bool], Path], ids: Callable[[str], list[int]], tmp_path: Path
) -> None:
    folder = made(tmp_path / "net", True)
    embedder = _exported(folder, tmp_path)
    session = onnxruntime.InferenceSession(folder / "onnx" / "model.onnx")
    pixels = _shown(224, 224)[0]
    given = layouts.CLIP_PICTURES if made is clip else layouts.SIGLIP_PICTURES
    inputs = {"input_ids": np.array([ids("a red hat")]), "pixel_values": _prepared(pixels, given)}
    if made is clip:
        inputs["attention_mask"] = np.ones((1, 77), np.int64)

    image, text = session.run(["image_embeds", "text_embeds"], inputs)

    assert _cosine(embedder.embed([pixels]), image) >= 0.9999
    assert _cosine(embedder.embed_text("a red hat"), text) >= 0.9999
