"""Which transform pays: chosen by cross-validation in each half of the pictures, the gain measured on the other half.

A recipe is chosen in each half for the measurement alone, so that no picture has a part in what it measures. The recipe that is kept is the
one that is best in both.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from lookalike.domain import Vectors
from numpy.typing import NDArray

from layers.quality.labelled import Labelled, NothingToLearn
from layers.quality.measures import Labels, Scores, interval, nearest, scores
from layers.quality.transforms import MAX_CLASSES, Transform, ridge_head, whitening
from layers.quality.variants import OWN, Variant

COLOUR_WEIGHTS = (0.0, 0.3, 0.5)
SPLITS = 4
"""In the cross-validation; where hits must be good for the classes that are known, the last one is by class and the others by picture."""

CONFIDENCE = 0.95
"""Of the interval of the gain: labels that mean nothing are taken for a gain once in 40 times."""

WORTH = 0.004
"""What each part of a recipe has to bring at least, because it costs time or pictures that are fetched again."""

PICTURES_OF_A_CATEGORY = 8
"""Where the median class has fewer, classes are taken for products."""

KNOWN_CATEGORIES = 20
"""Where there are more classes, or these are products, new ones are taken to come: then only classes that were not learned from count."""

MOST_MEASURED = 3000
"""Pictures that are held out, and that take part in the cross-validation."""

LEAST_CLASSES = 4
"""For a split by classes: two to learn from, two to measure."""

Chosen = NDArray[np.int64]
"""Places of pictures."""

Features = Mapping[Variant, tuple[Vectors, Vectors]]
"""Of each variant the vectors and the colour histograms of all pictures; without histograms they have the shape (n, 0)."""

Tried = Mapping["Recipe", float]
"""The score of each recipe in a cross-validation."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is done to a picture and its vector."""

    variant: Variant = OWN
    whitens: bool = False
    has_head: bool = False
    colour: float = 0.0

    @property
    def parts(self) -> list[str]:
        """What differs from the network as it is, in words."""
        named = [(self.whitens, "learned whitening"), (self.has_head, "ridge head"), (self.colour > 0, f"colour x {self.colour:g}")]
        return [*self.variant.parts, *(name for is_there, name in named if is_there)]


@dataclass(frozen=True, slots=True)
class Gain:
    """Scores on pictures that nothing was learned from: of the network as it is, and with what was chosen and learned without them."""

    before: Scores
    after: Scores

    @property
    def mean(self) -> float:
        """Of the mean of P@1 and P@5."""
        return float((self.after.both - self.before.both).mean())

    @property
    def interval(self) -> tuple[float, float]:
        """Where the gain lies, with `CONFIDENCE`."""
        return interval(self.after.both - self.before.both, CONFIDENCE)


@dataclass(frozen=True, slots=True)
class Choice:
    """The best recipe and its gain: on other pictures of the classes it learned from, and on classes that it never saw; None where there
    are too few pictures or classes to say.
    """

    recipe: Recipe
    known: Gain | None
    new: Gain | None

    @property
    def gains(self) -> list[Gain]:
        """Those that there are."""
        return [gain for gain in (self.known, self.new) if gain]

    @property
    def pays(self) -> bool:
        """Whether the gain is above zero beyond doubt, and nothing is lost elsewhere beyond doubt."""
        return self.gains[0].interval[0] > 0 and all(gain.interval[1] > 0 for gain in self.gains)


def choose(labelled: Labelled, features: Features, expects_new: bool | None = None) -> Choice:
    """The recipe that scores best in cross-validation, and what it gains on held-out pictures.

    Args:
        labelled: the pictures.
        features: of each variant, the network as it is first.
        expects_new: whether only classes count that were not learned from; by default as `is_open` says.

    Raises:
        NothingToLearn: there are too few classes with several pictures.
    """
    drawn = np.random.default_rng(0)
    by_class = is_open(labelled.labels) if expects_new is None else expects_new
    _check(labelled, by_class)
    halves = next(_by_class(labelled.labels, drawn) if by_class else _by_picture(labelled.labels, drawn))
    some = [_some(labelled.labels, half, by_class, drawn) for half in halves]
    tried = [_tried(labelled, features, among, by_class, drawn) for among in some]
    ways = [(_best(tried[0]), halves[0], some[1]), (_best(tried[1]), halves[1], some[0])]
    gain = _gain(ways, labelled, features)
    if by_class:
        return Choice(_best(*tried), None, gain)
    if len(labelled.classes) < LEAST_CLASSES:
        return Choice(_best(*tried), gain, None)
    seen, unseen = next(_by_class(labelled.labels, drawn))
    new = [(recipe, np.intersect1d(seen, learned), np.intersect1d(unseen, held)) for recipe, learned, held in ways]
    return Choice(_best(*tried), gain, _gain(new, labelled, features))


def learn(recipe: Recipe, labels: Labels, features: Features, chosen: Chosen | None = None) -> Transform:
    """The recipe's transform, learned from the chosen pictures, or from all."""
    vectors, _ = features[recipe.variant]
    where = slice(None) if chosen is None else chosen
    return Transform(
        whitening(vectors[where], labels[where]) if recipe.whitens else None,
        ridge_head(vectors[where], labels[where]) if recipe.has_head else None,
        recipe.colour,
    )


def is_open(labels: Labels) -> bool:
    """Whether new classes are to be expected: of products, and of many categories."""
    counts = np.bincount(labels)
    return float(np.median(counts)) < PICTURES_OF_A_CATEGORY or int((counts > 0).sum()) > KNOWN_CATEGORIES


def _check(labelled: Labelled, by_class: bool) -> None:
    several = int((np.bincount(labelled.labels) > 1).sum())
    if several < (2 * LEAST_CLASSES if by_class else 2):
        raise NothingToLearn(f"only {several} classes have more than one picture: there is too little to learn from")


def _tried(labelled: Labelled, features: Features, among: Chosen, by_class: bool, drawn: np.random.Generator) -> Tried:
    found = dict[Recipe, float]()
    for learned, held in _splits(labelled.labels[among], by_class, drawn):
        for variant in features:
            for recipe, transform in _candidates(variant, features, among[learned], labelled, with_head=not by_class):
                each = _scores(transform, recipe, labelled, features, among[held]).both
                if not len(each):
                    raise NothingToLearn("too few classes have several pictures, so that none can be held out to be measured")
                found[recipe] = found.get(recipe, 0) + float(each.mean()) / SPLITS
    return found


def _best(*tried: Tried) -> Recipe:
    return max(tried[0], key=lambda recipe: np.mean([each[recipe] for each in tried]) - WORTH * len(recipe.parts))


def _candidates(
    variant: Variant, features: Features, learned: Chosen, labelled: Labelled, *, with_head: bool
) -> Iterator[tuple[Recipe, Transform]]:
    """Every recipe of a variant, its transform learned; each part is learned once."""
    has_head = with_head and len(labelled.classes) <= MAX_CLASSES
    whole = learn(Recipe(variant, whitens=True, has_head=has_head), labelled.labels, features, learned)
    weights = COLOUR_WEIGHTS if features[variant][1].shape[1] else (0.0,)
    for whitens, head, colour in product((False, True), (False, True) if has_head else (False,), weights):
        transform = Transform(whole.whitening if whitens else None, whole.head if head else None, colour)
        yield Recipe(variant, whitens, head, colour), transform


def _gain(ways: Sequence[tuple[Recipe, Chosen, Chosen]], labelled: Labelled, features: Features) -> Gain:
    """Of recipes, each learned from some pictures and measured on others."""
    own, before, after = Recipe(next(iter(features))), list[Scores](), list[Scores]()
    for recipe, learned, held in ways:
        before.append(_scores(Transform(), own, labelled, features, held))
        after.append(_scores(learn(recipe, labelled.labels, features, learned), recipe, labelled, features, held))
    return Gain(Scores.joined(before), Scores.joined(after))


def _scores(transform: Transform, recipe: Recipe, labelled: Labelled, features: Features, held: Chosen) -> Scores:
    vectors, histograms = features[recipe.variant]
    return scores(nearest(transform(vectors[held], histograms[held]), labelled.bits[held]), labelled.labels[held])


def _splits(labels: Labels, by_class: bool, drawn: np.random.Generator) -> Iterator[tuple[Chosen, Chosen]]:
    """Halves by class, or most by picture: a ridge head does less for new classes, which must not outweigh what it does for the known."""
    has_new = len(np.unique(labels)) >= LEAST_CLASSES
    for number in range(SPLITS):
        yield from _by_class(labels, drawn) if has_new and (by_class or number == SPLITS - 1) else _by_picture(labels, drawn)


def _by_picture(labels: Labels, drawn: np.random.Generator) -> Iterator[tuple[Chosen, Chosen]]:
    """Two halves with about half of each class."""
    order = drawn.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    yield np.sort(order[::2]), np.sort(order[1::2])


def _by_class(labels: Labels, drawn: np.random.Generator) -> Iterator[tuple[Chosen, Chosen]]:
    """Two halves of the classes with all of their pictures."""
    classes = drawn.permutation(np.unique(labels))
    is_first = np.isin(labels, classes[: len(classes) // 2])
    yield np.flatnonzero(is_first), np.flatnonzero(~is_first)


def _some(labels: Labels, places: Chosen, by_class: bool, drawn: np.random.Generator) -> Chosen:
    """At most `MOST_MEASURED` of the pictures; of products all pictures or none, of large classes some pictures of each."""
    if len(places) <= MOST_MEASURED:
        return places
    if not by_class:
        return np.sort(drawn.choice(places, MOST_MEASURED, replace=False))
    most = max(PICTURES_OF_A_CATEGORY, MOST_MEASURED // len(np.unique(labels[places])))
    mixed = drawn.permutation(places)
    mixed = mixed[np.argsort(labels[mixed], kind="stable")]
    _, starts, of = np.unique(labels[mixed], return_index=True, return_inverse=True)
    places = np.sort(mixed[np.arange(len(mixed)) - starts[of] < most])
    order = drawn.permutation(np.unique(labels[places]))
    counts = np.bincount(labels[places])[order]
    return places[np.isin(labels[places], order[np.cumsum(counts) <= MOST_MEASURED])]


def summary(choice: Choice) -> dict[str, Any]:
    """The choice in numbers, for a manifest or a report."""
    named: Sequence[tuple[str, Gain | None]] = (("known classes", choice.known), ("new classes", choice.new))
    return {
        "recipe": choice.recipe.parts,
        "held_out": {
            name: {
                "pictures": len(gain.before.p1),
                "before": gain.before.means(),
                "after": gain.after.means(),
                "gain": round(gain.mean, 3),
                "interval": [round(bound, 3) for bound in gain.interval],
            }
            for name, gain in named
            if gain
        },
    }
