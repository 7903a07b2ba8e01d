"""Folders as CLIP ViT-B/32, SigLIP base and DINOv2 small are published in for ONNX: their file names, the contents of their
configuration, names and types of inputs and outputs, how a text becomes one vector. The networks are small, their weights random."""

import json
import string
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto
from onnx.helper import make_node

from tests.unit.models.small_networks import save

SIZE, PATCH, HIDDEN, DIMENSIONS = 224, 32, 24, 16
PATCHES = (SIZE // PATCH) ** 2
START, END = "<|startoftext|>", "<|endoftext|>"

RESCALED: dict[str, Any] = {
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "resample": 3,
    "rescale_factor": 0.00392156862745098,
}
CLIP_PICTURES: dict[str, Any] = RESCALED | {
    "crop_size": {"height": 224, "width": 224},
    "do_center_crop": True,
    "do_convert_rgb": True,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
    "image_processor_type": "CLIPFeatureExtractor",
    "size": {"shortest_edge": 224},
}
SIGLIP_PICTURES: dict[str, Any] = RESCALED | {
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "image_processor_type": "SiglipImageProcessor",
    "processor_class": "SiglipProcessor",
    "size": {"height": 224, "width": 224},
}
DINOV2_PICTURES: dict[str, Any] = CLIP_PICTURES | {
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
    "image_processor_type": "BitImageProcessor",
    "size": {"shortest_edge": 256},
}
CLIP_CONFIG: dict[str, Any] = {
    "model_type": "clip",
    "projection_dim": 512,
    "text_config": {"bos_token_id": 0, "eos_token_id": 2, "model_type": "clip_text_model"},
}
SIGLIP_CONFIG = {
    "model_type": "siglip",
    "text_config": {"model_type": "siglip_text_model"},
    "vision_config": {"model_type": "siglip_vision_model"},
}
DINOV2_CONFIG = {"architectures": ["Dinov2Model"], "hidden_size": 384, "image_size": 518, "model_type": "dinov2", "patch_size": 14}

LETTERS = string.ascii_lowercase
CLIP_VOCABULARY = [*LETTERS, *(f"{letter}</w>" for letter in LETTERS), START, END]
SPACES = {"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "}
SIGLIP_VOCABULARY = ["<pad>", "</s>", "<unk>", "▁", *LETTERS]

PLACES = (TensorProto.INT64, ["text_batch", "sequence"])
PIXELS = (TensorProto.FLOAT, ["image_batch", "num_channels", "height", "width"])
CONSTANTS = {"as_tokens": np.array([0, HIDDEN, -1]), "zero": np.array(0), "one": np.array(1), "minus_one": np.array(-1)}


@dataclass(frozen=True)
class Encoder:
    """What a graph of ONNX is made of; ``weights`` by name with their shapes."""

    file: str
    inputs: dict[str, Any]
    nodes: list[NodeProto]
    weights: dict[str, tuple[int, ...]]
    outputs: dict[str, list[Any]]

    def ending(self, nodes: list[NodeProto], weights: Mapping[str, tuple[int, ...]], **outputs: list[Any]) -> "Encoder":
        """With more nodes behind it."""
        return replace(self, nodes=self.nodes + nodes, weights={**self.weights, **weights}, outputs=outputs | self.outputs)


def clip(folder: Path, is_joint: bool = False) -> Path:
    """`onnx/vision_model.onnx` and `onnx/text_model.onnx`, or `onnx/model.onnx` with both."""
    told = {"model_max_length": 77, "pad_token": END, "do_lower_case": True}
    _configured(folder, CLIP_PICTURES, CLIP_CONFIG, told, _clip_tokenizer())
    shape = (HIDDEN, DIMENSIONS)
    last = [*_first_largest(), make_node("MatMul", ["pooled", "text_projection"], ["text_embeds"])]
    projected = [make_node("MatMul", ["class_row", "image_projection"], ["image_embeds"])]
    text = _text(len(CLIP_VOCABULARY), 77).ending(last, {"text_projection": shape}, text_embeds=["n", DIMENSIONS])
    vision = _vision().ending(projected, {"image_projection": shape}, image_embeds=["n", DIMENSIONS])
    return _saved(folder, *([_joint(text, vision, attention_mask=PLACES)] if is_joint else [text, vision]))


def siglip(folder: Path, is_joint: bool = False) -> Path:
    """As `clip`; without a projection, and the text's vector is that of the last place, which padding fills."""
    told = {"model_max_length": 64, "pad_token": "</s>", "do_lower_case": True, "tokenizer_class": "SiglipTokenizer"}
    _configured(folder, SIGLIP_PICTURES, SIGLIP_CONFIG, told, _siglip_tokenizer())
    weights, (text_name, image_name) = {"head": (HIDDEN, HIDDEN)}, _SIGLIP_OUTPUTS[is_joint]
    last = [make_node("Gather", ["read", "minus_one"], ["pooled"], axis=1), make_node("MatMul", ["pooled", "head"], [text_name])]
    projected = [make_node("MatMul", ["class_row", "head"], [image_name])]
    text = _text(len(SIGLIP_VOCABULARY), 64).ending(last, weights, **{text_name: ["n", HIDDEN]})
    vision = _vision().ending(projected, weights, **{image_name: ["n", HIDDEN]})
    return _saved(folder, *([_joint(text, vision)] if is_joint else [text, vision]))


_SIGLIP_OUTPUTS = {True: ("text_embeds", "image_embeds"), False: ("pooler_output", "pooler_output")}


def dinov2(folder: Path) -> Path:
    """`onnx/model.onnx`, whose class token is the first of `last_hidden_state`."""
    _configured(folder, DINOV2_PICTURES, DINOV2_CONFIG)
    return _saved(folder, replace(_vision(), file="model.onnx"))


def _vision() -> Encoder:
    """Patches of pixels, each weighted by its place, behind a class token."""
    nodes = [
        make_node("Conv", ["pixel_values", "patches"], ["grid"], strides=[PATCH, PATCH]),
        make_node("Reshape", ["grid", "as_tokens"], ["columns"]),
        make_node("Transpose", ["columns"], ["rows"], perm=[0, 2, 1]),
        make_node("Mul", ["rows", "image_places"], ["placed_rows"]),
        make_node("Tanh", ["placed_rows"], ["seen"]),
        make_node("ReduceMean", ["seen"], ["mean"], axes=[1], keepdims=1),
        make_node("Concat", ["mean", "seen"], ["last_hidden_state"], axis=1),
        make_node("Gather", ["last_hidden_state", "zero"], ["class_row"], axis=1),
    ]
    weights = {"patches": (HIDDEN, 3, PATCH, PATCH), "image_places": (1, PATCHES, HIDDEN)}
    outputs = {"last_hidden_state": ["n", PATCHES + 1, HIDDEN]}
    return Encoder("vision_model.onnx", {"pixel_values": PIXELS}, nodes, weights, outputs)


def _text(words: int, length: int) -> Encoder:
    """Each place knows the words before it, as behind a causal mask."""
    nodes = [
        make_node("Gather", ["words", "input_ids"], ["found"]),
        make_node("Mul", ["found", "text_places"], ["placed"]),
        make_node("CumSum", ["placed", "one"], ["summed"]),
        make_node("Tanh", ["summed"], ["read"]),
    ]
    weights = {"words": (words, HIDDEN), "text_places": (1, length, HIDDEN)}
    return Encoder("text_model.onnx", {"input_ids": PLACES}, nodes, weights, {"read": ["n", "sequence", HIDDEN]})


def _first_largest() -> list[NodeProto]:
    """CLIP's vector of a text is that of its end, the token with the largest id."""
    return [
        make_node("Cast", ["input_ids"], ["small_ids"], to=TensorProto.INT32),
        make_node("ArgMax", ["small_ids"], ["end"], axis=1, keepdims=1),
        make_node("GatherND", ["read", "end"], ["pooled"], batch_dims=1),
    ]


def _joint(text: Encoder, vision: Encoder, **more_inputs: Any) -> Encoder:
    """Both encoders in one file, and how much each text goes with each picture."""
    compared = [
        make_node("Transpose", ["image_embeds"], ["turned"], perm=[1, 0]),
        make_node("MatMul", ["text_embeds", "turned"], ["logits_per_text"]),
        make_node("Transpose", ["logits_per_text"], ["logits_per_image"], perm=[1, 0]),
    ]
    outputs = {"logits_per_image": ["image_batch", "text_batch"], "logits_per_text": ["text_batch", "image_batch"]}
    embeds = {name: shape for each in (text, vision) for name, shape in each.outputs.items() if name.endswith("embeds")}
    inputs = text.inputs | vision.inputs | more_inputs
    return Encoder("model.onnx", inputs, text.nodes + vision.nodes + compared, text.weights | vision.weights, outputs | embeds)


def _saved(folder: Path, *encoders: Encoder) -> Path:
    for each in encoders:
        used = {name: value for name, value in CONSTANTS.items() if any(name in node.input for node in each.nodes)}
        save(folder / "onnx" / each.file, each.nodes, each.inputs, each.outputs, each.weights, used)
    return folder


def _configured(folder: Path, pictures: Any, config: Any, told: Any = None, tokenizer: Any = None) -> None:
    (folder / "onnx").mkdir(parents=True)
    files = {"preprocessor_config": pictures, "config": config, "tokenizer_config": told, "tokenizer": tokenizer}
    for name, content in files.items():
        if content is not None:
            (folder / f"{name}.json").write_text(json.dumps(content))


def _added(token: str, number: int) -> dict[str, Any]:
    flags = dict.fromkeys(("lstrip", "rstrip", "normalized", "single_word"), False)
    return {"id": number, "content": token, "special": True, **flags}


def _clip_tokenizer() -> dict[str, Any]:
    ids = {token: number for number, token in enumerate(CLIP_VOCABULARY)}
    words = {"type": "Split", "pattern": {"Regex": "[\\p{L}]+|[^\\s\\p{L}]+"}, "behavior": "Removed", "invert": True}
    ends = {
        "type": "RobertaProcessing",
        "sep": [END, ids[END]],
        "cls": [START, ids[START]],
        "trim_offsets": False,
        "add_prefix_space": False,
    }
    bpe = {
        "type": "BPE",
        "dropout": None,
        "unk_token": END,
        "continuing_subword_prefix": "",
        "end_of_word_suffix": "</w>",
        "fuse_unk": False,
    }
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_added(START, ids[START]), _added(END, ids[END])],
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, SPACES, {"type": "Lowercase"}]},
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [words, {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}],
        },
        "post_processor": ends,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True},
        "model": bpe | {"vocab": ids, "merges": []},
    }


def _siglip_tokenizer() -> dict[str, Any]:
    end = SIGLIP_VOCABULARY.index("</s>")
    template = [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}]
    special = {"</s>": {"id": "</s>", "ids": [end], "tokens": ["</s>"]}}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_added("</s>", end)],
        "normalizer": SPACES,
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "post_processor": {"type": "TemplateProcessing", "single": template, "pair": template, "special_tokens": special},
        "decoder": None,
        "model": {"type": "Unigram", "unk_id": 2, "vocab": [[token, -float(n)] for n, token in enumerate(SIGLIP_VOCABULARY)]},
    }
