"""How well things are found, and what ``crop: "auto"`` gains: ``python -m tests.benchmarks.detect FOLDER [COUNT]``.

The folder has a sub-folder for each class. Every n-th photograph is cut out and pasted, a third to a half as wide, on another
blurred one, of another class; that is searched for among the photographs that were not cut out, whole and with the crop. What is cut
out is what the same network sees in the photograph: the overlap says how well it finds a thing again elsewhere, not how well it cuts.
"""

import argparse
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder
from lookalike.adapters.openvino.model_store import ModelStore
from lookalike.domain import Crop, Embedder, Vectors
from lookalike.pictures import decoding
from lookalike.search.detect import WHOLE, Detector, things
from PIL import Image, ImageFilter

from layers.models import export
from layers.models.networks import EFFICIENTNET_LITE2, SALIENCY_FOLDER, U2NETP
from tests.fakes.index import FakeFetcher

MODELS = Path("build/models")
SIZE = (600, 800)
GOOD_OVERLAP = 0.5

Files = Sequence[tuple[bytes, Crop | None]]
"""Pictures, each with the part of it that counts."""


def main() -> None:
    """Prints overlap and precision."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.detect", description="Measures what detection finds and gains.")
    parser.add_argument("folder", type=Path, help="one sub-folder a class")
    parser.add_argument("count", type=int, nargs="?", default=200, help="photographs that are cut out")
    given = parser.parse_args()
    export.ensure(U2NETP.id, MODELS, print)
    saliency = ModelStore(MODELS / SALIENCY_FOLDER, "LATENCY").embedder(U2NETP.id)
    embedder = OpenVinoEmbedder(MODELS / export.ensure(EFFICIENTNET_LITE2.id, MODELS, print), "THROUGHPUT")
    paths = sorted(given.folder.glob("*/*.jpg"))
    queries = paths[:: max(1, len(paths) // given.count)]
    known = [path for path in paths if path not in set(queries)]
    measure(queries, known, saliency, embedder)


def measure(queries: list[Path], known: list[Path], saliency: Embedder, embedder: Embedder) -> None:
    """Pastes, finds, searches, prints."""
    detector, random = Detector(FakeFetcher({}), lambda: saliency), np.random.default_rng(0)
    made = [each for path in queries if (each := pasted(path, known, saliency, random))]
    boxes = [detector.detect(file).things[0].crop for _, file, _ in made]
    overlaps = np.array([overlap(box, truth) for box, (_, _, truth) in zip(boxes, made, strict=True)])
    found = f"{np.mean(overlaps >= GOOD_OVERLAP):.3f} of the things are found (overlap of {GOOD_OVERLAP} and more)"
    print(f"{len(made)} of {len(queries)} photographs have a thing to cut out; {found}; mean overlap {overlaps.mean():.3f}")
    index, labels = embed([(path.read_bytes(), None) for path in known], embedder), np.array([path.parent.name for path in known])
    classes = np.array([path.parent.name for path, _, _ in made])
    shown: dict[str, Files] = {
        "the photograph itself": [(path.read_bytes(), None) for path, _, _ in made],
        "pasted, the whole picture": [(file, None) for _, file, _ in made],
        "pasted, crop auto": [(file, None if box == WHOLE else box) for (_, file, _), box in zip(made, boxes, strict=True)],
        "pasted, the true box": [(file, truth) for _, file, truth in made],
    }
    for name, files in shown.items():
        nearest = labels[np.argmax(embed(files, embedder) @ index.T, axis=1)]
        print(f"P@1 {np.mean(nearest == classes):.3f}  {name}")


def pasted(path: Path, others: list[Path], saliency: Embedder, random: np.random.Generator) -> tuple[Path, bytes, Crop] | None:
    """A file that shows the photograph's thing on another background, and where; None if the photograph shows no thing apart."""
    picture = Image.open(path).convert("RGB")
    [numbers] = saliency.embed([np.asarray(picture.resize((U2NETP.pixels, U2NETP.pixels), Image.Resampling.BILINEAR))])
    seen = numbers.reshape(U2NETP.pixels, U2NETP.pixels)
    if not (found := things(seen)):
        return None
    mask = Image.fromarray((seen * 255).astype(np.uint8)).resize(picture.size)
    crop = found[0].crop
    box = tuple(round(edge * side) for edge, side in zip((crop.left, crop.top, crop.right, crop.bottom), picture.size * 2, strict=True))
    thing, alpha = picture.crop(box), mask.crop(box)  # type: ignore[arg-type]
    width = round(SIZE[0] * random.uniform(0.33, 0.5))
    height = min(round(width * thing.height / thing.width), round(SIZE[1] * 0.8))
    other = [each for each in others if each.parent != path.parent]
    ground = Image.open(other[random.integers(len(other))]).convert("RGB").resize(SIZE).filter(ImageFilter.GaussianBlur(25))
    left, top = int(random.integers(SIZE[0] - width)), int(random.integers(SIZE[1] - height))
    ground.paste(thing.resize((width, height)), (left, top), alpha.resize((width, height)))
    buffer = BytesIO()
    ground.save(buffer, "JPEG", quality=90)
    return path, buffer.getvalue(), Crop(left / SIZE[0], top / SIZE[1], (left + width) / SIZE[0], (top + height) / SIZE[1])


def overlap(one: Crop, other: Crop) -> float:
    """Intersection over union."""
    width = max(0.0, min(one.right, other.right) - max(one.left, other.left))
    common = width * max(0.0, min(one.bottom, other.bottom) - max(one.top, other.top))
    areas = sum((box.right - box.left) * (box.bottom - box.top) for box in (one, other))
    return common / (areas - common)


def embed(files: Files, embedder: Embedder) -> Vectors:
    """The vectors of files, or of parts of them."""
    size = embedder.model.input_size
    pixels = [decoding.scale(decoding.decode(file, at_least=size, crop=crop).pixels, embedder.model) for file, crop in files]
    return embedder.embed(pixels)


if __name__ == "__main__":
    main()
