"""How many copies of photographs are found, and how many others with them: ``python -m tests.benchmarks.near_duplicates FOLDER NETWORK``.

The folder has a sub-folder for each class. Every photograph is indexed; some are asked for as copies that were encoded anew, resized or
cropped. An other photograph among the hits is a false one unless the two are near duplicates as files, which catalogues have.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from elasticsearch import Elasticsearch
from lookalike.adapters.http.fetcher import HttpFetcher
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder
from lookalike.domain import IndexedPicture, Vector
from lookalike.pictures import decoding
from lookalike.search.ports import SearchTarget
from lookalike.search.query_vectors import ByContent
from lookalike.search.ranking import MAX_HASH_DISTANCE, SearchOptions, hash_distance
from lookalike.search.search import Query, Search
from PIL import Image

from layers.models import export
from layers.models.networks import NETWORKS
from tests.benchmarks.local_elasticsearch import elasticsearch, empty_index

MODELS = Path("build/models")
SIZE = 100


def main() -> None:
    """Prints a line for each kind of copy."""
    parser = argparse.ArgumentParser(description="How many copies of photographs are found, and how many others with them.")
    parser.add_argument("folder", type=Path, help="one sub-folder a class")
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("--every", type=int, default=5, help="every how manyth photograph is asked for")
    given = parser.parse_args()
    paths = sorted(path for path in given.folder.glob("*/*") if path.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp"})
    embedder = OpenVinoEmbedder(MODELS / export.ensure(given.network, MODELS, print))
    with elasticsearch() as url:
        client = Elasticsearch(url, request_timeout=60)
        index = empty_index(client, embedder.model)
        hashes: dict[str, str] = {}
        refused = index.write(_pictures(paths, embedder, hashes), ())
        assert not refused, next(iter(refused.values()))
        client.indices.refresh(index=index.name)
        search = Search(lambda: SearchTarget(index, embedder), HttpFetcher(), lambda address: address)
        for kind, copy in COPIES.items():
            _report(kind, copy, paths[:: given.every], search, hashes)


def _reencoded(image: Image.Image) -> Image.Image:
    return image


def _half(image: Image.Image) -> Image.Image:
    return image.resize((max(1, image.width // 2), max(1, image.height // 2)))


def _cropped(share: float) -> Callable[[Image.Image], Image.Image]:
    def crop(image: Image.Image) -> Image.Image:
        width, height = image.size
        return image.crop((round(share * width), round(share * height), round((1 - share) * width), round((1 - share) * height)))

    return crop


COPIES: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "encoded anew": _reencoded,
    "half the size": _half,
    "cropped by 1 % a side": _cropped(0.01),
    "cropped by 2 % a side": _cropped(0.02),
    "cropped by 5 % a side": _cropped(0.05),
}


def _report(kind: str, copy: Callable[[Image.Image], Image.Image], paths: list[Path], search: Search, hashes: Mapping[str, str]) -> None:
    found = false = 0
    for path in paths:
        with Image.open(path) as image:
            buffer = BytesIO()
            copy(image.convert("RGB")).save(buffer, "JPEG", quality=70)
        hits = search.search(Query(ByContent(buffer.getvalue()), SearchOptions(size=SIZE, near_duplicates=True))).hits
        products = {hit.product_id for hit in hits}
        found += str(path) in products
        own = hashes[str(path)]
        false += sum(hash_distance(own, hashes[other]) > MAX_HASH_DISTANCE for other in products - {str(path)})
    print(f"{kind:>22}: {found} of {len(paths)} found ({found / len(paths):.1%}), {false} false ones")


def _pictures(paths: list[Path], embedder: OpenVinoEmbedder, hashes: dict[str, str]) -> Iterator[tuple[IndexedPicture, Vector]]:
    for path in paths:
        content = path.read_bytes()
        picture = decoding.decode(content, at_least=embedder.model.input_size)
        hashes[str(path)] = picture.perceptual_hash
        indexed = IndexedPicture(
            product_id=str(path),
            image_url=path.as_uri() if path.is_absolute() else str(path),
            attributes={"category": path.parent.name},
            content_sha256=decoding.content_sha256(content),
            perceptual_hash=picture.perceptual_hash,
            width=picture.width,
            height=picture.height,
            origin="products",
            etag=None,
            indexed_at=datetime.now(UTC),
        )
        yield indexed, embedder.embed([decoding.scale(picture.pixels, embedder.model)])[0]


if __name__ == "__main__":
    main()
