"""How fast the bare network is, without everything that the system does around it."""

import time
from collections.abc import Sequence

from lookalike import pictures
from lookalike.domain import Embedder, Pixels

from infra.demo.catalogue import CatalogueItem

BATCH = 16
SAMPLE = 96
ROUNDS = 3


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
