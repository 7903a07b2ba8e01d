"""Runs random histories over both ways in and the backfill: ``python -m tests.benchmarks.histories --histories 5000``."""

import argparse

from hypothesis import HealthCheck, Phase, settings
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.stateful import run_state_machine_as_test
from rich.progress import Progress, TimeElapsedColumn

from tests.histories.machine import Histories

STEPS = 40


def main() -> None:
    """Raises the assertion of the first history that ends differently, made as short as possible."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=5000)
    histories: int = parser.parse_args().histories
    progress = Progress("{task.completed:,} of {task.total:,} histories,", "{task.description}", TimeElapsedColumn())
    task = progress.add_task("no difference", total=histories)

    class Counted(Histories):
        def teardown(self) -> None:
            super().teardown()
            progress.advance(task)

    options = settings(
        max_examples=histories,
        stateful_step_count=STEPS,
        deadline=None,
        database=DirectoryBasedExampleDatabase(".hypothesis/examples"),
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    with progress:
        run_state_machine_as_test(Counted, settings=options)


if __name__ == "__main__":
    main()
