"""What the image runs."""

from lookalike.wiring import Wiring

from functions.search.app import create

wiring = Wiring(hint="LATENCY")
handler = create(wiring.searching, wiring.browsing, wiring.health, wiring.settings.allowed_origin)
