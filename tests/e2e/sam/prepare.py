"""Makes what the tests on `sam local` need and what takes minutes on a bare machine: the engine, the images, the functions' image.

``python -m tests.e2e.sam.prepare`` is run before pytest, whose limit for a single test is far shorter. A second run takes seconds.
"""

import argparse
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.child_process import ended_by_signals
from infra.local.elasticsearch.distribution import repeated
from infra.sam import image
from infra.sam.without_registry.stand_ins import engine_with_images
from layers.models.export import Say
from layers.models.networks import NETWORKS, U2NETP

LIMIT_MINUTES = 45
OPTIONS = {"SaliencyModel": U2NETP.id, "Heic": "1", "Text": "1"}
"""Parameters of the image that is tested: it has what can be added to the one that is deployed by default, which is only built."""

STILL_AT_IT_S = 30
"""A step that is silent for so long says that it still goes on."""


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.sam.prepare", description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, choices=NETWORKS, help="network of the functions' image")
    parser.add_argument("--data", type=Path, required=True, help="folder of the built template and of logs")
    parser.add_argument("--limit-minutes", type=int, default=LIMIT_MINUTES, help="give up after so many minutes (default: %(default)s)")
    given = parser.parse_args()
    signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(given.limit_minutes * 60)
    with (
        ended_by_signals(TimeoutError),
        _progress() as say,
        engine_with_images(say) as found,
    ):
        for options in ({}, OPTIONS):
            image.build(found, given.data, {"ElasticsearchUrl": "http://elasticsearch:9200", "Model": given.model, **options}, say)
        say("All images are there")


def _give_up(*_: object) -> None:
    raise TimeoutError("The images could not be made in the time given; what is done is kept, so that another run goes on from there.")


@contextmanager
def _progress() -> Iterator[Say]:
    """Prints each step with the seconds since the start, and a sign of life while one is silent."""
    began, steps = time.monotonic(), ["Starting"]

    def say(line: str) -> None:
        print(f"[{time.monotonic() - began:4.0f} s] {line}", flush=True)

    def say_step(line: str) -> None:
        steps.append(line)
        say(line)

    with repeated(say, lambda: f"… {steps[-1].partition('(')[0].strip()}", STILL_AT_IT_S):
        yield say_step


if __name__ == "__main__":
    main()
