"""What pays is found, what does not is refused; on vectors that are made up, where it is known which is which."""

import numpy as np
import pytest
from lookalike.domain import Vectors

from layers.quality import choice
from layers.quality.choice import Features, Recipe
from layers.quality.labelled import Labelled, NothingToLearn
from layers.quality.transforms import unit
from layers.quality.variants import OWN, VARIANTS

DIMENSIONS = 48


def _pictures(classes: int, each: int, noise: float = 1.0, seed: int = 0) -> tuple[Labelled, Vectors]:
    """Vectors that tell the classes in some directions, and in others much that has nothing to do with them."""
    drawn = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), each)
    told = drawn.normal(size=(classes, DIMENSIONS)) * (np.arange(DIMENSIONS) < DIMENSIONS // 2)
    other = drawn.normal(size=(classes * each, DIMENSIONS)) * np.where(np.arange(DIMENSIONS) < DIMENSIONS // 2, noise, 4.0)
    return _labelled(labels), unit(told[labels] + other).astype(np.float32)


def _labelled(labels: np.ndarray) -> Labelled:
    bits = np.random.default_rng(7).integers(0, 2**63, (len(labels), 4), dtype=np.uint64)
    return Labelled([str(n) for n in range(len(labels))], [str(n) for n in range(int(labels.max()) + 1)], labels, bits)


def _features(vectors: Vectors) -> Features:
    return {OWN: (vectors, vectors[:, :0])}


def test_categories_are_learned_and_the_gain_is_measured_on_pictures_and_classes_that_were_held_out() -> None:
    labelled, vectors = _pictures(classes=10, each=60)

    chosen = choice.choose(labelled, _features(vectors))

    assert chosen.recipe.whitens or chosen.recipe.has_head
    assert chosen.known is not None
    assert chosen.new is not None
    assert chosen.known.interval[0] > 0
    assert chosen.new.mean > 0
    assert chosen.pays


@pytest.mark.parametrize("seed", range(3))
def test_labels_that_mean_nothing_are_refused(seed: int) -> None:
    _, vectors = _pictures(classes=10, each=60)
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(10), 60))

    chosen = choice.choose(_labelled(labels), _features(vectors))

    assert not chosen.recipe.parts or not chosen.pays


def test_products_with_several_pictures_teach_what_serves_other_products() -> None:
    labelled, vectors = _pictures(classes=200, each=4)

    chosen = choice.choose(labelled, _features(vectors))

    assert choice.is_open(labelled.labels)
    assert chosen.recipe.parts == ["learned whitening"]
    assert chosen.known is None
    assert chosen.pays


def test_of_many_categories_new_ones_are_expected_unless_it_is_said_that_all_are_known() -> None:
    labelled, vectors = _pictures(classes=24, each=20)

    by_default = choice.choose(labelled, _features(vectors))
    told = choice.choose(labelled, _features(vectors), expects_new=False)

    assert (by_default.known, by_default.recipe.has_head) == (None, False)
    assert told.known is not None


def test_the_variant_that_shows_more_is_chosen() -> None:
    labelled, vectors = _pictures(classes=8, each=40)
    _, clearer = _pictures(classes=8, each=40, noise=0.2)

    chosen = choice.choose(labelled, {OWN: (vectors, vectors[:, :0]), VARIANTS[1]: (clearer, clearer[:, :0])})

    assert chosen.recipe.variant == VARIANTS[1]


def test_too_few_classes_are_nothing_to_learn_from() -> None:
    labelled, vectors = _pictures(classes=1, each=40)

    with pytest.raises(NothingToLearn, match="only 1 classes"):
        choice.choose(labelled, _features(vectors))


def test_a_recipe_says_what_it_does() -> None:
    assert Recipe().parts == []
    assert Recipe(VARIANTS[3], whitens=True, has_head=True, colour=0.3).parts == [
        "centre square",
        "white background",
        "learned whitening",
        "ridge head",
        "colour x 0.3",
    ]


@pytest.mark.parametrize(("classes", "each"), [(24, 4000), (24, 1000), (2000, 4)])
def test_of_many_pictures_those_that_are_measured_are_of_many_classes(classes: int, each: int) -> None:
    labels = np.repeat(np.arange(classes), each)

    some = choice._some(labels, np.arange(len(labels)), True, np.random.default_rng(0))

    counts = np.bincount(labels[some], minlength=classes)
    assert len(some) <= choice.MOST_MEASURED
    assert (counts > 0).sum() >= min(classes, 24) * 0.9
    assert each > choice.PICTURES_OF_A_CATEGORY or set(counts) <= {0, each}
