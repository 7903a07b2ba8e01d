"""Measures models on labelled pictures: ``python -m layers.quality.evaluate --images FOLDER --models A,B``.

Each picture is a query of the real search, in an index of Elasticsearch; near duplicates are left out. Pictures of a folder are written
into an index of their own, in a server that runs for as long as the command unless one is given; a shop's index is searched as it is.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np
from elasticsearch import Elasticsearch
from lookalike import settings
from lookalike.adapters.elasticsearch.client import translate_errors
from lookalike.adapters.elasticsearch.index import ElasticsearchIndex
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder
from lookalike.domain import MAX_OVERSAMPLE, IndexOptions, IndexType, Vectors
from lookalike.errors import LookalikeError
from lookalike.search.ports import Per
from rich.console import Console

from infra.local.child_process import Failure, ended_by_signals
from layers.models import export
from layers.models.export import Say
from layers.models.networks import AUTO
from layers.quality import clusters, labelled, report
from layers.quality.at_hand import Folders
from layers.quality.labelled import Key, Labelled, NothingToLearn
from layers.quality.leave_one_out import Places, Trial, trial
from layers.quality.measures import DEPTH
from layers.quality.progress import shown
from layers.quality.scoring import Evaluated, Subject, compared, evaluated
from layers.quality.search_path import SearchPath, copied, filled, held, keys_of

SHEET = "worst-errors"
DEFAULT = IndexOptions()


def main() -> int:
    """The command line; returns the exit code."""
    given, console = _arguments(), Console()
    say: Say = partial(console.print, highlight=False, markup=False, soft_wrap=True)
    try:
        with translate_errors(given.index or ""):
            asked, results = _of_indices(given) if given.index else _of_folder(given, say)
    except (NothingToLearn, export.ExportFailed, LookalikeError, Failure) as error:
        print(error, file=sys.stderr)
        return 2
    pictures = asked.pictures
    facts = {
        "pictures": len(pictures),
        "classes": len(np.unique(pictures.labels)),
        "queries": len(asked.queries),
        "models": {each.model: each.facts for each in results},
        "compared": [compared(results[0], other, asked) for other in results[1:]],
    }
    text = report.markdown(facts)
    say(text)
    given.report.mkdir(parents=True, exist_ok=True)
    (given.report / "evaluation.json").write_text(json.dumps(facts, indent=2) + "\n")
    (given.report / "evaluation.md").write_text(text)
    sheets = _write_sheets(given, asked, results)
    say(f"{', '.join(['evaluation.json', 'evaluation.md', *sheets])} are in {given.report}")
    return 0


def _write_sheets(given: argparse.Namespace, asked: Trial, results: Sequence[Evaluated]) -> list[str]:
    """Writes the worst errors of each model where pictures are at hand, removes those of an earlier report; returns the names."""
    for earlier in given.report.glob(f"{SHEET}*.jpg"):
        earlier.unlink()
    if not given.images:
        return []
    names = [f"{SHEET}-{re.sub(r'[^A-Za-z0-9._-]+', '-', each.model)}.jpg" for each in results]
    for name, each in zip(names, results, strict=True):
        report.worst_errors(given.images, each.model, asked, each.found, each.scores).save(given.report / name, quality=85)
    return names


def _of_folder(given: argparse.Namespace, say: Say) -> tuple[Trial, list[Evaluated]]:
    if given.copy:
        raise NothingToLearn("--copy (COPY=1) is for an index; of pictures, quantisation and graph are told apart without it")
    files = labelled.files_of(given.images)
    models = Folders(given.output, given.own).located(list(dict.fromkeys((given.models or AUTO).split(","))), say)
    embedders = [OpenVinoEmbedder(model, "THROUGHPUT") for model in models]
    pictures, vectors = labelled.embedded(given.images, shown(files, "embedding"), embedders)
    asked = trial(pictures, sample=given.sample)
    options = replace(DEFAULT, type=given.type or DEFAULT.type, oversample=given.oversample or DEFAULT.oversample)
    with _reached(given, say) as client:
        return asked, [
            _written_and_evaluated(given, client, model.name, made, asked, options) for model, made in zip(models, vectors, strict=True)
        ]


def _written_and_evaluated(
    given: argparse.Namespace, client: Elasticsearch, model: str, vectors: Vectors, asked: Trial, options: IndexOptions
) -> Evaluated:
    def holding(type_: IndexType) -> AbstractContextManager[ElasticsearchIndex]:
        return filled(client, vectors, asked.pictures, replace(options, type=type_))

    with holding(options.type) as index:
        path = SearchPath(index, asked, keys_of(asked.pictures), "product")
        subject = Subject(model, path, held(client, index.name), lambda places: vectors[places], holding)
        return evaluated(subject, given.expand, by_product=given.products)


@contextmanager
def _reached(given: argparse.Namespace, say: Say) -> Iterator[Elasticsearch]:
    """A client of the server that is given, or of one that runs here meanwhile."""
    if given.elasticsearch:
        yield clusters.client(given.elasticsearch)
    else:
        with clusters.local(given.report / "elasticsearch", say) as client:
            yield client


def _of_indices(given: argparse.Namespace) -> tuple[Trial, list[Evaluated]]:
    """One index or several, by the pictures that all of them have; each is searched as it is."""
    if not given.elasticsearch:
        raise NothingToLearn("an index needs the address of its Elasticsearch: give --elasticsearch (ES_URL=…)")
    if given.models:
        raise NothingToLearn("an index is measured by the vectors that it holds: leave --models (MODEL=…) out, or give pictures instead")
    if given.type or given.oversample:
        raise NothingToLearn("an index is searched as it is: leave --type and --oversample (TYPE=…, OVERSAMPLE=…) out, or give pictures")
    client, placeholders = clusters.client(given.elasticsearch), clusters.placeholders(given.elasticsearch)
    names = list(dict.fromkeys(given.index.split(",")))
    for name in names:
        clusters.filled_by(client, name)
    pictures, keys = _in_common([labelled.catalogued(client, name, given.attribute, placeholders) for name in names])
    per: Per = "image" if given.attribute == "product_id" else "product"
    products = np.unique([key.product_id for key in keys], return_inverse=True)[1] if per == "product" else None
    asked = trial(pictures, products, given.sample)
    results = []
    for name in names:
        path = SearchPath(ElasticsearchIndex(client, name, placeholders), asked, keys, per)
        other = partial(copied, client, name, placeholders=placeholders) if given.copy else None
        subject = Subject(name, path, held(client, name), partial(_vectors, client, name, keys), other)
        results.append(evaluated(subject, given.expand, by_product=given.products))
    return asked, results


def _in_common(read: Sequence[tuple[Labelled, list[Key]]]) -> tuple[Labelled, list[Key]]:
    """Those of the first that all have. Raises `NothingToLearn` if there are none."""
    pictures, keys = read[0]
    common = set.intersection(*({*each} for _, each in read))
    places = np.array([place for place, key in enumerate(keys) if key in common], np.int64)
    if not len(places):
        raise NothingToLearn("the indices have no picture in common")
    return pictures.among(places), [keys[place] for place in places]


def _vectors(client: Elasticsearch, index: str, keys: Sequence[Key], places: Places) -> Vectors:
    return labelled.vectors_of(client, index, [keys[place].image_id for place in places])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m layers.quality.evaluate", description="Measures how good the hits of models are.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--images", type=Path, metavar="FOLDER", help="pictures, in a sub-folder for each class")
    source.add_argument(
        "--index", metavar="A,B", help="indices of pictures, or their aliases, searched as they are by the vectors that they hold"
    )
    parser.add_argument("--models", metavar="A,B", help="ids of models, side by side, for pictures")
    Folders.add_to(parser)
    parser.add_argument("--attribute", default="category", help="of the index, what the classes are; product_id: several pictures of one")
    server = (
        "where the index is, or where pictures are written into indices that are deleted afterwards; without it a server is started here"
    )
    parser.add_argument("--elasticsearch", metavar="URL", help=server)
    sample = "so many pictures, drawn evenly, are queries, all others are only searched; by default each is a query"
    parser.add_argument("--sample", type=_count, default=0, metavar="N", help=sample)
    index_type = f"how the index of pictures holds vectors, as the deployment's IndexType (default: {DEFAULT.type})"
    parser.add_argument("--type", choices=get_args(IndexType), help=index_type)
    oversample = f"1 to {MAX_OVERSAMPLE}, as the deployment's IndexOversample (default: {DEFAULT.oversample:g})"
    parser.add_argument("--oversample", type=_oversample, metavar="N", help=oversample)
    copy = "copy the index on its server, without its graph, to tell what quantisation loses from what the graph loses; deleted afterwards"
    parser.add_argument("--copy", action="store_true", help=copy)
    expand = "also measure queries that are moved to means of themselves and their first N hits"
    parser.add_argument("--expand", type=_counts, default=[], metavar="N,M", help=expand)
    by_product = "the classes are products: also measure searching by the mean of a product's pictures, and ranking products by it"
    parser.add_argument("--products", action="store_true", help=by_product)
    parser.add_argument("--report", type=Path, default=Path("build/evaluation"), metavar="FOLDER", help="where the report is written")
    return parser.parse_args()


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 1 on")
    return int(text)


def _counts(text: str) -> list[int]:
    counts = [_count(each) for each in text.split(",")]
    if max(counts) > DEPTH:
        raise argparse.ArgumentTypeError(f"only the first {DEPTH} hits of a query are looked at")
    return counts


def _oversample(text: str) -> float:
    try:
        return settings.oversample(text)
    except ValueError as fault:
        raise argparse.ArgumentTypeError(str(fault)) from fault


if __name__ == "__main__":
    with ended_by_signals():
        sys.exit(main())
