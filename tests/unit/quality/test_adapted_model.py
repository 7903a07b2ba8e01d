"""A graph that was edited gives what the arithmetic in numpy gives, whole and as a transform of stored vectors."""

import json
from pathlib import Path

import numpy as np
import pytest
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder
from lookalike.domain import Pixels, Vectors

from layers.models import export
from layers.quality import adapted_model, choice, variants
from layers.quality.assembly import COLOURS
from layers.quality.choice import Choice, Features, Recipe
from layers.quality.variants import OWN, VARIANTS, Variant
from tests.unit.quality import averaging_network
from tests.unit.quality.averaging_network import SIZE

DIMENSIONS = 24
LABELS = np.repeat(np.arange(3), 8)


def _pixels() -> list[Pixels]:
    drawn = np.random.default_rng(5)
    small = drawn.integers(0, 256, (len(LABELS), 8, 8, 3), dtype=np.uint8)
    return list(small.repeat(SIZE // 8, axis=1).repeat(SIZE // 8, axis=2))


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """The network that is adapted."""
    return averaging_network.write(tmp_path / "base", DIMENSIONS)


def _features(base: Path, variant: Variant) -> Features:
    with variants.embedders(base, [variant]) as [embedder]:
        made = embedder.embed(_pixels())
    return {variant: (made[:, :-COLOURS], made[:, -COLOURS:])}


def _written(base: Path, recipe: Recipe) -> tuple[Path, Vectors]:
    """The model, and the vectors that its transform makes in numpy."""
    features = _features(base, recipe.variant)
    transform = choice.learn(recipe, LABELS, features)
    vectors, histograms = features[recipe.variant]
    return adapted_model.write(base, Choice(recipe, None, None), transform, vectors), transform(vectors, histograms)


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(whitens=True),
        Recipe(has_head=True),
        Recipe(whitens=True, has_head=True, colour=0.3),
        Recipe(VARIANTS[1], colour=0.5),
        Recipe(VARIANTS[3], whitens=True),
    ],
    ids=lambda recipe: "+".join(recipe.parts),
)
def test_the_written_network_gives_what_was_learned(base: Path, recipe: Recipe) -> None:
    folder, expected = _written(base, recipe)

    embedder = OpenVinoEmbedder(folder)
    vectors = embedder.embed(_pixels())

    assert embedder.model.id == folder.name
    assert embedder.model.resize == (recipe.variant.resize or "stretch")
    assert (vectors * expected).sum(axis=1).min() >= 0.9999


def test_vectors_of_the_base_network_become_those_of_the_adapted_one_without_the_pictures(base: Path) -> None:
    folder, expected = _written(base, Recipe(whitens=True, has_head=True))
    adapted, original = OpenVinoEmbedder(folder), OpenVinoEmbedder(base)

    made = adapted.from_vectors(original.embed(_pixels()), original.model)

    assert made is not None
    assert (made * expected).sum(axis=1).min() >= 0.9999
    assert original.from_vectors(made, adapted.model) is None


@pytest.mark.parametrize("recipe", [Recipe(VARIANTS[2], whitens=True), Recipe(colour=0.3)], ids=lambda recipe: "+".join(recipe.parts))
def test_what_needs_the_pictures_is_not_made_from_vectors(base: Path, recipe: Recipe) -> None:
    folder, _ = _written(base, recipe)
    original = OpenVinoEmbedder(base)

    assert OpenVinoEmbedder(folder).from_vectors(original.embed(_pixels()), original.model) is None


def test_an_adapted_model_is_at_hand_for_every_command(base: Path) -> None:
    folder, _ = _written(base, Recipe(whitens=True))

    assert export.ensure(folder.name, folder.parent, print) == folder.name
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["adapted"]["recipe"] == ["learned whitening"]
    assert not list(folder.parent.glob(".adapting-*"))


def test_the_histogram_counts_colours(base: Path) -> None:
    red = np.zeros((SIZE, SIZE, 3), np.uint8)
    red[..., 0] = 255
    half = red.copy()
    half[: SIZE // 2] = 255
    with variants.embedders(base, [OWN]) as [embedder]:
        made = embedder.embed([red, half])[:, -COLOURS:]

    assert np.flatnonzero(made[0]).tolist() == [15]  # hue 0, saturation 3, value 3
    assert {place: round(float(made[1][place]), 4) for place in np.flatnonzero(made[1])} == {3: 0.7071, 15: 0.7071}
    assert np.allclose(np.linalg.norm(made, axis=1), 1)
