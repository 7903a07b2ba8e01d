"""Every field of ``network.json`` does what the table in layers/models/README.md says: against ONNX Runtime and Pillow's own steps."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import openvino
import pytest
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder
from lookalike.domain import Pixels
from lookalike.pictures import decoding
from numpy.typing import NDArray
from onnx import TensorProto
from onnx.helper import make_node
from PIL import Image

from layers.models import own, own_export
from layers.models.own_description import Undescribed
from tests.unit.models.small_networks import WORDLIST, save, tokenizer

Numbers = NDArray[np.float32]

README = Path(own.__file__).with_name("README.md")
PATCH, HIDDEN = 8, 16
NEARLY = 0.9995
"""A field that is ignored turns the vector further than this."""

PICTURES: dict[str, Any] = {"input_size": [32, 32], "mean": [120, 110, 100], "scale": [90, 80, 70], "output": "tokens", "pooling": "first"}
WORDS: dict[str, Any] = {"file": "text.onnx", "tokenizer": "tokenizer.json", "length": 6, "pad_token": "<pad>", "output": "sentence"}
TEXT = "A red HAT with flowers"

OF_PICTURES: dict[str, dict[str, Any]] = {
    "input_size": {"input_size": [40, 24]},
    "mean": {"mean": [120, 110, 130]},
    "scale": {"scale": [90, 80, 200]},
    "resize: centre_crop": {"resize": "centre_crop"},
    "resize: pad": {"resize": "pad"},
    "crop_share": {"resize": "centre_crop", "crop_share": 0.5},
    "interpolation: nearest": {"interpolation": "nearest"},
    "interpolation: bicubic": {"interpolation": "bicubic"},
    "interpolation: lanczos": {"interpolation": "lanczos"},
    "output": {"output": "projected"},
    "output that is a map": {"output": "grid", "pooling": "mean"},
    "pooling": {"pooling": "mean"},
    "file": {"file": "other.onnx"},
    "layout": {"file": "channels_last.onnx", "layout": "NHWC"},
}
OF_TEXTS: dict[str, dict[str, Any]] = {
    "file": {"file": "other_text.onnx"},
    "tokenizer": {"tokenizer": "other_tokenizer.json"},
    "length": {"length": 9},
    "a length that cuts": {"length": 3},
    "pad_token": {"pad_token": "shoe"},
    "lower_case": {"lower_case": True},
    "output": {"output": "states", "pooling": "first"},
    "pooling": {"output": "states", "pooling": "mean"},
}


def _image_network(path: Path, *, factor: float = 1.0, is_last: bool = False) -> None:
    """Patches of pixels to a vector for each, their map and a projection of their mean; of any size, channels first or last."""
    first = (
        [make_node("Transpose", ["pixels"], ["planes"], perm=[0, 3, 1, 2])] if is_last else [make_node("Identity", ["pixels"], ["planes"])]
    )
    nodes = [
        *first,
        make_node("Mul", ["planes", "factor"], ["scaled"]),
        make_node("Conv", ["scaled", "patches"], ["felt"], strides=[PATCH, PATCH]),
        make_node("Tanh", ["felt"], ["grid"]),
        make_node("Reshape", ["grid", "as_tokens"], ["rows"]),
        make_node("Transpose", ["rows"], ["tokens"], perm=[0, 2, 1]),
        make_node("ReduceMean", ["tokens"], ["mean"], axes=[1], keepdims=0),
        make_node("MatMul", ["mean", "projection"], ["projected"]),
    ]
    shape = ["n", "height", "width", "channels"] if is_last else ["n", "channels", "height", "width"]
    outputs = {"grid": ["n", HIDDEN, "h", "w"], "tokens": ["n", "places", HIDDEN], "projected": ["n", HIDDEN]}
    weights = {"patches": (HIDDEN, 3, PATCH, PATCH), "projection": (HIDDEN, HIDDEN)}
    constants = {"as_tokens": np.array([0, HIDDEN, -1]), "factor": np.array(factor, np.float32)}
    save(path, nodes, {"pixels": (TensorProto.FLOAT, shape)}, outputs, weights, constants)


def _text_network(path: Path, factor: float = 1.0) -> None:
    """Tokens to a state for each, and to a projection of their mean, padding included."""
    nodes = [
        make_node("Gather", ["words", "input_ids"], ["found"]),
        make_node("Mul", ["found", "factor"], ["scaled"]),
        make_node("Tanh", ["scaled"], ["states"]),
        make_node("ReduceMean", ["states"], ["mean"], axes=[1], keepdims=0),
        make_node("MatMul", ["mean", "projection"], ["sentence"]),
    ]
    outputs = {"states": ["n", "length", HIDDEN], "sentence": ["n", HIDDEN]}
    weights = {"words": (len(WORDLIST), HIDDEN), "projection": (HIDDEN, HIDDEN)}
    constants = {"factor": np.array([factor, 1] * (HIDDEN // 2), np.float32)}
    save(path, nodes, {"input_ids": (TensorProto.INT64, ["n", "length"])}, outputs, weights, constants)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Networks and tokenizers, beside each of which another one lies."""
    folder = tmp_path / "net"
    folder.mkdir()
    _image_network(folder / "model.onnx")
    _image_network(folder / "other.onnx", factor=3)
    _image_network(folder / "channels_last.onnx", is_last=True)
    _text_network(folder / "text.onnx")
    _text_network(folder / "other_text.onnx", factor=20)
    for name, words in (("tokenizer.json", WORDLIST), ("other_tokenizer.json", WORDLIST[::-1])):
        (folder / name).write_text(json.dumps(tokenizer(words) | {"normalizer": None}))
    return folder


def _picture() -> Pixels:
    """Colours of no order, wider than high."""
    return np.random.default_rng(5).integers(0, 256, (64, 96, 3), dtype=np.uint8)


def _exported(folder: Path, description: Mapping[str, Any]) -> OpenVinoEmbedder:
    (folder / "network.json").write_text(json.dumps({"id": "net", **description}))
    models = folder.parent / "models"
    return OpenVinoEmbedder(models / own_export.export(own.described(folder), models, print))


def _found(folder: Path, description: Mapping[str, Any]) -> Numbers:
    embedder = _exported(folder, description)
    vector: Numbers = embedder.embed([decoding.scale(_picture(), embedder.model)])[0]
    return vector


def _resized(description: Mapping[str, Any]) -> Image.Image:
    image, (width, height) = Image.fromarray(_picture()), description["input_size"]
    resample = Image.Resampling[description.get("interpolation", "bilinear").upper()]
    resize = description.get("resize", "stretch")
    if resize == "stretch":
        return image.resize((width, height), resample)
    share = description.get("crop_share", 1)
    scales = (width / share / image.width, height / share / image.height)
    scale = min(scales) if resize == "pad" else max(scales)
    image = image.resize((round(image.width * scale), round(image.height * scale)), resample)
    shown = Image.new("RGB", (width, height), "white")
    shown.paste(image, (round((width - image.width) / 2), round((height - image.height) / 2)))
    return shown


def _expected(folder: Path, description: Mapping[str, Any]) -> Numbers:
    """By Pillow's steps and ONNX Runtime."""
    prepared = (np.asarray(_resized(description)) - np.array(description["mean"])) / description["scale"]
    given = prepared if description.get("layout") == "NHWC" else prepared.transpose(2, 0, 1)
    session = onnxruntime.InferenceSession(folder / description.get("file", "model.onnx"))
    [found] = session.run([description["output"]], {"pixels": given[np.newaxis].astype(np.float32)})
    if found.ndim == 4:
        return np.asarray(found.mean(axis=(2, 3)))
    return np.asarray(found if found.ndim == 2 else found[:, 0] if description["pooling"] == "first" else found.mean(axis=1))


def _cosine(one: Numbers, other: Numbers) -> float:
    return float(one.ravel() @ other.ravel() / np.linalg.norm(one) / np.linalg.norm(other))


@pytest.mark.parametrize("changed", OF_PICTURES.values(), ids=OF_PICTURES)
def test_a_field_changes_a_picture_s_vector_as_it_changes_the_source_runtime_s(folder: Path, changed: dict[str, Any]) -> None:
    without = PICTURES | ({"resize": "centre_crop"} if "crop_share" in changed else {})
    description = PICTURES | changed
    expected = _expected(folder, description)

    assert _cosine(_found(folder, description), expected) >= 0.9999
    assert "layout" in changed or _cosine(_expected(folder, without), expected) < NEARLY


def test_without_the_layout_a_network_whose_shape_does_not_tell_it_is_refused(folder: Path) -> None:
    with pytest.raises(Undescribed):
        _exported(folder, PICTURES | {"file": "channels_last.onnx"})


@pytest.mark.parametrize("changed", OF_TEXTS.values(), ids=OF_TEXTS)
def test_a_field_changes_a_text_s_vector_as_it_changes_the_source_runtime_s(folder: Path, changed: dict[str, Any]) -> None:
    without = WORDS | ({"output": "states", "pooling": "first"} if changed.get("pooling") == "mean" else {})
    expected = _expected_text(folder, WORDS | changed)

    assert _cosine(_exported(folder, PICTURES | {"text": WORDS | changed}).embed_text(TEXT), expected) >= 0.9999
    assert _cosine(_expected_text(folder, without), expected) < NEARLY


def _expected_text(folder: Path, description: Mapping[str, Any]) -> Numbers:
    """By the words' numbers and ONNX Runtime."""
    words = {"tokenizer.json": WORDLIST, "other_tokenizer.json": WORDLIST[::-1]}[description["tokenizer"]]
    said = (TEXT.lower() if description.get("lower_case") else TEXT).split()
    ids = [words.index(word) if word in words else words.index("<unk>") for word in said]
    length = description["length"]
    ids = (ids + [words.index(description["pad_token"])] * length)[:length]
    [found] = onnxruntime.InferenceSession(folder / description["file"]).run([description["output"]], {"input_ids": np.array([ids])})
    if found.ndim == 2:
        return np.asarray(found)
    return np.asarray(found[:, 0] if description["pooling"] == "first" else found.mean(axis=1))


def test_what_a_model_is_called_and_how_precisely_it_computes_is_in_the_manifest(folder: Path) -> None:
    said = {"id": "shop-2", "licence": "MIT", "precision": "fastest"}

    embedder = _exported(folder, PICTURES | said)

    manifest = json.loads((folder.parent / "models" / "shop-2" / "manifest.json").read_text())
    assert {name: manifest[name] for name in said} == said
    assert (embedder.model.id, embedder.model.precision) == ("shop-2", "fastest")
    _exported(folder, PICTURES)
    manifest = json.loads((folder.parent / "models" / "net" / "manifest.json").read_text())
    assert (manifest["licence"], manifest["precision"]) == ("not stated", "f32")


def test_every_field_of_the_readme_s_table_is_tried() -> None:
    table = README.read_text().partition("| field |")[2].partition("\n\n")[0]
    rows = [row.split("|") for row in table.splitlines() if row.startswith("| `")]
    named = {name for _, names, *_ in rows for name in re.findall(r"`(\w+)`", names)}
    [text] = [meaning for _, names, meaning, _ in rows if "`text`" in names]
    of_text = set(re.findall(r"`(file|tokenizer|length|pad_token|lower_case|output|pooling)`", text))

    assert named == {key.partition(":")[0] for key in OF_PICTURES if " that " not in key} | {"id", "licence", "precision", "text"}
    assert of_text == {key for key in OF_TEXTS if " that " not in key}


@pytest.mark.parametrize("is_fp16", [False, True], ids=["f32", "fp16"])
def test_openvino_s_own_format_gives_what_onnx_runtime_gives_of_its_source(folder: Path, is_fp16: bool) -> None:
    expected = _expected(folder, PICTURES)
    words = _expected_text(folder, WORDS)
    for name in ("model", "text"):
        openvino.save_model(openvino.convert_model(folder / f"{name}.onnx"), folder / f"{name}.xml", compress_to_fp16=is_fp16)
    for name in ("model.onnx", "text.onnx"):
        (folder / name).unlink()

    embedder = _exported(folder, PICTURES | {"text": WORDS | {"file": "text.xml"}})

    assert _cosine(embedder.embed([decoding.scale(_picture(), embedder.model)]), expected) >= 0.9999
    assert _cosine(embedder.embed_text(TEXT), words) >= 0.9999


def test_weights_beside_openvino_s_format_tell_one_model_from_another(folder: Path) -> None:
    for name in ("model", "other"):
        openvino.save_model(openvino.convert_model(folder / f"{name}.onnx"), folder / f"{name}.xml")
    one = _exported(folder, PICTURES | {"id": "one", "file": "model.xml"})
    (folder / "other.bin").replace(folder / "model.bin")

    assert _exported(folder, PICTURES | {"id": "other", "file": "model.xml"}).model.weights_sha256 != one.model.weights_sha256


def test_names_of_files_are_those_beside_the_description(folder: Path) -> None:
    (folder / "onnx").mkdir()
    (folder / "model.onnx").rename(folder / "onnx" / "model.onnx")
    (folder / "network.json").write_text(json.dumps(PICTURES | {"text": WORDS}))

    network = own.described(folder / "onnx" / "model.onnx")

    assert network.text is not None
    assert (network.text.file, network.text.tokenizer) == (folder / "text.onnx", folder / "tokenizer.json")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"id": "My Model"}, "id must be small letters"),
        ({"id": "../net"}, "id must be small letters"),
        ({"id": "efficientnet_lite0"}, "'efficientnet_lite0' is the name of something else here: rename the file or folder"),
        ({"input_size": 32}, r"input_size must be \[width, height\] in pixels, and is 32"),
        ({"input_size": [32, 0]}, "input_size must be"),
        ({"mean": 0.5}, "mean must be three numbers, one for each channel, and is 0.5"),
        ({"scale": [1, 1]}, "scale must be three numbers"),
        ({"scale": [1, 0, 1]}, "scale must not be 0"),
        ({"layout": "CHWN"}, "layout must be one of NCHW, NHWC, and is 'CHWN'"),
        ({"resize": "crop"}, "resize must be one of stretch, centre_crop, pad, and is 'crop'"),
        ({"interpolation": "cubic"}, "interpolation must be one of nearest, bilinear, bicubic, lanczos, and is 'cubic'"),
        ({"pooling": "max"}, "pooling must be one of none, mean, first, and is 'max'"),
        ({"precision": "bf16"}, "precision must be one of f32, fastest, and is 'bf16'"),
        ({"crop_share": 0.9}, "crop_share must be above 0 and 1 at most, and is of centre_crop alone"),
        ({"resize": "centre_crop", "crop_share": 1.1}, "crop_share must be above 0"),
        ({"file": "none.onnx"}, "network.json names none.onnx, which is not in"),
        ({"text": WORDS | {"tokenizer": "none.json"}}, "network.json names none.json, which is not in"),
        ({"text": {"file": "text.onnx"}}, "does not describe a text encoder: 'tokenizer'"),
        ({"text": WORDS | {"lenght": 3}}, "does not describe a text encoder: .*lenght"),
        ({"text": WORDS | {"length": 0}}, "text.length must be a number of tokens, and is 0"),
        ({"text": WORDS | {"pooling": "last"}}, "text.pooling must be one of"),
        ({"text": WORDS | {"lower_case": "yes"}}, "text.lower_case must be true or false"),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_a_value_that_a_field_cannot_have_is_refused_before_anything_is_written(folder: Path, changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(Undescribed, match=reason):
        _exported(folder, PICTURES | changed)

    assert not (folder.parent / "models").exists()


@pytest.mark.parametrize(("content", "reason"), [("{", "network.json is no JSON"), ("[]", "network.json is no JSON object")])
def test_a_description_that_cannot_be_read_is_refused(folder: Path, content: str, reason: str) -> None:
    (folder / "network.json").write_text(content)

    with pytest.raises(Undescribed, match=reason):
        own.described(folder)
