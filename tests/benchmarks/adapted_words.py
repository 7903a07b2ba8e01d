"""What words and pictures find before and after a model was adapted: ``python -m tests.benchmarks.adapted_words``.

A pair of encoders is trained on drawn products; what ``adapt`` chooses for known classes is learned from 576 others. Prints the mean
average precision of 288 more as the table of layers/quality/README.md. The last column is of the same vectors with a gap, as CLIP has:
pictures are moved by 0.7 in a direction, texts by -0.7, and all scaled to unit length again.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder
from lookalike.domain import Vectors
from lookalike.pictures import decoding

from layers.models import own, own_export
from layers.quality import adapted_text, choice
from layers.quality.labelled import Labelled
from layers.quality.transforms import Transform, unit
from layers.quality.variants import OWN
from tests.integration.named_products import Drawn, products

GAP = 0.7
LEARNED, SEARCHED = products(576, seed=3), products(288, seed=2)

Kind = Callable[[Drawn], str]
"""What is the same of products that belong together, in words."""

KINDS: dict[str, Kind] = {
    "colour and form": lambda each: f"A {each.colour} {each.thing}",
    "form": lambda each: each.thing,
    "colour": lambda each: each.colour,
}
ROWS = (("colour and form", "colour and form"), ("form", "form"), ("colour", "colour"), ("colour", "form"), ("form", "colour"))
"""Which classes are learned, and what counts."""

TEXTS = sorted({kind(each) for kind, each in product(KINDS.values(), SEARCHED)})


class Embedded(NamedTuple):
    """Unit vectors: of the products that are learned from, of those that are searched, of `TEXTS`, and of the vocabulary's words."""

    learned: Vectors
    searched: Vectors
    texts: Vectors
    words: Vectors


def main() -> None:
    """The command."""
    with TemporaryDirectory() as folder:
        own_vectors = _embedded(_pair(Path(folder)))
    print("| classes learned; what counts | by a picture: before, after | by words: before, transformed alone, moved before | with a gap |")
    print("|---|---|---|---|")
    for learned, counts in ROWS:
        by_picture, by_words = _measured(own_vectors, KINDS[learned], KINDS[counts])
        with_gap = _measured(_with_gap(own_vectors), KINDS[learned], KINDS[counts])[1]
        print(f"| {learned}; {counts} | {_cells(by_picture)} | {_cells(by_words)} | {_cells(with_gap)} |", flush=True)


def _pair(folder: Path) -> Path:
    """The trained pair of encoders, exported."""
    from tests.integration.trained_pair import trained  # imported here: it holds Keras, which takes ten seconds of a core

    return folder / own_export.export(own.described(trained(folder / "pair")), folder, print)


def _embedded(base: Path) -> Embedded:
    embedder = OpenVinoEmbedder(base)
    learned, searched = (embedder.embed([decoding.scale(each.pixels, embedder.model) for each in drawn]) for drawn in (LEARNED, SEARCHED))
    return Embedded(learned, searched, np.stack([embedder.embed_text(text) for text in TEXTS]), adapted_text.words(base))


def _with_gap(given: Embedded) -> Embedded:
    direction = unit(np.random.default_rng(0).normal(size=(1, given.texts.shape[1])))
    pictures, texts = ((given.learned, given.searched), (given.texts, given.words))
    moved = [unit(vectors + by * direction).astype(np.float32) for side, by in ((pictures, GAP), (texts, -GAP)) for vectors in side]
    return Embedded(*moved)


def _measured(given: Embedded, learned: Kind, counts: Kind) -> tuple[list[float], list[float]]:
    """By pictures, before and after; by words before, transformed alone, and moved before that, as `adapted_text` does."""
    transform = _learned(given.learned, [learned(each) for each in LEARNED])
    names = np.array([counts(each) for each in SEARCHED])
    asked = sorted(set(names.tolist()))
    texts = given.texts[[TEXTS.index(text) for text in asked]]
    way = given.learned.mean(axis=0) - given.words.mean(axis=0)
    before, after = given.searched, transform(given.searched)
    by_picture = [_precision(vectors, names, vectors, names, is_own_left_out=True) for vectors in (before, after)]
    by_words = [
        _precision(vectors, np.array(asked), found, names)
        for vectors, found in ((texts, before), (transform(texts), after), (transform(texts + way), after))
    ]
    return by_picture, by_words


def _learned(vectors: Vectors, classes: Sequence[str]) -> Transform:
    """What ``adapt`` chooses where hits must be good for the classes that it learns from."""
    drawn = np.random.default_rng(0)
    hashes = [drawn.bytes(32).hex() for _ in classes]
    labelled, features = Labelled.of(hashes, classes, hashes), {OWN: (vectors, vectors[:, :0])}
    return choice.learn(choice.choose(labelled, features, expects_new=False).recipe, labelled.labels, features)


def _precision(queries: Vectors, wanted: np.ndarray, found: Vectors, names: np.ndarray, *, is_own_left_out: bool = False) -> float:
    """The mean average precision of all products in the order of their cosines."""
    return float(np.mean(list(_each(queries, wanted, found, names, is_own_left_out))))


def _each(queries: Vectors, wanted: np.ndarray, found: Vectors, names: np.ndarray, is_own_left_out: bool) -> Iterator[float]:
    for place, cosines in enumerate(queries @ found.T):
        order = np.argsort(-cosines, kind="stable")
        right = names[order[order != place] if is_own_left_out else order] == wanted[place]
        yield float((np.cumsum(right) / np.arange(1, len(right) + 1))[right].mean())


def _cells(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.3f}".removeprefix("0") for value in values)


if __name__ == "__main__":
    main()
