"""Builds the handler when the container starts; the image's command names it."""

from lookalike.wiring.indexing import IndexingWiring

from functions.index_products.app import create

wiring = IndexingWiring()
handler = create(wiring.products_queue, wiring.decode_message, wiring.redeliver)
