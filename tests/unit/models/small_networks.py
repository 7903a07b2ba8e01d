"""Small networks in the layout in which Hugging Face's are exported: weights are random, shapes are those of the real ones."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIZE, PATCH, HIDDEN, DIMENSIONS, WORDS, LENGTH = 32, 8, 24, 16, 12, 6
TOKENS = (SIZE // PATCH) ** 2
WORDLIST = ("<pad>", "<unk>", "red", "blue", "hat", "shoe", "with", "flowers", "dress", "a", "of", "photo")


def vision_network(path: Path, projects: bool = True) -> None:
    """Patches of pixels to ``last_hidden_state``, and where it projects to ``image_embeds``; the batch has no fixed size."""
    nodes = [
        helper.make_node("Conv", ["pixel_values", "patches"], ["grid"], strides=[PATCH, PATCH]),
        helper.make_node("Reshape", ["grid", "as_tokens"], ["rows"]),
        helper.make_node("Transpose", ["rows"], ["embedded"], perm=[0, 2, 1]),
        helper.make_node("Sigmoid", ["embedded"], ["gate"]),
        helper.make_node("Mul", ["embedded", "gate"], ["last_hidden_state"]),
        helper.make_node("ReduceMean", ["last_hidden_state"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["mean", "projection"], ["image_embeds"]),
    ]
    weights = {"patches": (HIDDEN, 3, PATCH, PATCH), "projection": (HIDDEN, DIMENSIONS)}
    outputs = {"last_hidden_state": ["n", TOKENS, HIDDEN]} | ({"image_embeds": ["n", DIMENSIONS]} if projects else {})
    inputs = {"pixel_values": (TensorProto.FLOAT, ["n", 3, SIZE, SIZE])}
    save(path, nodes if projects else nodes[:5], inputs, outputs, weights, {"as_tokens": np.array([0, HIDDEN, -1])})


def text_network(path: Path) -> None:
    """Tokens and their mask to ``text_embeds``: the mean of the words' vectors, padding left out."""
    nodes = [
        helper.make_node("Gather", ["words", "input_ids"], ["found"]),
        helper.make_node("Cast", ["attention_mask"], ["weights"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["weights", "last"], ["column"]),
        helper.make_node("Mul", ["found", "column"], ["kept"]),
        helper.make_node("ReduceMean", ["kept"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["mean", "projection"], ["text_embeds"]),
    ]
    weights = {"words": (WORDS, HIDDEN), "projection": (HIDDEN, DIMENSIONS)}
    inputs = {name: (TensorProto.INT64, ["n", "length"]) for name in ("input_ids", "attention_mask")}
    save(path, nodes, inputs, {"text_embeds": ["n", DIMENSIONS]}, weights, {"last": np.array([2])})


def clip_folder(folder: Path) -> Path:
    """A pair of encoders with the files that lie beside CLIP's."""
    (folder / "onnx").mkdir(parents=True)
    vision_network(folder / "onnx" / "vision_model.onnx")
    text_network(folder / "onnx" / "text_model.onnx")
    prepared = {
        "do_center_crop": True,
        "crop_size": {"height": SIZE, "width": SIZE},
        "size": {"shortest_edge": SIZE},
        "resample": 3,
        "image_mean": [0.48, 0.46, 0.41],
        "image_std": [0.27, 0.26, 0.28],
        "rescale_factor": 1 / 255,
    }
    _write(folder / "preprocessor_config.json", prepared)
    _write(folder / "config.json", {"model_type": "clip", "text_config": {"max_position_embeddings": LENGTH}})
    _write(folder / "tokenizer_config.json", {"pad_token": "<pad>"})
    _write(folder / "tokenizer.json", tokenizer(WORDLIST))
    return folder


def tokenizer(words: Sequence[str]) -> dict[str, object]:
    """A tokenizer that knows these whole words alone; ``<unk>`` is one of them."""
    vocabulary = {word: number for number, word in enumerate(words)}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>"},
    }


def _write(path: Path, content: dict[str, object]) -> None:
    path.write_text(json.dumps(content))


def save(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: Mapping[str, tuple[int, Sequence[Any]]],
    outputs: Mapping[str, Sequence[Any]],
    weights: Mapping[str, tuple[int, ...]],
    constants: Mapping[str, Any],
) -> None:
    drawn = np.random.default_rng(3)
    held = {name: drawn.normal(0, 0.2, shape).astype(np.float32) for name, shape in weights.items()}
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in {**held, **constants}.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=9), path)
