"""Builds the handler when the container starts; the image's command names it."""

from lookalike.wiring.search import SearchWiring

from functions.search.app import create

wiring = SearchWiring()
handler = create(wiring.search, wiring.browse, wiring.health, wiring.settings.allowed_origin, wiring.detect)
