"""What Hugging Face's files say of a network: ``preprocessor_config.json`` how pictures are prepared, ``config.json`` which network it is.

The steps are those of the library transformers: resize, centre crop, rescale, normalise. What they do beside that, or in a way that no
field of ``network.json`` says, is refused.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from layers.models.networks import Interpolation
from layers.models.own_description import TextEncoder, Undescribed, is_count

TEXT_FILES = ("text_model.onnx", "text_encoder.onnx")
FOLDERS = ("", "onnx")
TEXT_LENGTHS: Mapping[str, int] = {"clip": 77, "siglip": 64, "siglip2": 64}
"""Tokens of a text by ``model_type``: the published ``config.json`` leaves out what is the default."""

LOWER_CASE = ("siglip", "siglip2")
"""Whose texts are in small letters, whatever the tokenizer's file does."""

RESAMPLE: Mapping[int, Interpolation] = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}
"""Pillow's numbers, which Hugging Face writes."""

CONVNEXT = "ConvNext"
CONVNEXT_WARPS_FROM = 384
CONVNEXT_CROP_PCT = 224 / 256
"""Its default. Its shortest edge becomes ``int(size / crop_pct)`` and its centre is cropped, but from 384 on pictures are stretched."""

OF_SHORTEST_EDGE = ("CLIP", "ChineseCLIP", "Bit", "MobileNetV1", "MobileNetV2")
OF_BOTH_EDGES = ("ViT", "DINOv3ViT", "Siglip", "Blip", "Beit", "DeiT", "Pvt")
"""Classes by what a ``size`` that is one number means to them; what others do with a picture is not known here."""

CROPPING = (*OF_SHORTEST_EDGE, "Beit", "DeiT")
"""Those of which some version crops the centre by default."""

STEPS = ("do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_convert_rgb")


def preparation(given: Mapping[str, Any]) -> dict[str, Any]:
    """What ``preprocessor_config.json`` says: size, resizing, interpolation, mean and scale, as fields of `OwnNetwork`.

    Raises:
        Undescribed: it leaves something out, or says what these fields cannot.
    """
    told = {name: value for name, value in given.items() if value is not None}  # null is written for what a class does not have
    if others := sorted(name for name, value in told.items() if value is True and name.startswith("do_") and name not in STEPS):
        _refuse(f"does more than is known here ({', '.join(others)})")
    if told.get("rescale_offset") or told.get("include_top"):
        _refuse("normalises in another way (rescale_offset, include_top)")
    return _shape(told, _kind(told)) | {"interpolation": _interpolation(told)} | _values(told)


def vector(kind: str) -> dict[str, Any]:
    """Which output is the vector: of DINOv2 and ViT the class token's, of others what the network says first."""
    return {"pooling": "first", "output": "last_hidden_state"} if kind in ("dinov2", "vit", "dinov3_vit") else {}


def text_encoder(folder: Path, image_file: Path, tokenizer: Path, config: Mapping[str, Any], told: Mapping[str, Any]) -> TextEncoder | None:
    """The text encoder in a folder: a file of its own, or the image encoder's, where one network has both. None if there is none.

    Args:
        folder: where the networks are, or their folder ``onnx`` is.
        image_file: the image encoder's file.
        tokenizer: where ``tokenizer.json`` is, if it is.
        config: what ``config.json`` says.
        told: what ``tokenizer_config.json`` says.
    """
    own = next((folder / sub / name for sub in FOLDERS for name in TEXT_FILES if (folder / sub / name).exists()), None)
    file = own or (image_file if image_file.name == "model.onnx" and "text_config" in config else None)
    if file is None or not tokenizer.exists():
        return None
    pad, kind = told.get("pad_token", "<pad>"), config.get("model_type", "")
    length = config.get("text_config", {}).get("max_position_embeddings") or TEXT_LENGTHS.get(kind)
    return TextEncoder(
        file=file,
        tokenizer=tokenizer,
        length=int(length or min(told.get("model_max_length", 77), 512)),
        pad_token=pad["content"] if isinstance(pad, Mapping) else str(pad),
        lower_case=kind in LOWER_CASE or bool(told.get("do_lower_case")),
    )


def _refuse(why: str) -> NoReturn:
    raise Undescribed(f"preprocessor_config.json {why}: say in network.json how pictures are prepared")


def _kind(told: Mapping[str, Any]) -> str:
    """The class that prepares pictures, without what all their names end in; empty if it is not said."""
    name = str(told.get("image_processor_type", told.get("feature_extractor_type", "")))
    kind = re.sub(r"(ImageProcessor|FeatureExtractor)(Fast|Pil)?$", "", name)
    if kind not in ("", CONVNEXT, *OF_SHORTEST_EDGE, *OF_BOTH_EDGES):
        _refuse(f"is of {name}, whose steps are not known here")
    return kind


def _shape(told: Mapping[str, Any], kind: str) -> dict[str, Any]:
    if not told.get("do_resize", True):
        _refuse("resizes nothing (do_resize), and pictures have all sizes")
    if kind == CONVNEXT:
        return _convnext(told)
    if "crop_pct" in told:
        _refuse("has a crop_pct, which is known of ConvNext alone")
    edge, both = _size(told, kind)
    if _crops(told, kind):
        return _cropped(_edges("crop_size", told.get("crop_size")), edge, both)
    if both is None:
        _refuse("scales the shortest edge and crops nothing, so that pictures keep their shapes")
    return {"input_size": both, "resize": "stretch"}


def _crops(told: Mapping[str, Any], kind: str) -> bool:
    if "do_center_crop" not in told and ("crop_size" in told or kind in CROPPING):
        _refuse("does not say whether it crops (do_center_crop)")
    return bool(told.get("do_center_crop"))


def _cropped(crop: tuple[int, int], edge: int | None, both: tuple[int, int] | None) -> dict[str, Any]:
    if both == crop:
        return {"input_size": crop, "resize": "stretch"}
    if edge is None:
        _refuse("crops what it stretched before")
    if crop[0] != crop[1] or crop[0] > edge:
        _refuse(f"crops {crop[0]} x {crop[1]} of a shortest edge of {edge}, which pads some pictures")
    return {"input_size": crop, "resize": "centre_crop", "crop_share": crop[0] / edge}


def _convnext(told: Mapping[str, Any]) -> dict[str, Any]:
    edge, _ = _size(told, CONVNEXT)
    if edge is None:
        _refuse("has no shortest_edge, as ConvNext needs")
    if edge >= CONVNEXT_WARPS_FROM:
        return {"input_size": (edge, edge), "resize": "stretch"}
    share = told.get("crop_pct", CONVNEXT_CROP_PCT)
    if not 0 < share <= 1:
        _refuse(f"has a crop_pct of {share!r}")
    return {"input_size": (edge, edge), "resize": "centre_crop", "crop_share": edge / int(edge / share)}


def _size(told: Mapping[str, Any], kind: str) -> tuple[int | None, tuple[int, int] | None]:
    """What the picture is resized to: the shortest edge, or (width, height)."""
    size = told.get("size")
    if isinstance(size, int) and not kind:
        _refuse(f"says size {size} and no class (image_processor_type), by which that is the shortest edge or both")
    if isinstance(size, int) and kind in (CONVNEXT, *OF_SHORTEST_EDGE):
        size = {"shortest_edge": size}
    if isinstance(size, Mapping) and size.keys() == {"shortest_edge"} and is_count(size["shortest_edge"]):
        return size["shortest_edge"], None
    return None, _edges("size", size)


def _edges(name: str, size: Any) -> tuple[int, int]:
    """(width, height)."""
    both = {"height": size, "width": size} if isinstance(size, int) else size
    if not isinstance(both, Mapping) or both.keys() != {"height", "width"} or not all(map(is_count, both.values())):
        _refuse(f"says {name} {size!r}, which is neither height and width nor a number" if size is not None else f"says no {name}")
    return both["width"], both["height"]


def _interpolation(told: Mapping[str, Any]) -> Interpolation:
    found = RESAMPLE.get(told.get("resample", -1))
    if found is None:
        known = ", ".join(f"{each} ({name})" for each, name in RESAMPLE.items())
        _refuse(f"says resample {told.get('resample')!r}, and known are {known}")
    return found


def _values(told: Mapping[str, Any]) -> dict[str, Any]:
    """Mean and scale of pixels from 0 to 255."""
    factor = told.get("rescale_factor", 1 / 255) if told.get("do_rescale", True) else 1.0
    if not factor > 0:
        _refuse(f"says rescale_factor {factor!r}")
    if told.get("do_normalize", True):
        mean, std = (_three(name, told.get(name)) for name in ("image_mean", "image_std"))
    else:
        mean, std = [0.0] * 3, [1.0] * 3
    return {"mean": tuple(each / factor for each in mean), "scale": tuple(each / factor for each in std)}


def _three(name: str, values: Any) -> list[float]:
    """A number for each channel."""
    each = [values] * 3 if isinstance(values, int | float) else values
    if not isinstance(each, list) or len(each) != 3:
        _refuse(f"says {name} {values!r}, which is not three numbers")
    return each
