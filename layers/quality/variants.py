"""Ways to show a picture to a network, among which a shop's own pictures decide; each is a graph of its own."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lookalike.adapters.openvino.embedder import OpenVinoEmbedder
from lookalike.domain import Resize

from layers.models.manifest import FILE
from layers.models.networks import U2NETP, Interpolation
from layers.models.weights import locate
from layers.quality import assembly
from layers.quality.assembly import COLOURS, Graph
from layers.quality.openvino_runtime import openvino


@dataclass(frozen=True, slots=True)
class Variant:
    """How a picture is brought to the network's shape (None: as the network's own manifest says), and whether on a white background."""

    resize: Resize | None = None
    interpolation: Interpolation | None = None
    is_white: bool = False

    @property
    def parts(self) -> list[str]:
        """What differs from what the network's own manifest says, in words."""
        return ([] if self.resize is None else ["centre square"]) + (["white background"] if self.is_white else [])


OWN = Variant()
VARIANTS = (
    OWN,
    Variant("centre_crop", "bicubic"),
    Variant(is_white=True),
    Variant("centre_crop", "bicubic", is_white=True),
)


def available() -> Sequence[Variant]:
    """All, or those that need no saliency network where its package is not installed."""
    has_saliency = find_spec(U2NETP.weights.package) is not None
    return [variant for variant in VARIANTS if has_saliency or not variant.is_white]


def graph(base: Path, variant: Variant) -> Graph:
    """The exported network in a folder with the variant before it, as `assembly.described` gives it.

    Raises:
        WeightsUnavailable: the saliency network cannot be had.
    """
    core = openvino.Core()
    saliency = core.read_model(locate(U2NETP.weights, print)) if variant.is_white else None
    return assembly.described(core.read_model(base / "model.xml"), saliency)


def manifest(base: Path, variant: Variant) -> dict[str, Any]:
    """The manifest of an exported network, as far as the variant changes it."""
    found: dict[str, Any] = json.loads((base / FILE).read_text())
    if variant.resize:
        found |= {"resize": variant.resize, "interpolation": variant.interpolation}
    return found


@contextmanager
def embedders(base: Path, variants: Sequence[Variant]) -> Iterator[list[OpenVinoEmbedder]]:
    """A network for each variant, whose vectors have the colour histogram behind them."""
    with TemporaryDirectory(prefix="variants-") as folder:
        made = []
        for number, variant in enumerate(variants):
            place = Path(folder) / str(number)
            place.mkdir()
            described = manifest(base, variant)
            described["dimensions"] += COLOURS
            (place / FILE).write_text(json.dumps(described))
            openvino.save_model(graph(base, variant), place / "model.xml", compress_to_fp16=False)
            made.append(OpenVinoEmbedder(place, "THROUGHPUT"))
        yield made
