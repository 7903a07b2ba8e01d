"""Builds the handler when the container starts; the image's command names it."""

import gc

from lookalike.wiring.backfill import BackfillWiring

from functions.backfill.app import UseCases, create

wiring = BackfillWiring()
gc.freeze()  # Reading makes many small objects: every collection would scan all that was imported, too.
use_cases = UseCases(
    wiring.fan_out,
    wiring.progress,
    wiring.retry_failures,
    wiring.prune,
    wiring.merge,
    wiring.switch_alias,
    wiring.dead_letters,
    wiring.report,
)
handler = create(use_cases, wiring.decode_backfill_message, wiring.redeliver)
