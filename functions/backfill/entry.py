"""What the image runs."""

import gc

from lookalike.wiring import Wiring

from functions.backfill.app import create

wiring = Wiring()
gc.freeze()  # Reading makes many small objects: every collection would walk through all that was imported, too.
handler = create(wiring.fan_out, wiring.progress, wiring.mending, wiring.switching)
