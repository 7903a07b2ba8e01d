"""What the image runs."""

from lookalike.wiring import Wiring

from functions.backfill.app import create

handler = create(Wiring().backfilling)
