"""What the image runs."""

from lookalike.wiring import Wiring

from functions.backfill.app import create

wiring = Wiring()
handler = create(wiring.fan_out, wiring.progress, wiring.mending, wiring.switching)
