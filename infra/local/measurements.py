"""What a demonstration measures: how good the hits are, and how fast the bare network is."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from lookalike import pictures
from lookalike.domain import Embedder, Pixels

from infra.local.catalogue import CatalogueItem
from infra.local.evaluation import Judged, Ranking
from infra.local.loading import Document
from infra.local.search_client import SearchClient

HITS = 20
"""How many are asked for, so that five are left without near duplicates."""

SEARCHES_AT_ONCE = 4
BATCH = 16
SAMPLE = 96
ROUNDS = 3


def rankings(
    search: SearchClient, items: Sequence[CatalogueItem], documents: Mapping[str, Document], done: Callable[[int], None]
) -> list[Ranking]:
    """Each indexed product that has a category, with what the search endpoint finds for it; ``done`` is told how many are done."""
    judged = {
        item.product_id: Judged(item.attributes["category"], documents[item.product_id].perceptual_hash)
        for item in items
        if "category" in item.attributes and item.product_id in documents
    }

    def ranking(product_id: str) -> Ranking:
        hits = search.by_product(product_id, HITS).hits
        return Ranking(judged[product_id], [judged[hit["product_id"]] for hit in hits if hit["product_id"] in judged])

    made = []
    with ThreadPoolExecutor(SEARCHES_AT_ONCE) as threads:
        for each in threads.map(ranking, judged):
            made.append(each)
            done(len(made))
    return made


def sample_pixels(embedder: Embedder, items: Sequence[CatalogueItem]) -> list[Pixels]:
    """Some of the catalogue's pictures, decoded and scaled for the network."""
    size = embedder.model.input_size
    chosen = items[:: max(len(items) // SAMPLE, 1)][:SAMPLE]
    return [pictures.scale(pictures.decode(item.path.read_bytes(), at_least=size).pixels, embedder.model) for item in chosen]


def bare_pictures_a_second(embedder: Embedder, pixels: Sequence[Pixels]) -> float:
    """How many pictures the network alone embeds in a second, in batches of `BATCH`: the best of `ROUNDS`, after one to warm up."""
    batches = [pixels[start : start + BATCH] for start in range(0, len(pixels), BATCH)]
    rates = []
    for _ in range(1 + ROUNDS):
        start = time.perf_counter()
        for batch in batches:
            embedder.embed(batch)
        rates.append(len(pixels) / (time.perf_counter() - start))
    return max(rates[1:])
