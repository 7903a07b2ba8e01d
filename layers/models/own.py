"""Networks of one's own: what a file of weights needs to be told, read from ``network.json`` or guessed from Hugging Face's files.

``preprocessor_config.json`` and ``config.json`` lie beside the ONNX file, or one folder above it, as for CLIP, SigLIP and DINOv2.
"""

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from layers.models import hugging_face
from layers.models.own_description import OwnNetwork, TextEncoder, Undescribed

DESCRIPTION = "network.json"
IMAGE_FILES = ("vision_model.onnx", "image_encoder.onnx", "model.onnx", "model.xml", "saved_model.pb", "model.keras", "model.h5")


def described(path: Path) -> OwnNetwork:
    """The network in a file or folder.

    Raises:
        Undescribed: nothing says what it needs, or what is said cannot be.
    """
    folder = path if path.is_dir() and not (path / "saved_model.pb").exists() else path.parent
    places = (path, folder, folder.parent) if folder.name == "onnx" else (path, folder)
    given = next((place / DESCRIPTION for place in places if (place / DESCRIPTION).exists()), None)
    told = _described(given) if given else {}
    file = told.pop("file", None) or (_first(folder, IMAGE_FILES, "a network") if path == folder else path)
    if given and path.is_file() and path.name not in (DESCRIPTION, "saved_model.pb") and file.absolute() != path.absolute():
        raise Undescribed(f"{given} describes {file.name}, not {path.name}: give its folder, or describe {path.name}")
    if file.name == "saved_model.pb":
        file = file.parent
    found = told if given else _guessed(folder, file)
    try:
        return OwnNetwork(**{"id": _id(path), "file": file, **found})
    except TypeError as error:
        raise Undescribed(f"{given or folder} does not describe a network: {error}") from error


def _described(path: Path) -> dict[str, Any]:
    """A description; names of files are relative to it."""
    found = _json(path)
    if unknown := found.keys() - {field.name for field in fields(OwnNetwork)}:
        raise Undescribed(f"{path.name} says {', '.join(sorted(unknown))}, which means nothing here")
    if "file" in found:
        found["file"] = _beside(path, found["file"])
    for name in ("input_size", "mean", "scale"):
        if isinstance(found.get(name), list):
            found[name] = tuple(found[name])
    if text := found.get("text"):
        try:
            found["text"] = TextEncoder(**{**text, **{name: _beside(path, text[name]) for name in ("file", "tokenizer")}})
        except (TypeError, KeyError) as error:
            raise Undescribed(f"{path.name} does not describe a text encoder: {error}") from error
    return found


def _beside(path: Path, name: Any) -> Path:
    found = path.parent / str(name)
    if not found.exists():
        raise Undescribed(f"{path.name} names {name}, which is not in {path.parent}")
    return found


def _guessed(folder: Path, file: Path) -> dict[str, Any]:
    """From Hugging Face's files."""
    place = next((each for each in (folder, folder.parent) if (each / "preprocessor_config.json").exists()), None)
    if place is None:
        raise Undescribed(f"{folder} has neither {DESCRIPTION} nor a preprocessor_config.json, which say how pictures are prepared")
    prepared, config, tokenizer = (_json(place / f"{name}.json") for name in ("preprocessor_config", "config", "tokenizer_config"))
    return {
        **hugging_face.preparation(prepared),
        **hugging_face.vector(config.get("model_type", "")),
        "text": hugging_face.text_encoder(folder, file, place / "tokenizer.json", config, tokenizer),
    }


def _json(path: Path) -> dict[str, Any]:
    """What a file says; nothing if it is not there."""
    try:
        found = json.loads(path.read_text()) if path.exists() else {}
    except ValueError as error:
        raise Undescribed(f"{path.name} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise Undescribed(f"{path.name} is no JSON object")
    return found


def _first(folder: Path, names: tuple[str, ...], what: str) -> Path:
    found = next((folder / sub / name for sub in hugging_face.FOLDERS for name in names if (folder / sub / name).exists()), None)
    if found is None:
        raise Undescribed(f"{folder} has none of {', '.join(names)}: there is {what} missing")
    return found


def _id(path: Path) -> str:
    """A model's id from a name: legal in the name of an Elasticsearch index."""
    path = path.absolute()  # "." has no name; links are not followed, whose targets caches name by checksums
    named = path if path.is_dir() or path.stem not in ("model", "vision_model") else path.parent
    name = named.parent.name if named.name == "onnx" else named.name if named.is_dir() else named.stem
    return re.sub(r"[^a-z0-9_.-]+", "-", name.lower()).strip("-_.") or "own"
