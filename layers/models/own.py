"""Networks of one's own: what a file of weights needs to be told, read from ``network.json`` or guessed from Hugging Face's files.

``preprocessor_config.json`` says how pictures are prepared, ``config.json`` which network it is; both lie beside the ONNX file, or one
folder above it, as for CLIP, SigLIP and DINOv2.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from lookalike.domain import Resize

from layers.models.networks import Interpolation, Precision

Layout = Literal["NCHW", "NHWC"]
Pooling = Literal["none", "mean", "first"]
"""Of an output with a vector for each place or token: the mean of all, or the first one (the class token)."""

DESCRIPTION = "network.json"
IMAGE_FILES = ("vision_model.onnx", "image_encoder.onnx", "model.onnx", "model.xml", "saved_model.pb", "model.keras", "model.h5")
TEXT_FILES = ("text_model.onnx", "text_encoder.onnx")
FOLDERS = ("", "onnx")
TEXT_LENGTHS: Mapping[str, int] = {"clip": 77, "siglip": 64, "siglip2": 64}
"""Tokens of a text by ``model_type``: the published ``config.json`` leaves out what is the default."""

LOWER_CASE = ("siglip", "siglip2")
"""Whose texts are in small letters, whatever the tokenizer's file does."""

RESAMPLE: Mapping[int, Interpolation] = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}
"""Pillow's numbers, which Hugging Face writes."""


class Undescribed(Exception):
    """The network cannot be used as it is described; the message says what is missing or wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextEncoder:
    """A network from tokens to a vector that can be compared with those of pictures.

    ``length`` tokens are given, filled up with ``pad_token``; ``tokenizer`` is a file of the library tokenizers. ``lower_case``: the
    text is made small letters before.
    """

    file: Path
    tokenizer: Path
    length: int
    pad_token: str
    output: str | None = None
    pooling: Pooling = "none"
    lower_case: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnNetwork:
    """An image encoder. Preprocessing is ``(pixel - mean) / scale`` for each channel, pixels from 0 to 255.

    ``input_size`` is (width, height); ``crop_share`` the share of the centre's edge that ``centre_crop`` keeps; ``output`` the name of the
    output that is the vector, needed where there are several and none has a well-known name. ``layout`` is read from the network's own
    shape where it is not given.
    """

    id: str
    file: Path
    input_size: tuple[int, int]
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    layout: Layout | None = None
    resize: Resize = "stretch"
    crop_share: float = 1.0
    interpolation: Interpolation = "bilinear"
    output: str | None = None
    pooling: Pooling = "none"
    precision: Precision = "f32"
    licence: str = "not stated"
    text: TextEncoder | None = None

    @property
    def preprocessing(self) -> str:
        """The preprocessing in words, for the manifest."""
        return f"uint8 RGB, {self.resize} to {self.input_size[0]}x{self.input_size[1]}, (x - {self.mean}) / {self.scale}"


def described(path: Path) -> OwnNetwork:
    """The network in a file or folder.

    Raises:
        Undescribed: nothing says what it needs.
    """
    folder = path if path.is_dir() and not (path / "saved_model.pb").exists() else path.parent
    file = _first(folder, IMAGE_FILES, "a network") if path == folder else path
    if file.name == "saved_model.pb":
        file = file.parent
    given = next((place / DESCRIPTION for place in (path, folder, folder.parent) if (place / DESCRIPTION).exists()), None)
    found = _read(given, folder) if given else _guessed(folder, file)
    try:
        return OwnNetwork(**{"id": _id(path), "file": file, **found})
    except TypeError as error:
        raise Undescribed(f"{given or folder} does not describe a network: {error}") from error


def _read(path: Path, folder: Path) -> dict[str, Any]:
    """A description; names of files are relative to it."""
    found: dict[str, Any] = json.loads(path.read_text())
    if unknown := found.keys() - {field.name for field in fields(OwnNetwork)}:
        raise Undescribed(f"{path.name} says {', '.join(sorted(unknown))}, which means nothing here")
    if "file" in found:
        found["file"] = path.parent / found["file"]
    for name in ("input_size", "mean", "scale"):
        if name in found:
            found[name] = tuple(found[name])
    if text := found.get("text"):
        found["text"] = TextEncoder(**{**text, "file": folder / text["file"], "tokenizer": folder / text["tokenizer"]})
    return found


def _guessed(folder: Path, file: Path) -> dict[str, Any]:
    """From Hugging Face's files."""
    place = next((each for each in (folder, folder.parent) if (each / "preprocessor_config.json").exists()), None)
    if place is None:
        raise Undescribed(f"{folder} has neither {DESCRIPTION} nor a preprocessor_config.json, which say how pictures are prepared")
    prepared = json.loads((place / "preprocessor_config.json").read_text())
    config = json.loads((place / "config.json").read_text()) if (place / "config.json").exists() else {}
    kind = config.get("model_type", "")
    return {**preparation(prepared), **_vector(kind), "text": _text_encoder(folder, file, place, config)}


def preparation(given: Mapping[str, Any]) -> dict[str, Any]:
    """What ``preprocessor_config.json`` says: size, resizing, interpolation, mean and scale."""
    size = given.get("size", 224)
    if given.get("do_center_crop"):
        crop = _edges(given.get("crop_size", size))
        shortest = size.get("shortest_edge", crop[0]) if isinstance(size, Mapping) else size
        shape: dict[str, Any] = {"input_size": crop, "resize": "centre_crop", "crop_share": min(crop) / shortest}
    else:
        shape = {"input_size": _edges(size), "resize": "stretch"}
    factor = given.get("rescale_factor", 1 / 255) if given.get("do_rescale", True) else 1.0
    normalises = given.get("do_normalize", True)
    mean, std = (given.get(name, [0.5] * 3) if normalises else [other] * 3 for name, other in (("image_mean", 0.0), ("image_std", 1.0)))
    return shape | {
        "interpolation": RESAMPLE.get(given.get("resample", 2), "bilinear"),
        "mean": tuple(each / factor for each in mean),
        "scale": tuple(each / factor for each in std),
    }


def _vector(kind: str) -> dict[str, Any]:
    """Which output is the vector: of DINOv2 and ViT the class token's, of others what the network says first."""
    return {"pooling": "first", "output": "last_hidden_state"} if kind in ("dinov2", "vit", "dinov3_vit") else {}


def _text_encoder(folder: Path, image_file: Path, place: Path, config: Mapping[str, Any]) -> TextEncoder | None:
    """A file of its own, or the same file, where one network has both encoders."""
    own = next((folder / sub / name for sub in FOLDERS for name in TEXT_FILES if (folder / sub / name).exists()), None)
    file = own or (image_file if image_file.name == "model.onnx" and "text_config" in config else None)
    if file is None or not (place / "tokenizer.json").exists():
        return None
    told = place / "tokenizer_config.json"
    tokenizer = json.loads(told.read_text()) if told.exists() else {}
    pad, kind = tokenizer.get("pad_token", "<pad>"), config.get("model_type", "")
    length = config.get("text_config", {}).get("max_position_embeddings") or TEXT_LENGTHS.get(kind)
    return TextEncoder(
        file=file,
        tokenizer=place / "tokenizer.json",
        length=int(length or min(tokenizer.get("model_max_length", 77), 512)),
        pad_token=pad["content"] if isinstance(pad, Mapping) else str(pad),
        lower_case=kind in LOWER_CASE or bool(tokenizer.get("do_lower_case")),
    )


def _edges(size: int | Mapping[str, int]) -> tuple[int, int]:
    """(width, height)."""
    if isinstance(size, int):
        return size, size
    edge = size.get("shortest_edge")
    return (edge, edge) if edge else (size["width"], size["height"])


def _first(folder: Path, names: tuple[str, ...], what: str) -> Path:
    found = next((folder / sub / name for sub in FOLDERS for name in names if (folder / sub / name).exists()), None)
    if found is None:
        raise Undescribed(f"{folder} has none of {', '.join(names)}: there is {what} missing")
    return found


def _id(path: Path) -> str:
    """A model's id from a name: legal in the name of an Elasticsearch index."""
    named = path if path.is_dir() or path.stem not in ("model", "vision_model") else path.absolute().parent
    name = named.parent.name if named.name == "onnx" else named.name if named.is_dir() else named.stem
    return re.sub(r"[^a-z0-9_.-]+", "-", name.lower()).strip("-_.") or "own"
