"""Builds the handler when the container starts; the image's command names it."""

from lookalike.wiring import Wiring

from functions.search.app import create

wiring = Wiring(hint="LATENCY")
handler = create(wiring.search, wiring.browse, wiring.health, wiring.settings.allowed_origin)
