"""Work with a time limit."""

from threading import Event

import pytest
from lookalike.concurrency import run_within
from lookalike.errors import NotFound, TransientError


def test_what_ends_in_time_is_returned_or_raised() -> None:
    def fail() -> int:
        raise NotFound("no such product")

    assert run_within(10, lambda: 7, "the server") == 7
    with pytest.raises(NotFound):
        run_within(10, fail, "the server")


def test_a_timeout_of_the_work_itself_stays_what_it_is() -> None:
    def time_out() -> int:
        raise TimeoutError("the socket's")

    with pytest.raises(TimeoutError, match="socket"):
        run_within(10, time_out, "the server")


@pytest.mark.parametrize("seconds", [0.05, 0, -1])
def test_what_does_not_end_in_time_is_a_transient_error_that_says_who_is_silent(seconds: float) -> None:
    never = Event()

    with pytest.raises(TransientError, match="the server did not answer in time"):
        run_within(seconds, never.wait, "the server")
    never.set()
