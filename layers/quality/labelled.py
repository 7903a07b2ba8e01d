"""Pictures whose class is known: a folder with a sub-folder for each class, or an index by one of its attributes."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from elasticsearch import Elasticsearch
from elasticsearch.helpers import scan
from lookalike.domain import Embedder, Picture, Vectors
from lookalike.errors import PictureUnusable
from lookalike.pictures import decoding
from lookalike.pictures.formats import SUFFIXES
from more_itertools import batched
from numpy.typing import NDArray

from layers.quality.measures import Bits, Labels, bits_of

BATCH = 32
SCANNED, SCANNED_BARE = 500, 5000
"""Documents of one answer when an index is read with its vectors, and without them."""


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
    files = [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    if not files:
        raise NothingToLearn(f"{folder} has no pictures in sub-folders: the name of a sub-folder is the class of its pictures")
    return files


def embedded(folder: Path, files: Iterable[Path], embedders: Sequence[Embedder]) -> tuple[Labelled, list[Vectors]]:
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


class Key(NamedTuple):
    """The ids by which an index knows a picture."""

    product_id: str
    image_id: str


def indexed(client: Elasticsearch, index: str, attribute: str) -> tuple[Labelled, Vectors]:
    """The pictures of an index that have a value of the attribute (``product_id`` for the product itself), with the index's vectors.

    The name of a picture is ``PRODUCT_ID IMAGE_ID``.

    Raises:
        NothingToLearn: no picture has the attribute.
    """
    read, vectors = list[_Row](), list[Any]()
    for row, hit in _rows(client, index, attribute, SCANNED, fields=["image_vector"]):
        read.append(row)
        vectors.append(np.asarray(hit["fields"]["image_vector"], np.float32).ravel())
    return _labelled(read, index, attribute)[0], np.stack(vectors)


def catalogued(client: Elasticsearch, index: str, attribute: str, without: frozenset[str] = frozenset()) -> tuple[Labelled, list[Key]]:
    """As `indexed`, without vectors, with the ids of each picture; those whose perceptual hash is in ``without`` are left out.

    Raises:
        NothingToLearn: no picture has the attribute.
    """
    return _labelled(
        [row for row, _ in _rows(client, index, attribute, SCANNED_BARE) if row.perceptual_hash not in without], index, attribute
    )


def vectors_of(client: Elasticsearch, index: str, image_ids: Sequence[str]) -> Vectors:
    """The vectors that an index holds of these pictures, float32, shape (n, dimensions), in their order.

    Raises:
        NothingToLearn: a picture is not in the index.
    """
    found = dict[str, Any]()
    for some in batched(dict.fromkeys(image_ids), SCANNED):
        query = {"terms": {"image_id": list(some)}}
        answer = client.search(index=index, query=query, size=len(some), source=False, fields=[{"field": "image_vector"}])
        found |= {hit["_id"]: np.asarray(hit["fields"]["image_vector"], np.float32).ravel() for hit in answer["hits"]["hits"]}
    if gone := set(image_ids) - set(found):
        raise NothingToLearn(f"{len(gone):,} pictures left the index {index!r} while it was read: try again when it is not being changed")
    return np.stack([found[image_id] for image_id in image_ids])


class _Row(NamedTuple):
    key: Key
    class_: str
    perceptual_hash: str


def _rows(client: Elasticsearch, index: str, attribute: str, size: int, **wanted: Any) -> Iterator[tuple[_Row, dict[str, Any]]]:
    """Every document that has a value of the attribute, and what was read of it."""
    known = ["image_id", "product_id", "attributes", "perceptual_hash"]
    body = {"query": {"exists": {"field": "image_vector"}}, "_source": known, **wanted}
    for hit in scan(client, index=index, query=body, size=size):
        source = hit["_source"]
        value = source["product_id"] if attribute == "product_id" else source.get("attributes", {}).get(attribute)
        if isinstance(value, str | int | float):
            yield _Row(Key(source["product_id"], source["image_id"]), str(value), source["perceptual_hash"]), hit


def _labelled(rows: Sequence[_Row], index: str, attribute: str) -> tuple[Labelled, list[Key]]:
    if not rows:
        raise NothingToLearn(f"no picture of the index {index!r} has the attribute {attribute!r}")
    keys = [row.key for row in rows]
    named = [f"{key.product_id} {key.image_id}" for key in keys]
    return Labelled.of(named, [row.class_ for row in rows], [row.perceptual_hash for row in rows]), keys


def _open(path: Path, at_least: tuple[int, int]) -> Picture | None:
    try:
        return decoding.decode(path.read_bytes(), at_least=at_least)
    except (PictureUnusable, OSError) as error:
        print(f"left out: {path}: {error}", file=sys.stderr)
        return None
