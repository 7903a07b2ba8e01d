"""Builds the handler when the container starts; the image's command names it."""

from lookalike.wiring.indexing import IndexingWiring

from functions.on_upload.app import create

wiring = IndexingWiring()
handler = create(wiring.uploads, wiring.redeliver, wiring.keys)
