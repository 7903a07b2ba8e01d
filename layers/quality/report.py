"""An evaluation as Markdown, and its worst errors as a picture."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps

from layers.quality.labelled import Labelled
from layers.quality.measures import NAMES, Scores

ROWS, HITS, TILE, CAPTION = 12, 6, 150, 18


def markdown(facts: Mapping[str, Any]) -> str:
    """All models side by side, then the classes; the facts are those of ``evaluation.json``."""
    models: Mapping[str, Any] = facts["models"]
    return "\n".join(
        [
            f"# {facts['pictures']:,} pictures of {facts['classes']:,} classes",
            "",
            "Each picture is a query, near duplicates are left out; intervals are of 95 %.",
            "",
            *_table(["model", *NAMES], ([name, *_measured(each)] for name, each in models.items())),
            "",
            *(line for name, each in models.items() if "through_search" in each for line in _search(name, each["through_search"])),
            *(line for name, each in models.items() if "by_product" in each for line in _products(name, each["by_product"])),
            *_table(["P@1 / P@5 by class", "pictures", *models], _classes(models)),
            "",
            *(line for each in facts["compared"] for line in _compared(each)),
            *(f"Scores of {name}: {each['score_band']}" for name, each in models.items() if "score_band" in each),
            "",
        ]
    )


def worst_errors(folder: Path, pictures: Labelled, found: NDArray[np.int64], scores: Scores) -> Image.Image:
    """A row for each of the queries with the lowest average precision: the query, then its hits, wrong ones with a red edge."""
    asked = np.flatnonzero(np.bincount(pictures.labels)[pictures.labels] > 1)
    worst = asked[np.argsort(scores.ap10, kind="stable")[:ROWS]]
    sheet = Image.new("RGB", ((HITS + 1) * TILE, len(worst) * (TILE + CAPTION)), "white")
    pen = ImageDraw.Draw(sheet)
    for row, query in enumerate(worst):
        for column, place in enumerate([query, *found[query, :HITS]]):
            if place >= 0:
                corner = (column * TILE, row * (TILE + CAPTION))
                is_wrong = pictures.labels[place] != pictures.labels[query]
                sheet.paste(_tile(folder / pictures.names[place], "red" if is_wrong else "white"), corner)
                pen.text((corner[0] + 4, corner[1] + TILE + 2), pictures.classes[pictures.labels[place]][:20], "black")
    return sheet


def _measured(model: Mapping[str, Any]) -> Iterator[str]:
    for name in NAMES:
        low, high = model["intervals"][name]
        yield f"{model['means'][name]:.3f} ({low:.3f} to {high:.3f})"


def _search(name: str, found: Mapping[str, Any]) -> list[str]:
    share = next(value for key, value in found.items() if key.startswith("share"))
    means = ", ".join(f"{measure} {value:.3f}" for measure, value in found["means"].items())
    return [f"{name} through an index of Elasticsearch: {means}; {share:.2%} of the exact hits.", ""]


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
    first = next(iter(models.values()))["by_class"]
    for name, values in sorted(first.items(), key=lambda item: float(item[1]["P@5"])):
        measured = [each["by_class"][name] for each in models.values()]
        yield [name, str(values["pictures"]), *(f"{each['P@1']:.2f} / {each['P@5']:.2f}" for each in measured)]


def _table(head: list[str], rows: Iterator[list[str]] | Any) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]


def _tile(path: Path, edge: str) -> Image.Image:
    with Image.open(path) as image:
        image.draft("RGB", (TILE, TILE))
        shown = ImageOps.exif_transpose(image).convert("RGB")
    return ImageOps.expand(ImageOps.pad(shown, (TILE - 6, TILE - 6), color="white"), 3, edge)
