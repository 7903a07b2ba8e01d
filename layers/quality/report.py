"""An evaluation as Markdown, and its worst errors as a picture."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from lookalike.pictures import decoding
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps

from layers.quality.leave_one_out import Found, Trial
from layers.quality.measures import NAMES, Labels, Scores

ROWS, HITS = 12, 6
"""Queries on a sheet of the worst errors, and hits of each."""

CLASSES = 40
"""Classes of which each has a row."""

TILE, GAP, LINE, LETTERS = 150, 8, 20, 12
"""In pixels: a picture, what is between pictures, a line of text, its letters."""

ROW = LINE + TILE + LINE + GAP


def markdown(facts: Mapping[str, Any]) -> str:
    """All models side by side, then the classes; the facts are those of ``evaluation.json``."""
    models: Mapping[str, Any] = facts["models"]
    return "\n".join(
        [
            f"# {facts['pictures']:,} pictures of {facts['classes']:,} classes",
            "",
            f"{facts['queries']:,} of them are queries of the search, near duplicates are left out; intervals are of 95 %.",
            "",
            *_table(["model", *NAMES], ([name, *_measured(each)] for name, each in models.items())),
            "",
            *_table(["what is compared", *NAMES, "of the exact hits"], _losses(models)),
            "",
            *(line for name, each in models.items() if "expanded" in each for line in _expanded(name, each["expanded"])),
            *(line for name, each in models.items() if "by_product" in each for line in _products(name, each["by_product"])),
            *_table(["P@1 / P@5 by class", "queries", *models], _classes(models)),
            "",
            *(line for each in facts["compared"] for line in _compared(each)),
            *(f"Scores of {name}: {each['score_band']}" for name, each in models.items()),
            "",
        ]
    )


def worst_errors(folder: Path, model: str, asked: Trial, found: Found, scores: Scores) -> Image.Image:
    """A row for each of the queries with the lowest average precision: the query, then its hits, wrong ones with a red edge.

    Of queries that are equally bad, those of all classes come in turn.
    """
    pictures = asked.pictures
    worst = _worst(scores.ap10, pictures.labels[asked.queries])[:ROWS]
    sheet = Image.new("RGB", (TILE + GAP + HITS * (TILE + GAP), LINE + len(worst) * ROW), "white")
    pen = ImageDraw.Draw(sheet)
    title = f"{model}: the queries with the lowest average precision, and the first {HITS} hits of each; a red edge: of another class"
    pen.text((4, 4), title, "black", font_size=LETTERS)
    for row, number in enumerate(worst):
        query, top = asked.queries[number], LINE + row * ROW
        pen.text((4, top + 4), f"{pictures.names[query]}, average precision {scores.ap10[number]:.2f}", "black", font_size=LETTERS)
        for column, place in enumerate([query, *found[number, :HITS]]):
            if place >= 0:
                left = column * (TILE + GAP) + (GAP if column else 0)
                is_wrong = pictures.labels[place] != pictures.labels[query]
                sheet.paste(_tile(folder / pictures.names[place], "red" if is_wrong else "white"), (left, top + LINE))
                pen.text((left + 4, top + LINE + TILE + 2), pictures.classes[pictures.labels[place]][:20], "black", font_size=LETTERS)
    return sheet


def _worst(average_precision: NDArray[np.float64], labels: Labels) -> NDArray[np.int64]:
    """The queries from the worst to the best; of equal ones the first of each class, then the second of each."""
    order = np.lexsort((labels, average_precision))
    turn, seen = np.empty(len(order), np.int64), Counter[tuple[float, int]]()
    for number in order:
        same = (float(average_precision[number]), int(labels[number]))
        turn[number], seen[same] = seen[same], seen[same] + 1
    return np.lexsort((labels, turn, average_precision))


def _measured(model: Mapping[str, Any]) -> Iterator[str]:
    for name in NAMES:
        low, high = model["intervals"][name]
        yield f"{model['means'][name]:.3f} ({low:.3f} to {high:.3f})"


def _losses(models: Mapping[str, Any]) -> Iterator[list[str]]:
    """Rows of what is compared, from all vectors as they are to what the search does."""
    for name, each in models.items():
        oversample = each["index"]["oversample"]
        for step in each["losses"]:
            rescored = f", oversampled by {oversample:g}" if oversample and not step["compared"].endswith("float32") else ""
            share = next(value for key, value in step.items() if key.startswith("share"))
            yield [f"{name}: {step['compared']}{rescored}", *(f"{step['means'][measure]:.3f}" for measure in NAMES), f"{share:.2%}"]


def _expanded(name: str, found: Sequence[Mapping[str, Any]]) -> list[str]:
    head = [f"{name}, queries moved to the mean with hits: what that gains", *NAMES]
    rows = (
        [
            f"{each['hits']}, {each['weighting']}",
            *(f"{each['means'][measure]:.3f} ({_interval(each['gains'][measure])})" for measure in NAMES),
        ]
        for each in found
    )
    return [*_table(head, rows), ""]


def _products(name: str, found: Mapping[str, Any]) -> list[str]:
    ways: Mapping[str, Any] = found["ways"]
    measured = ([way, *(f"{each[key]:.3f}" for key in ("P@1", "reciprocal rank")), _interval(each["gain"])] for way, each in ways.items())
    head = [f"{name}: {found['products']:,} of {found['among']:,} products by half of their pictures", "P@1", "reciprocal rank", "gain"]
    return [*_table(head, measured), ""]


def _interval(bounds: Sequence[float]) -> str:
    low, high = bounds
    return f"{low:+.3f} to {high:+.3f}"


def _compared(found: Mapping[str, Any]) -> list[str]:
    one, other = found["models"]
    differ = ", ".join(found["differ_most"])
    return [f"{one} and {other} have {found['common_hits']:.1%} of the first ten hits in common, the fewest for {differ}", ""]


def _classes(models: Mapping[str, Any]) -> Iterator[list[str]]:
    """The worst classes of the first model, and how many others there are."""
    first = next(iter(models.values()))["by_class"]
    ordered = sorted(first.items(), key=lambda item: float(item[1]["P@5"]))
    for name, values in ordered[:CLASSES]:
        measured = [each["by_class"][name] for each in models.values()]
        yield [name, str(values["queries"]), *(f"{each['P@1']:.2f} / {each['P@5']:.2f}" for each in measured)]
    if others := ordered[CLASSES:]:
        asked = sum(values["queries"] for _, values in others)
        yield [f"{len(others):,} better ones, in evaluation.json", f"{asked:,}", *("" for _ in models)]


def _table(head: list[str], rows: Iterator[list[str]] | Any) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]


def _tile(path: Path, edge: str) -> Image.Image:
    shown = Image.fromarray(decoding.decode(path.read_bytes(), at_least=(TILE, TILE)).pixels)
    return ImageOps.expand(ImageOps.pad(shown, (TILE - 6, TILE - 6), color="white"), 3, edge)
