"""Moves the alias to the index that a backfill filled."""

from dataclasses import dataclass
from typing import Any

from lookalike.backfill.indices import Indices
from lookalike.backfill.model import BackfillStore, get_backfill
from lookalike.backfill.state import BackfillStates, Phase
from lookalike.errors import RequestInvalid

SWITCH_IN = frozenset({Phase.FINISHED})
"""In other phases only with ``force``: searches would miss what is not indexed yet."""


@dataclass(frozen=True, slots=True)
class SwitchAlias:
    """Switches search from one index to another."""

    store: BackfillStore
    states: BackfillStates
    indices: Indices

    def switch(self, backfill_id: str, *, force: bool) -> dict[str, Any]:
        """Moves the alias to the index that the backfill filled; the index that was searched is kept.

        Raises:
            NotFound: there is no such backfill.
            RequestInvalid: it fills no new index, or is not complete, which ``force`` overrides.
        """
        backfill = get_backfill(self.store, backfill_id)
        if backfill.into is None:
            raise RequestInvalid("the backfill fills no new index: it was started without into", field="backfill_id")
        state = self.states.of(backfill)
        if not force and (state.phase not in SWITCH_IN or state.transient_failures):
            raise RequestInvalid(
                f"the backfill is not complete: it is {state.phase}, and {state.transient_failures} products failed with transient errors; "
                "wait, or retry, or switch with force",
                field="backfill_id",
            )
        return {"index": backfill.into, "previous": self.indices.switch(backfill.into)}
