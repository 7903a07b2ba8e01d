"""The state of a backfill: its phase, what is expected, which failures may pass, and what may be done in which phase."""

from datetime import UTC, datetime
from typing import Any

import pytest
from lookalike.backfill.model import Backfill, IndexSpec, Slice
from lookalike.backfill.outcomes import OutcomeCounts
from lookalike.backfill.state import Phase, phase_of_reading, state_of
from lookalike.errors import RequestInvalid

READ, UNREAD, CANCELLED = None, {"from": 3}, {"from": 3, "is_cancelled": True}


def backfill(**changes: Any) -> Backfill:
    return Backfill("b", 1, IndexSpec("shop"), 20, 2, datetime(2026, 1, 2, tzinfo=UTC), **changes)


def slices(*positions: dict[str, Any] | None) -> list[Slice]:
    """Slices of which five items each were read."""
    return [
        Slice("b", number, position, read=5, is_cancelled=bool(position and "is_cancelled" in position))
        for number, position in enumerate(positions)
    ]


def counts(indexed: int, queued: int = 0, **failures: int) -> OutcomeCounts:
    return OutcomeCounts(indexed, 0, failures, None, queued=queued, failures=failures)


PHASES = {
    "nothing is read": ([UNREAD, UNREAD], counts(0), True, Phase.READING, 20),
    "one slice is read": ([READ, UNREAD], counts(5), True, Phase.READING, 20),
    "a slice is cancelled": ([READ, CANCELLED], counts(5), True, Phase.CANCELLED, 20),
    "everything was read before the cancel": ([READ, READ], counts(3), True, Phase.INDEXING, 10),
    "some outcomes are missing": ([READ, READ], counts(9), True, Phase.INDEXING, 10),
    "everything is indexed": ([READ, READ], counts(10), True, Phase.FINISHED, 10),
    "everything is indexed or failed": ([READ, READ], counts(8, picture_unusable=2), True, Phase.FINISHED, 10),
    "a failure was retried": ([READ, READ], counts(9, queued=1), True, Phase.INDEXING, 10),
    "a failure of an earlier run was retried": ([READ, READ], counts(10, queued=1), True, Phase.INDEXING, 10),
    "items on several pages are queued": ([READ, READ], counts(3, queued=1), False, Phase.INDEXING, 4),
    "items on several pages are indexed": ([READ, READ], counts(4), False, Phase.FINISHED, 4),
    "there are no slices": ([], counts(0), True, Phase.FINISHED, 0),
}


@pytest.mark.parametrize(("positions", "found", "is_unique", "phase", "expected"), PHASES.values(), ids=PHASES.keys())
def test_the_phase_and_the_number_of_expected_items_follow_from_slices_and_counts(
    positions: list[Any], found: OutcomeCounts, is_unique: bool, phase: Phase, expected: int
) -> None:
    state = state_of(backfill(is_unique=is_unique), slices(*positions), found)

    assert (state.phase, state.expected, state.read) == (phase, expected, 5 * len(positions))


def test_while_a_source_of_unknown_size_is_read_nothing_is_known_of_what_is_expected() -> None:
    unknown = Backfill("b", 1, IndexSpec("shop"), None, 2, datetime(2026, 1, 2, tzinfo=UTC))

    assert state_of(unknown, slices(READ, UNREAD), counts(5)).expected is None
    assert state_of(unknown, slices(READ, READ), counts(5)).expected == 10


@pytest.mark.parametrize(
    ("positions", "phase"),
    [([UNREAD, CANCELLED], Phase.CANCELLED), ([READ, UNREAD], Phase.READING), ([READ, READ], None), ([], None)],
)
def test_reading_has_a_phase_until_every_slice_is_at_its_end(positions: list[Any], phase: Phase | None) -> None:
    assert phase_of_reading(slices(*positions)) is phase


def test_transient_failures_are_those_whose_codes_are_of_transient_errors() -> None:
    found = counts(
        1, download_failed=2, index_away=3, index_missing=1, unavailable=1, picture_unusable=10, not_found=10, request_invalid=10
    )

    assert state_of(backfill(), slices(READ, READ), found).transient_failures == 7


@pytest.mark.parametrize("phase", list(Phase))
def test_an_action_is_refused_in_a_phase_that_it_does_not_declare(phase: Phase) -> None:
    by_phase = {
        Phase.READING: state_of(backfill(), slices(UNREAD), counts(0)),
        Phase.INDEXING: state_of(backfill(), slices(READ), counts(0)),
        Phase.INTERRUPTED: state_of(backfill(), slices(READ), counts(0), {"backfill": 1}),
        Phase.FINISHED: state_of(backfill(), slices(READ), counts(5)),
        Phase.CANCELLED: state_of(backfill(), slices(CANCELLED), counts(0)),
    }

    by_phase[phase].require("prune", [phase])
    by_phase[phase].require("prune", Phase)
    with pytest.raises(RequestInvalid) as refused:
        by_phase[phase].require("prune", set(Phase) - {phase})
    others = " or ".join(other for other in Phase if other is not phase)
    assert (str(refused.value), refused.value.field) == (
        f"prune needs a backfill that is {others}, and this one is {phase}",
        "backfill_id",
    )
