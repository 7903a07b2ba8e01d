"""The text encoder of an adapted model: its vectors are moved to where those of pictures lie, then transformed as they are.

Pairs of encoders keep texts and pictures apart, each around a mean of its own. What is learned from pictures alone may stretch the way
between the two means, which is the same for every text and tells nothing. Texts are therefore moved by it first. The mean of texts is
that of words from the tokenizer's own vocabulary.
"""

import shutil
from pathlib import Path

import numpy as np
from lookalike.adapters.openvino.manifests import read_manifest
from lookalike.adapters.openvino.text_encoder import TextEncoder
from lookalike.domain import Vectors
from lookalike.errors import Misconfigured

from layers.quality import assembly
from layers.quality.choice import Recipe
from layers.quality.openvino_runtime import openvino
from layers.quality.transforms import Transform

WORDS = 256
"""At most, evenly chosen from the vocabulary."""


def has_texts(base: Path) -> bool:
    """Whether the network in a folder has a text encoder."""
    return (base / "text.xml").exists()


def keeps_texts(base: Path, recipe: Recipe) -> bool:
    """Whether the adapted model has one: not where colours are counted, for a text has none. What a picture is shown on is no matter."""
    return has_texts(base) and not recipe.colour


def write(base: Path, folder: Path, transform: Transform, vectors: Vectors) -> None:
    """Writes ``text.xml`` and ``tokenizer.json`` into ``folder``; ``vectors`` are those of pictures that the transform was learned from.

    Raises:
        Misconfigured: the library tokenizers is not installed, or the tokenizer knows no word.
    """
    graph = openvino.Core().read_model(base / "text.xml")
    if transform.whitening or transform.head:
        way = vectors.mean(axis=0, dtype=np.float64) - words(base).mean(axis=0, dtype=np.float64)
        graph = assembly.transformed_texts(graph, transform, way.astype(np.float32))
    openvino.save_model(graph, folder / "text.xml", compress_to_fp16=False)
    shutil.copyfile(base / "tokenizer.json", folder / "tokenizer.json")


def words(base: Path) -> Vectors:
    """The vectors of words of the vocabulary, each a text of its own, shape (words, dimensions).

    Raises:
        Misconfigured: the library tokenizers is not installed, or the tokenizer knows no word.
    """
    encode = TextEncoder(base, read_manifest(base))
    found = _words(base / "tokenizer.json")
    if not found:
        raise Misconfigured(
            f"{base / 'tokenizer.json'} knows no word: take text.xml out of the folder to adapt the model for pictures alone"
        )
    return np.stack([encode(word) for word in found])


def _words(file: Path) -> list[str]:
    from tokenizers import Tokenizer  # imported here: `TextEncoder` says what is missing where it is not installed

    tokenizer = Tokenizer.from_file(str(file))
    decoded = (tokenizer.decode([number]).strip() for number in sorted(tokenizer.get_vocab().values()))
    found = [word for word in dict.fromkeys(decoded) if word.isalpha()]
    return found[:: -(-len(found) // WORDS) or 1]
