"""The products of a demonstration: drawn ones, or a folder of one's own pictures."""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from multiprocessing import get_context
from pathlib import Path

from lookalike.domain import Attributes
from lookalike.pictures.formats import SUFFIXES

from infra.demo import drawing
from infra.demo.drawing import Design, designs, draw
from infra.local.child_process import Failure
from layers.models.export import Say


@dataclass(frozen=True, slots=True)
class CatalogueItem:
    """A product with its one picture; ``product_id`` is unique in its catalogue and safe in an address."""

    product_id: str
    path: Path
    attributes: Attributes

    @property
    def file_name(self) -> str:
        """Under which name the picture is served."""
        return f"{self.product_id}{self.path.suffix.lower()}"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Products in a fixed order; ``ignored`` is the number of files that are no pictures by their names."""

    items: tuple[CatalogueItem, ...]
    ignored: int = 0

    @property
    def pictures(self) -> dict[str, Path]:
        """The file of each name that pictures are served under."""
        return {item.file_name: item.path for item in self.items}

    def __iter__(self) -> Iterator[CatalogueItem]:
        return iter(self.items)


def drawn_catalogue(cache: Path, count: int = 300, say: Say = print) -> Catalogue:
    """The drawn shop's first products; pictures are kept under ``cache``, in a folder named by the program that drew them."""
    folder = cache / _program()
    folder.mkdir(parents=True, exist_ok=True)
    chosen = {folder / f"{design.product_id}.jpg": design for design in designs(count)}
    missing = [(design, path) for path, design in chosen.items() if not path.exists()]
    if missing:
        say(f"Drawing {len(missing)} products")
        # Not forked: a lock that another thread holds at that moment, TensorFlow's or OpenVINO's, would stay locked in the child for ever.
        with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
            list(pool.map(_draw_to, *zip(*missing, strict=True), chunksize=8))
    return Catalogue(tuple(CatalogueItem(design.product_id, path, design.attributes) for path, design in chosen.items()))


def _draw_to(design: Design, path: Path) -> None:
    partial = path.with_suffix(".part")
    partial.write_bytes(draw(design))
    partial.replace(path)


def _program() -> str:
    sources = (Path(drawing.__file__), drawing.TABLES, drawing.SHAPES)
    return f"drawn-{blake2b(b''.join(source.read_bytes() for source in sources), digest_size=4).hexdigest()}"


def folder_catalogue(folder: Path) -> Catalogue:
    """Every picture file under ``folder``, by name only: one that cannot be decoded is a product too, for the system to report.

    The name of the first sub-folder becomes the attribute ``category``. The product id is the file's name in letters that are safe in an
    address; where several files would have the same one, all of these have a digest of their path behind it.

    Raises:
        Failure: there is no such folder, or no picture file in it.
    """
    if not folder.is_dir():
        raise Failure(f"{folder} is not a folder: name the folder that has your pictures")
    files = sorted((path for path in folder.rglob("*") if path.is_file()), key=os.fsencode)
    pictures = [path for path in files if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")]
    if not pictures:
        suffixes = ", ".join(sorted(suffix[1:] for suffix in SUFFIXES))
        raise Failure(f"{folder} has no pictures among its {len(files)} files: {suffixes} are read, in sub-folders too")
    places = [path.relative_to(folder) for path in pictures]
    items = (CatalogueItem(product_id, folder / place, _attributes(place)) for product_id, place in zip(_ids(places), places, strict=True))
    return Catalogue(tuple(items), ignored=len(files) - len(pictures))


def _attributes(place: Path) -> Attributes:
    return {"name": _text(place.stem)} | ({"category": _text(place.parts[0])} if len(place.parts) > 1 else {})


def _ids(places: Iterable[Path]) -> Iterator[str]:
    plain = [(place, _plain(place.stem)) for place in places]
    uses = Counter(name.lower() for _, name in plain)
    for place, name in plain:
        digest = blake2b(os.fsencode(place), digest_size=4).hexdigest()
        yield name if name and uses[name.lower()] == 1 else f"{name or 'picture'}-{digest}"


def _plain(name: str) -> str:
    """The name in ASCII letters, digits, ``.``, ``_`` and ``-``; accents are dropped, anything else becomes ``-``."""
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "-", ascii_only).strip("-.")[:200]


def _text(name: str) -> str:
    """A file name as text, also where its bytes are no UTF-8."""
    return os.fsencode(name).decode(errors="replace")
