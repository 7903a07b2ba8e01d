"""Pictures whose class is known: a folder with a sub-folder for each class, or an index by one of its attributes."""

import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch
from elasticsearch.helpers import scan
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder
from lookalike.domain import Picture, Vectors
from lookalike.errors import PictureUnusable
from lookalike.pictures import decoding
from lookalike.pictures.formats import SUFFIXES
from more_itertools import batched
from numpy.typing import NDArray

from layers.quality.measures import Bits, Labels, bits_of

BATCH = 32
SCANNED = 500
"""Documents of one answer when an index is read."""


class NothingToLearn(Exception):
    """There are no pictures, or not enough classes among them; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Pictures with their class: ``names`` (path, or ids), ``classes`` by number, ``labels``, shape (n,), and perceptual hashes."""

    names: list[str]
    classes: list[str]
    labels: Labels
    bits: Bits

    @classmethod
    def of(cls, names: Sequence[str], classes: Sequence[str], hashes: Sequence[str]) -> "Labelled":
        """From the class of each picture by name."""
        known, labels = np.unique(np.array(classes, dtype=object).astype(str), return_inverse=True)
        return cls(list(names), known.tolist(), labels.astype(np.int64), bits_of(list(hashes)))

    def among(self, chosen: NDArray[Any]) -> "Labelled":
        """Those of the pictures; class numbers stay."""
        return replace(self, names=np.array(self.names, object)[chosen].tolist(), labels=self.labels[chosen], bits=self.bits[chosen])

    def __len__(self) -> int:
        return len(self.names)


def files_of(folder: Path) -> list[Path]:
    """Picture files in sub-folders, the first of which names the class.

    Raises:
        NothingToLearn: there is none.
    """
    found = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES and len(path.relative_to(folder).parts) > 1]
    files = [path for path in found if not path.name.startswith(".")]
    if not files:
        raise NothingToLearn(f"{folder} has no pictures in sub-folders: the name of a sub-folder is the class of its pictures")
    return files


def embedded(folder: Path, files: Iterable[Path], embedders: Sequence[OpenVinoEmbedder]) -> tuple[Labelled, list[Vectors]]:
    """Every file that can be decoded, and its vectors from each network; the others are named on standard error."""
    size = np.max([embedder.model.input_size for embedder in embedders], axis=0)
    names, hashes, vectors = list[str](), list[str](), [list[Vectors]() for _ in embedders]
    with ThreadPoolExecutor() as threads:
        for batch in batched(files, BATCH):
            opened = list(threads.map(lambda path: _open(path, (int(size[0]), int(size[1]))), batch))
            good = [(path, picture) for path, picture in zip(batch, opened, strict=True) if picture]
            names += [str(path.relative_to(folder)) for path, _ in good]
            hashes += [picture.perceptual_hash for _, picture in good]
            for embedder, made in zip(embedders, vectors, strict=True):
                made.append(embedder.embed([decoding.scale(picture.pixels, embedder.model) for _, picture in good]))
    classes = [name.partition("/")[0] for name in names]
    return Labelled.of(names, classes, hashes), [np.concatenate(made) for made in vectors]


def indexed(client: Elasticsearch, index: str, attribute: str) -> tuple[Labelled, Vectors]:
    """The pictures of an index that have a value of the attribute (``product_id`` for the product itself), with the index's vectors.

    The name of a picture is ``PRODUCT_ID IMAGE_ID``.

    Raises:
        NothingToLearn: no picture has the attribute.
    """
    names, classes, hashes, vectors = list[str](), list[str](), list[str](), list[Any]()
    for hit in _documents(client, index):
        source = hit["_source"]
        value = source["product_id"] if attribute == "product_id" else source.get("attributes", {}).get(attribute)
        if isinstance(value, str | int | float):
            names.append(f"{source['product_id']} {source['image_id']}")
            classes.append(str(value))
            hashes.append(source["perceptual_hash"])
            vectors.append(np.asarray(hit["fields"]["image_vector"], np.float32).ravel())
    if not names:
        raise NothingToLearn(f"no picture of the index {index!r} has the attribute {attribute!r}")
    return Labelled.of(names, classes, hashes), np.stack(vectors)


def _documents(client: Elasticsearch, index: str) -> Iterable[dict[str, Any]]:
    wanted = {"_source": ["image_id", "product_id", "attributes", "perceptual_hash"], "fields": ["image_vector"]}
    return scan(client, index=index, query={"query": {"exists": {"field": "image_vector"}}, **wanted}, size=SCANNED)


def _open(path: Path, at_least: tuple[int, int]) -> Picture | None:
    try:
        return decoding.decode(path.read_bytes(), at_least=at_least)
    except PictureUnusable as error:
        print(f"left out: {path}: {error}", file=sys.stderr)
        return None
