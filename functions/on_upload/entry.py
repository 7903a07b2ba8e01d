"""What the image runs."""

from lookalike.wiring import Wiring

from functions.on_upload.app import create

wiring = Wiring()
handler = create(wiring.uploads, wiring.redeliver, wiring.keys)
