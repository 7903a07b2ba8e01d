"""What each recipe of ``adapt`` gains on pictures that it did not learn from: ``python -m tests.benchmarks.adapted FOLDER``.

The folder has a sub-folder for each class. In every split some of its pictures are learned from, the others are searched among themselves;
beside each recipe stands what `choice.choose` picks by the learned pictures alone.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
from lookalike.domain import Vectors
from numpy.typing import NDArray

from layers.models import export
from layers.quality import choice
from layers.quality.adapt import from_folder
from layers.quality.choice import COLOUR_WEIGHTS, Features, Recipe
from layers.quality.labelled import Labelled
from layers.quality.measures import nearest, scores
from tests.benchmarks.rows import Row, command

Found = dict[str, list[tuple[float, float]]]
"""P@1 and P@5 in each split, by recipe."""


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.adapted", description="What each recipe of adapt gains on pictures that it did not learn from."
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--network", default="efficientnet_lite2")
    parser.add_argument("--learn", type=int, default=628, help="pictures to learn from")
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--top", type=int, default=8, help="how many recipes to print, the best first")
    command(parser, rows)


def rows(given: argparse.Namespace) -> Iterator[Row]:
    """A row for what is chosen, and for each of the best recipes, beside the network as it is."""
    base = Path("build/models") / export.ensure(given.network, Path("build/models"), print)
    pictures, features = from_folder(given.folder, base)
    found: Found = defaultdict(list)
    chosen = Counter[str]()
    for seed in range(given.splits):
        order = np.random.default_rng(seed).permutation(len(pictures))
        learned, held = np.sort(order[: given.learn]), np.sort(order[given.learn :])
        chosen[_measure(pictures, features, learned, held, found)] += 1
        print(f"split {seed + 1} of {given.splits}", flush=True)
    own = found.pop(_name(Recipe()))
    best = sorted(found, key=lambda name: -np.mean(found[name]))[: given.top]
    for name in ["what is chosen", *(name for name in best if name != "what is chosen")]:
        at_1, at_5 = np.mean(found[name], axis=0)
        note = f"P@5 {np.mean(own, axis=0)[1]:.3f} to {at_5:.3f}"
        if name == "what is chosen":
            note += "; " + ", ".join(f"{count} x {recipe}" for recipe, count in chosen.most_common())
        yield Row(name, at_1, "P@1", "the network as it is", float(np.mean(own, axis=0)[0]), note=note)


def _measure(pictures: Labelled, features: Features, learned: NDArray[np.int64], held: NDArray[np.int64], found: Found) -> str:
    """Adds the scores of every recipe in one split; returns the name of the one that is chosen."""
    known = {variant: (vectors[learned], colours[learned]) for variant, (vectors, colours) in features.items()}
    picked = choice.choose(pictures.among(learned), known).recipe
    for recipe in {*_recipes(features), picked}:
        transform = choice.learn(recipe, pictures.labels, features, learned)
        vectors, colours = features[recipe.variant]
        each = _scored(transform(vectors[held], colours[held]), pictures.among(held))
        found[_name(recipe)].append(each)
        if recipe == picked:
            found["what is chosen"].append(each)
    return _name(picked)


def _scored(vectors: Vectors, held: Labelled) -> tuple[float, float]:
    measured = scores(nearest(vectors, held.bits), held.labels)
    return float(measured.p1.mean()), float(measured.p5.mean())


def _recipes(features: Features) -> Iterator[Recipe]:
    for variant, whitens, head, colour in product(features, (False, True), (False, True), COLOUR_WEIGHTS):
        yield Recipe(variant, whitens, head, colour)


def _name(recipe: Recipe) -> str:
    return " + ".join(recipe.parts) or "the network as it is"


if __name__ == "__main__":
    main()
