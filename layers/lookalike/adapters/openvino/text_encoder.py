"""The text encoder beside an exported network: words to a vector that can be compared with those of pictures.

Loaded when the first text comes, with the library that cuts text into tokens; what serves pictures alone needs neither.
"""

import json
from pathlib import Path

import numpy as np
import openvino

from lookalike.domain import Model, Vector
from lookalike.errors import Misconfigured, RequestInvalid


class TextEncoder:
    """Loads ``text.xml`` and ``tokenizer.json`` when it is made.

    Raises:
        RequestInvalid: the model knows pictures alone.
        Misconfigured: the library tokenizers is not installed.
    """

    def __init__(self, folder: Path, model: Model) -> None:
        if not (folder / "text.xml").exists():
            raise RequestInvalid(f"the model {model.id!r} has no text encoder: search by a picture or a product", field="text")
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise Misconfigured(f"the text encoder of {model.id!r} needs the Python package tokenizers") from error
        told = json.loads((folder / "manifest.json").read_text())["text"]
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(told["length"])
        self._lower_case = told.get("lower_case", False)
        pad = self._tokenizer.token_to_id(told["pad_token"])
        self._tokenizer.enable_padding(length=told["length"], pad_id=pad, pad_token=told["pad_token"])
        self._network = openvino.Core().compile_model(folder / "text.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def __call__(self, text: str) -> Vector:
        """The text's vector, of unit length."""
        encoded = self._tokenizer.encode(text.lower() if self._lower_case else text)
        tokens, mask = (np.array([each], np.int64) for each in (encoded.ids, encoded.attention_mask))
        vector: Vector = self._network([tokens, mask])[0][0]
        return vector
