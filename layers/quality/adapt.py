"""Learns from a shop's own classes what makes its hits better: ``python -m layers.quality.adapt [MODEL] --images FOLDER``.

What is found is written as a model of its own, beside the one that it was made from; where nothing is gained, nothing is written.
"""

import argparse
import json
import sys
from pathlib import Path

from elasticsearch import Elasticsearch
from lookalike.adapters.elasticsearch.client import translate_errors
from lookalike.adapters.openvino.manifests import read_manifest
from lookalike.errors import LookalikeError, Misconfigured
from rich.console import Console

from layers.models import export
from layers.models.manifest import FILE
from layers.models.networks import EFFICIENTNET_LITE2
from layers.models.weights import WeightsUnavailable
from layers.quality import adapted_model, adapted_text, choice, clusters, labelled, variants
from layers.quality.assembly import COLOURS
from layers.quality.at_hand import Folders
from layers.quality.choice import Choice, Features
from layers.quality.labelled import Labelled, NothingToLearn
from layers.quality.progress import shown
from layers.quality.variants import OWN

NO_TEXTS = (
    "texts cannot be searched by with this model: they have no colours that could be counted beside the vector; "
    "adapt from an index (--index) to keep them, where colours are not tried"
)


class NoGain(Exception):
    """Nothing that was tried makes the hits better; the message says what was measured."""


def main() -> int:
    """The command line; returns the exit code: 2 where nothing is gained."""
    given = _arguments()
    console = Console()
    try:
        with translate_errors(given.index or ""):
            pictures, features, base = _from_index(given, console) if given.index else _from_images(given, console)
        console.print(f"{len(pictures):,} pictures of {len(pictures.classes):,} classes", highlight=False)
        made = adapt(base, pictures, features, console, None if given.classes is None else given.classes == "new")
    except (NothingToLearn, NoGain, export.ExportFailed, WeightsUnavailable, LookalikeError) as error:
        print(error, file=sys.stderr)
        return 2
    console.print(f"[green]✓[/] {made.name} is in {made}", highlight=False, soft_wrap=True)
    return 0


def adapt(base: Path, pictures: Labelled, features: Features, console: Console, expects_new: bool | None = None) -> Path:
    """Chooses, measures, learns from all pictures, and writes the model beside ``base``; returns its folder.

    ``expects_new`` is as `choice.choose` takes it.

    Raises:
        NoGain: held-out pictures show none.
        NothingToLearn: there are too few classes.
    """
    with console.status("choosing by cross-validation"):
        chosen = choice.choose(pictures, features, expects_new)
    _tell(chosen, console)
    if not chosen.recipe.parts:
        raise NoGain("nothing that was tried is better than the network as it is: no model was made")
    if not chosen.pays:
        low, high = chosen.gains[0].interval
        raise NoGain(f"the gain on held-out pictures is between {low:+.3f} and {high:+.3f}, so there may be none: no model was made")
    transform = choice.learn(chosen.recipe, pictures.labels, features)
    if adapted_text.has_texts(base) and not adapted_text.keeps_texts(base, chosen.recipe):
        console.print(NO_TEXTS, highlight=False)
    return adapted_model.write(base, chosen, transform, features[chosen.recipe.variant][0])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m layers.quality.adapt", description="Learns from your classes what makes hits better.")
    default = f"id of the network to adapt; by default the one that filled the index, or {EFFICIENTNET_LITE2.id}"
    parser.add_argument("model", nargs="?", help=default)
    Folders.add_to(parser)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--images", type=Path, metavar="FOLDER", help="pictures, in a sub-folder for each class")
    source.add_argument("--index", help="an index of pictures, or its alias: only its vectors are used, no picture is fetched")
    parser.add_argument("--elasticsearch", default="http://localhost:9200", metavar="URL", help="where the index is")
    parser.add_argument("--attribute", default="category", help="of the index, what the classes are; product_id: several pictures of one")
    classes = (
        "whether hits must be good for the classes that it learns from, or only for new ones; by default new for products and many classes"
    )
    parser.add_argument("--classes", choices=["known", "new"], help=classes)
    return parser.parse_args()


def from_folder(folder: Path, base: Path) -> tuple[Labelled, Features]:
    """Pictures in a sub-folder for each class, and their vectors in every variant of the network in ``base``.

    Raises:
        NothingToLearn: there are no pictures.
    """
    files, tried = labelled.files_of(folder), variants.available()
    with variants.embedders(base, tried) as embedders:
        pictures, vectors = labelled.embedded(folder, shown(files, "embedding"), embedders)
    return pictures, {variant: (made[:, :-COLOURS], made[:, -COLOURS:]) for variant, made in zip(tried, vectors, strict=True)}


def _from_images(given: argparse.Namespace, console: Console) -> tuple[Labelled, Features, Path]:
    base = _base(given, given.model or EFFICIENTNET_LITE2.id, console)
    return *from_folder(given.images, base), base


def _from_index(given: argparse.Namespace, console: Console) -> tuple[Labelled, Features, Path]:
    client = clusters.client(given.elasticsearch)
    base = _base_of_index(given, client, console)
    pictures, vectors = labelled.indexed(client, given.index, given.attribute)
    return pictures, {OWN: (vectors, vectors[:, :0])}, base


def _base_of_index(given: argparse.Namespace, client: Elasticsearch, console: Console) -> Path:
    """The network that filled the index. Raises `Misconfigured` if another one is given, or one with other weights is at hand."""
    model, weights = clusters.filled_by(client, given.index)
    if given.model not in (None, model):
        raise Misconfigured(f"the index {given.index!r} was filled by {model}, not by {given.model}: give MODEL={model}, or leave it out")
    console.print(f"{given.index} was filled by {model}", highlight=False)
    base = _base(given, model, console)
    if (found := read_manifest(base).weights_sha256) != weights:
        raise Misconfigured(
            f"the index {given.index!r} was filled by {model} with weights {weights[:12]}…, and {base} has {found[:12]}…: "
            "put the model with the index's weights there, or backfill a new index"
        )
    return base


def _base(given: argparse.Namespace, model: str, console: Console) -> Path:
    """The folder of the network that is adapted. Raises `NothingToLearn` if it is adapted already, and as `Folders.located`."""
    [base] = Folders(given.output, given.own).located([model], lambda line: console.print(line, highlight=False))
    if json.loads((base / FILE).read_text()).get("adapted"):
        raise NothingToLearn(f"{model} is adapted already: adapt the network that it was made from, by pictures or by its own index")
    return base


def _tell(chosen: Choice, console: Console) -> None:
    found = choice.summary(chosen)
    console.print(f"best in cross-validation: {' + '.join(found['recipe']) or 'the network as it is'}", highlight=False)
    for name, gain in found["held_out"].items():
        values = ", ".join(f"{measure} {gain['before'][measure]:.3f} -> {gain['after'][measure]:.3f}" for measure in gain["before"])
        low, high = gain["interval"]
        console.print(f"held-out pictures of {name} ({gain['pictures']}): {values}; gain {low:+.3f} to {high:+.3f}", highlight=False)


if __name__ == "__main__":
    sys.exit(main())
