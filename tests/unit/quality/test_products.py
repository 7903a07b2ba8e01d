"""Whether the mean of a product's pictures finds it better than each of them; on vectors that are made up."""

import numpy as np
import pytest
from lookalike.domain import Vectors

from layers.quality import products, report
from layers.quality.labelled import Labelled, NothingToLearn
from layers.quality.transforms import unit

WAYS = [
    f"{asked}, {ranked}"
    for ranked in ("nearest picture", "mean of pictures")
    for asked in ("one picture", "several pictures", "mean of several")
]


def _pictures(each: int, noise: float, seed: int = 0) -> tuple[Labelled, Vectors]:
    """Of 60 products; every picture differs from the product itself by so much noise."""
    drawn = np.random.default_rng(seed)
    labels = np.repeat(np.arange(60), each)
    vectors = drawn.normal(size=(60, 24))[labels] + noise * drawn.normal(size=(len(labels), 24))
    bits = drawn.integers(0, 2**63, (len(labels), 4), dtype=np.uint64)
    order = drawn.permutation(len(labels))
    named = Labelled([str(n) for n in range(len(labels))], [str(n) for n in range(60)], labels, bits)
    return named.among(order), unit(vectors)[order].astype(np.float32)


def test_where_pictures_differ_from_the_product_by_chance_the_means_find_it_better() -> None:
    pictures, vectors = _pictures(each=8, noise=1.8)

    found = products.measured(vectors, pictures)

    assert (found["products"], found["among"]) == (60, 60)
    assert list(found["ways"]) == WAYS
    assert found["ways"]["mean of several, mean of pictures"]["gain"][0] > 0.05
    assert found["ways"]["one picture, nearest picture"]["gain"][1] < 0
    assert found["ways"]["several pictures, nearest picture"]["gain"] == [0, 0]


def test_where_each_picture_shows_another_side_the_mean_finds_it_worse() -> None:
    """Each product has two sides that have nothing in common: half of its pictures show the one."""
    sides, vectors = _pictures(each=8, noise=0.6)
    pictures = Labelled(sides.names, sides.classes[:30], sides.labels // 2, sides.bits)

    found = products.measured(vectors, pictures)["ways"]

    assert found["mean of several, mean of pictures"]["gain"][1] < found["several pictures, nearest picture"]["P@1"]
    assert found["one picture, mean of pictures"]["P@1"] < found["one picture, nearest picture"]["P@1"]


def test_by_one_picture_of_two_every_way_is_the_same() -> None:
    """A product of two pictures is searched by the one and found by the other: there is nothing to take a mean of."""
    pictures, vectors = _pictures(each=2, noise=0.8)

    found = products.measured(vectors, pictures)

    assert len({tuple(map(str, each.values())) for each in found["ways"].values()}) == 1
    assert found["ways"][WAYS[0]]["P@1"] == pytest.approx(_first(vectors, pictures.labels), abs=0.12)


def test_copies_are_not_asked_by_and_products_of_copies_alone_are_not_measured() -> None:
    pictures, vectors = _pictures(each=2, noise=0.8)
    pictures.bits[:] = pictures.bits[np.argsort(pictures.labels, kind="stable")[0]]

    with pytest.raises(NothingToLearn, match="no product has several pictures"):
        products.measured(vectors, pictures)


def test_the_report_has_a_row_for_each_way() -> None:
    pictures, vectors = _pictures(each=4, noise=1)

    lines = report._products("lite", products.measured(vectors, pictures))

    assert lines[0].startswith("| lite: 60 of 60 products by half of their pictures | P@1 |")
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines[2:-1]] == WAYS


def _first(vectors: Vectors, labels: np.ndarray) -> float:
    """The share of pictures whose nearest other picture is of the same product."""
    cosines = vectors @ vectors.T - 2 * np.eye(len(vectors))
    return float((labels[cosines.argmax(axis=1)] == labels).mean())
