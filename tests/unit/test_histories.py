"""A short run of the random histories; ``python -m tests.benchmarks.histories`` runs thousands."""

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.histories.machine import Histories


def test_at_rest_the_index_is_what_the_newest_truth_says() -> None:
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=60, stateful_step_count=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
        ),
    )
