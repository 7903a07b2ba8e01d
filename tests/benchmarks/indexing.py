"""How near indexing comes to the bare network: ``python -m tests.benchmarks.indexing [NETWORK …]``.

Pictures come from a server in a process of its own, each of its answers a while late, and go into a real Elasticsearch that has been
written before, as one in use has. The bare network
embeds the same kind of pictures in batches before and after, on the same machine; the better of its two rates is what counts.
"""

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from elasticsearch import Elasticsearch
from lookalike.adapters.dispatch.fetchers import FetcherByScheme
from lookalike.adapters.http.fetcher import REQUESTS_A_HOST, HttpFetcher
from lookalike.adapters.openvino.embedder import OpenVinoEmbedder
from lookalike.adapters.s3.fetcher import S3Fetcher
from lookalike.domain import Product
from lookalike.indexing.indexer import Indexer
from lookalike.indexing.ports import WriteTarget

from infra.demo.catalogue import CatalogueItem, drawn_catalogue
from infra.demo.indexing import bare_pictures_a_second, sample_pixels
from infra.local import aws
from layers.models import export
from tests.benchmarks.copies import distinct_copies
from tests.benchmarks.local_elasticsearch import elasticsearch, empty_index, make_ready_to_write
from tests.benchmarks.rows import Row, command
from tests.faulty_image_server import FaultyImageServer

WARM_UP = 100


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.indexing", description="How near indexing comes to the bare network.")
    parser.add_argument("networks", nargs="*", default=["inception_resnet_v2"], help="inception_resnet_v2 has random weights")
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument(
        "--latencies-ms", type=float, nargs="+", default=[5, 50, 500], help="how long each answer of the image server waits"
    )
    command(parser, rows)


def rows(given: argparse.Namespace) -> Iterator[Row]:
    """A row for each network and latency."""
    with elasticsearch() as url:
        client = Elasticsearch(url, request_timeout=60)
        for network in given.networks:
            seed = 0 if network == "inception_resnet_v2" else None
            models = Path("build/models")
            embedder = OpenVinoEmbedder(models / export.ensure(network, models, print, seed), "THROUGHPUT")
            make_ready_to_write(client, embedder.model)
            for latency_ms in given.latencies_ms:
                rate, bare = measured(client, embedder, given.pictures, latency_ms)
                least = (0.8 if latency_ms > 100 else 0.92) if seed == 0 else 0.6
                what = f"{embedder.model.id}, answers after {latency_ms:g} ms"
                yield Row(what, rate, "pictures a second", "the network alone", bare, least=least)
                if (most := REQUESTS_A_HOST * 1000 / latency_ms) < bare:
                    yield Row(what, rate, "pictures a second", f"{REQUESTS_A_HOST} downloads at once from a host", most)


def measured(client: Elasticsearch, embedder: OpenVinoEmbedder, count: int, latency_ms: float) -> tuple[float, float]:
    """Pictures a second: indexing from a server that is this slow, and the network alone."""
    items = drawn_catalogue(Path("build/catalogue")).items
    with (
        tempfile.TemporaryDirectory(prefix="lookalike-pictures-") as folder,
        _image_server(distinct_copies(items, Path(folder), WARM_UP + count), latency_ms) as origin,
    ):
        index = empty_index(client, embedder.model)
        sources = FetcherByScheme(HttpFetcher(frozenset({origin})), S3Fetcher(aws.session().client("s3"), None))
        indexer = Indexer(lambda: [WriteTarget(index, embedder)], sources)
        products = [Product(f"p-{n}", (f"http://{origin}/{n}.jpg",), {"number": n}) for n in range(WARM_UP + count)]
        return timed(indexer, embedder, products, items)


def timed(indexer: Indexer, embedder: OpenVinoEmbedder, products: Sequence[Product], items: Sequence[CatalogueItem]) -> tuple[float, float]:
    """Pictures that are indexed a second, and that the network embeds: the better of its rates before and after."""
    pixels = sample_pixels(embedder, items)
    bare = [bare_pictures_a_second(embedder, pixels)]
    list(indexer.put(products[:WARM_UP]))
    start = time.perf_counter()
    states = Counter(outcome.state for outcome in indexer.put(products[WARM_UP:]))
    rate = (len(products) - WARM_UP) / (time.perf_counter() - start)
    bare.append(bare_pictures_a_second(embedder, pixels))
    assert states.keys() == {"indexed"}, states
    return rate, max(bare)


@contextmanager
def _image_server(pictures: dict[str, Path], latency_ms: float) -> Iterator[str]:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(pictures, latency_ms, theirs), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.close()
        process.join()


def _serve(pictures: dict[str, Path], latency_ms: float, parent: Connection) -> None:
    with FaultyImageServer(pictures, latency_ms=latency_ms) as server:
        parent.send(server.origin)
        try:
            parent.recv()
        except EOFError:
            return


if __name__ == "__main__":
    main()
