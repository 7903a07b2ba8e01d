"""Measures models on labelled pictures: ``python -m layers.quality.evaluate --images FOLDER --models A,B``.

Each picture is a query and all others are searched, near duplicates left out. With ``--elasticsearch`` the pictures are written into an
index of their own and searched as a shop's are, which shows what quantisation and the kNN graph lose.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.client import translate_errors
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder
from lookalike.domain import Vectors
from lookalike.errors import LookalikeError
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from layers.models import export
from layers.quality import clusters, labelled, products, report
from layers.quality.at_hand import Folders
from layers.quality.labelled import Labelled, NothingToLearn
from layers.quality.measures import DEPTH, NAMES, Scores, interval, nearest, score_band, scores
from layers.quality.search_path import through_search
from layers.quality.transforms import unit

MOST_DIFFERENT = 10
"""Queries that are named where two models differ."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A model's hits of each picture, shape (n, 10), and what they are worth."""

    model: str
    found: NDArray[np.int64]
    scores: Scores
    facts: dict[str, Any]


def evaluated(model: str, vectors: Vectors, pictures: Labelled, client: Elasticsearch | None = None) -> Evaluated:
    """A model's scores with every vector compared; with a client also what the search path finds.

    Raises:
        NothingToLearn: no two pictures are of one class.
    """
    if len(pictures) == 0 or np.bincount(pictures.labels).max() < 2:
        raise NothingToLearn("no two pictures are of one class: there is nothing to measure")
    found = nearest(vectors, pictures.bits)
    result = scores(found, pictures.labels)
    facts = _facts(found, result, pictures) | {"score_band": score_band(vectors, pictures.labels, pictures.bits)}
    if client:
        facts["through_search"] = _loss(found, through_search(client, vectors, pictures), pictures)
    return Evaluated(model, found, result, facts)


def _facts(found: NDArray[np.int64], result: Scores, pictures: Labelled) -> dict[str, Any]:
    """What a report says of hits, with intervals and by class."""
    intervals = {name: [round(bound, 3) for bound in interval(getattr(result, field))] for name, field in NAMES.items()}
    return {"means": result.means(), "intervals": intervals, "by_class": _by_class(found, pictures)}


def expanded(model: str, vectors: Vectors, pictures: Labelled, count: int) -> Evaluated:
    """As `evaluated`, each query moved to the mean of itself and its first hits, these weighted by their cosines."""
    first = nearest(vectors, pictures.bits, count)
    others = np.where(first[..., None] >= 0, vectors[first], 0)
    weights = np.clip(np.einsum("nd,nkd->nk", vectors, others), 0, None)
    queries = unit(vectors + (weights[..., None] * others).sum(axis=1)).astype(np.float32)
    found = nearest(vectors, pictures.bits, queries=queries)
    result = scores(found, pictures.labels)
    return Evaluated(f"{model}, expanded by {count}", found, result, _facts(found, result, pictures))


def compared(one: Evaluated, other: Evaluated, pictures: Labelled) -> dict[str, Any]:
    """How many of the first hits two models have in common, and the queries for which they have the fewest."""
    shares = np.array([_common(a, b) for a, b in zip(one.found.tolist(), other.found.tolist(), strict=True)])
    differ = [pictures.names[place] for place in np.argsort(shares, kind="stable")[:MOST_DIFFERENT]]
    return {"models": [one.model, other.model], "common_hits": round(float(shares.mean()), 3), "differ_most": differ}


def main() -> int:
    """The command line; returns the exit code."""
    given, console = _arguments(), Console()
    try:
        client = clusters.client(given.elasticsearch) if given.elasticsearch else None
        with translate_errors(given.index or ""):
            pictures, results = _of_indices(given, client) if given.index else _of_folder(given, client, console)
    except (NothingToLearn, export.ExportFailed, LookalikeError) as error:
        print(error, file=sys.stderr)
        return 2
    facts = {"pictures": len(pictures), "classes": len(pictures.classes), "models": {each.model: each.facts for each in results}}
    facts["compared"] = [compared(results[0], other, pictures) for other in results[1:]]
    text = report.markdown(facts)
    console.print(text, highlight=False, markup=False, soft_wrap=True)
    given.report.mkdir(parents=True, exist_ok=True)
    (given.report / "evaluation.json").write_text(json.dumps(facts, indent=2) + "\n")
    (given.report / "evaluation.md").write_text(text)
    written = _write_sheet(given, pictures, results[0])
    console.print(f"{written} are in {given.report}", highlight=False, soft_wrap=True)
    return 0


def _write_sheet(given: argparse.Namespace, pictures: Labelled, first: Evaluated) -> str:
    """Writes the worst errors where pictures are at hand, else removes those of an earlier report; returns what the report consists of."""
    path = given.report / "worst-errors.jpg"
    if not given.images:
        path.unlink(missing_ok=True)
        return "JSON and Markdown"
    report.worst_errors(given.images, pictures, first.found, first.scores).save(path, quality=85)
    return f"JSON, Markdown and the worst errors of {first.model}"


def _of_folder(given: argparse.Namespace, client: Elasticsearch | None, console: Console) -> tuple[Labelled, list[Evaluated]]:
    names = (given.models or export.AUTO).split(",")
    models = Folders(given.output, given.own).located(names, lambda line: console.print(line, highlight=False))
    embedders = [OpenVinoEmbedder(model, "THROUGHPUT") for model in models]
    files = labelled.files_of(given.images)
    pictures, vectors = labelled.embedded(given.images, track(files, "embedding", transient=True), embedders)
    return pictures, [
        each for model, made in zip(models, vectors, strict=True) for each in _ways(model.name, made, pictures, client, given)
    ]


def _of_indices(given: argparse.Namespace, client: Elasticsearch | None) -> tuple[Labelled, list[Evaluated]]:
    """One index or several, by the pictures that all of them have."""
    if client is None:
        raise NothingToLearn("an index needs the address of its Elasticsearch: give --elasticsearch (ES_URL=…)")
    if given.models:
        raise NothingToLearn("an index is measured by the vectors that it holds: leave --models (MODEL=…) out, or give pictures instead")
    for name in given.index.split(","):
        clusters.filled_by(client, name)
    read = {name: labelled.indexed(client, name, given.attribute) for name in given.index.split(",")}
    common = sorted(set.intersection(*(set(pictures.names) for pictures, _ in read.values())))
    if not common:
        raise NothingToLearn("the indices have no picture in common")
    results = []
    for name, (pictures, vectors) in read.items():
        place_of = {picture: place for place, picture in enumerate(pictures.names)}
        places = np.array([place_of[picture] for picture in common])
        among = pictures.among(places)
        results += _ways(name, vectors[places], among, client, given)
    return among, results


def _ways(model: str, vectors: Vectors, pictures: Labelled, client: Elasticsearch | None, given: argparse.Namespace) -> list[Evaluated]:
    """The model's hits, and where that is asked for those of expanded queries, and what the means of products find."""
    own = evaluated(model, vectors, pictures, client)
    if given.products:
        own.facts["by_product"] = products.measured(vectors, pictures)
    return [own, expanded(model, vectors, pictures, given.expand)] if given.expand else [own]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m layers.quality.evaluate", description="Measures how good the hits of models are.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--images", type=Path, metavar="FOLDER", help="pictures, in a sub-folder for each class")
    source.add_argument("--index", metavar="A,B", help="indices of pictures, measured by the vectors that they hold")
    parser.add_argument("--models", metavar="A,B", help="ids of models, side by side, for pictures")
    Folders.add_to(parser)
    parser.add_argument("--attribute", default="category", help="of the index, what the classes are; product_id: several pictures of one")
    parser.add_argument("--elasticsearch", metavar="URL", help="search through this server too, in an index that is deleted afterwards")
    expand = "also measure queries that are moved to the mean of themselves and their first N hits"
    parser.add_argument("--expand", type=int, default=0, metavar="N", help=expand)
    by_product = "the classes are products: also measure searching by the mean of a product's pictures, and ranking products by it"
    parser.add_argument("--products", action="store_true", help=by_product)
    parser.add_argument("--report", type=Path, default=Path("build/evaluation"), metavar="FOLDER", help="where the report is written")
    return parser.parse_args()


def _by_class(found: NDArray[np.int64], pictures: Labelled) -> dict[str, dict[str, float]]:
    """P@1 and P@5 of each class, and how many pictures it has."""
    right = (found >= 0) & (pictures.labels[found] == pictures.labels[:, None])
    values = {}
    for number, name in enumerate(pictures.classes):
        own = right[pictures.labels == number]
        if len(own) > 1:
            values[name] = {"pictures": len(own), "P@1": round(float(own[:, 0].mean()), 3), "P@5": round(float(own[:, :5].mean()), 3)}
    return values


def _loss(exact: NDArray[np.int64], approximate: NDArray[np.int64], pictures: Labelled) -> dict[str, Any]:
    """What is lost where vectors are quantised and a graph is searched."""
    common = [_common(a, b) for a, b in zip(exact.tolist(), approximate.tolist(), strict=True)]
    return {"means": scores(approximate, pictures.labels).means(), f"share of the exact first {DEPTH}": round(float(np.mean(common)), 4)}


def _common(one: list[int], other: list[int]) -> float:
    """The share of one's hits that are the other's too."""
    hits = set(one) - {-1}
    return len(hits & set(other)) / max(1, len(hits))


if __name__ == "__main__":
    sys.exit(main())
