"""The backfill queue's JSON: what is encoded is decoded to the same message, and commands are left to others."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lookalike.adapters.sqs.backfill_messages import decode, encode
from lookalike.backfill.messages import BackfillMessage, ContinuePrune, ContinueRetry, MergeWhenFinished, ReadSlice
from lookalike.errors import RequestInvalid

RUNS = st.integers(0, 1000)
MESSAGES = (
    st.builds(ReadSlice, st.text(), RUNS)
    | st.builds(ContinueRetry, st.text(), RUNS, st.none() | st.text(), st.none() | st.text())
    | st.builds(ContinuePrune, st.text(), RUNS, st.none() | st.text())
    | st.builds(MergeWhenFinished, st.text(), RUNS, st.none() | st.text())
)


@given(MESSAGES)
def test_each_message_is_decoded_as_it_was_encoded(message: BackfillMessage) -> None:
    assert decode(json.loads(encode(message))) == message


@pytest.mark.parametrize("given", [{"action": "start", "source": {}}, {"action": ["slice"]}, {}, [], None, "slice"])
def test_what_is_none_of_these_messages_is_left_to_the_commands(given: Any) -> None:
    assert decode(given) is None


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"action": "slice", "backfill_id": "b"}, "slice"),
        ({"action": "continue_retry", "backfill_id": "b", "run": "x"}, "run"),
        ({"action": "continue_prune", "backfill_id": ["b"], "run": 1}, "backfill_id"),
    ],
)
def test_a_wrong_message_is_refused_with_the_field_that_is_wrong(given: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestInvalid) as refused:
        decode(given)
    assert refused.value.field == field
