"""Makes what the tests on `sam local` need and what takes minutes on a bare machine: the engine, the images, the functions' image.

``python -m infra.local.sam.prepare`` is run before pytest, whose limit for a single test is far shorter. A second run takes seconds.
"""

import argparse
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.elasticsearch.distribution import DistributionMissing, DownloadDamaged, Say
from infra.local.sam import image, stand_ins
from infra.local.sam.engine import EngineMissing, engine
from layers.models.networks import NETWORKS

LIMIT_MINUTES = 45
STILL_AT_IT_S = 30
"""A step that is silent for so long says that it still goes on."""

FAILURES = (EngineMissing, stand_ins.ImageMissing, image.BuildFailed, DistributionMissing, DownloadDamaged, TimeoutError)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.sam.prepare", description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, choices=NETWORKS, help="network of the functions' image")
    parser.add_argument("--data", type=Path, required=True, help="folder of the built template and of logs")
    parser.add_argument("--limit-minutes", type=int, default=LIMIT_MINUTES, help="give up after so many minutes (default: %(default)s)")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(given.limit_minutes * 60)
    try:
        with _progress() as say, engine(say) as found:
            stand_ins.ensure(found, say)
            stand_ins.ensure_compose(found, say)
            image.build(found, given.data, {"ElasticsearchUrl": "http://elasticsearch:9200", "Model": given.model}, say)
            say("All images are there")
    except KeyboardInterrupt:
        sys.exit(130)
    except FAILURES as error:
        sys.exit(str(error))


def _give_up(*_: object) -> None:
    raise TimeoutError("The images could not be made in the time given; what is done is kept, so that another run goes on from there.")


@contextmanager
def _progress() -> Iterator[Say]:
    """Prints each step with the seconds since the start, and a sign of life while one is silent."""
    began = time.monotonic()
    last_step = "Starting"
    is_done = threading.Event()

    def say(line: str) -> None:
        nonlocal last_step
        last_step = line
        print(f"[{time.monotonic() - began:4.0f} s] {line}", flush=True)

    def remind() -> None:
        while not is_done.wait(STILL_AT_IT_S):
            print(f"[{time.monotonic() - began:4.0f} s] … {last_step.partition('(')[0].strip()}", flush=True)

    threading.Thread(target=remind, daemon=True).start()
    try:
        yield say
    finally:
        is_done.set()


if __name__ == "__main__":
    main()
