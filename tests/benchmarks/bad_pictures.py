"""Are bad pictures decoded or refused within two seconds and 500 MB? ``python -m tests.benchmarks.bad_pictures [--mutations N]``.

Files made to take time and memory, then random changes of good files; all in one process, whose peak of memory is that of them all.
"""

import argparse
import resource
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from random import Random

from lookalike.errors import PictureUnusable
from lookalike.pictures import decoding, heic

from tests.bad_pictures import BOMBS, mutated, seeds

MAX_CPU_S = 2.0
MAX_MEMORY_MB = 500
SIZE = (299, 299)
AT_ONCE = 100
"""Mutations that are asked for together."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of a file: CPU seconds, the peak of this process's memory so far, and the refusal or error; none if it was decoded."""

    name: str
    cpu_s: float
    peak_mb: float
    refusal: str | None = None
    error: str | None = None

    @property
    def is_good(self) -> bool:
        """Whether the file did what a file may do."""
        most_s = MAX_CPU_S + (heic.MAX_CPU_S if "HEI" in self.name else 0)  # which is decoded in a process of its own
        return self.error is None and self.cpu_s <= most_s and self.peak_mb <= MAX_MEMORY_MB


def tried(name: str, content: bytes) -> Trial:
    """Decodes the file in this process."""
    refusal, error, began = None, None, _cpu_s()
    try:
        decoding.decode(content, at_least=SIZE)
    except PictureUnusable as refused:
        refusal = str(refused)
    except BaseException as failure:
        error = repr(failure)
    return Trial(name, _cpu_s() - began, _peak_mb(), refusal, error)


def _cpu_s() -> float:
    """Of this process and of those that it started."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def _peak_mb() -> float:
    """Of this process alone; ``ru_maxrss`` would begin with what its parent had when it was forked."""
    kept = Path("/proc/self/status")
    if not kept.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # macOS counts bytes
    status = kept.read_text()
    return int(status.partition("VmHWM:")[2].split(maxsplit=1)[0]) / 1024


def mutations(first: int, count: int) -> list[Trial]:
    """Tries changed files; the number of each is its seed."""
    good = list(seeds().items())
    named = [(number, *good[number % len(good)]) for number in range(first, first + count)]
    return [tried(f"{name}, mutation {number}", mutated(content, Random(number))) for number, name, content in named]


@contextmanager
def another_process() -> Iterator[ProcessPoolExecutor]:
    """One that holds nothing of this one's, and whose end is noticed."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield pool


def _report(title: str, trials: Iterable[Trial]) -> bool:
    done = list(trials)
    worst = max(done, key=lambda trial: trial.cpu_s)
    refused = Counter((trial.refusal or "decoded")[:60] for trial in done)
    print(f"{title}: {len(done):,} files, {refused.pop('decoded', 0):,} decoded")
    for reason, number in refused.most_common(12):
        print(f"  {number:6,} {reason}")
    print(f"  most CPU: {worst.cpu_s:.2f} s ({worst.name}); peak of memory: {done[-1].peak_mb:.0f} MB")
    bad = [trial for trial in done if not trial.is_good]
    print(*bad, sep="\n")
    return not bad


def main() -> None:
    """Prints what became of the files; ends with 1 if one of them broke a promise."""
    parser = argparse.ArgumentParser(description="Are bad pictures decoded or refused within two seconds and 500 MB?")
    parser.add_argument("--mutations", type=int, default=20_000)
    given = parser.parse_args()
    with another_process() as process:
        is_good = _report("made to take time and memory", [process.submit(tried, name, make()).result() for name, make in BOMBS.items()])
    with another_process() as process:
        parts = [process.submit(mutations, first, AT_ONCE).result() for first in range(0, given.mutations, AT_ONCE)]
        is_good &= _report("random changes", [trial for part in parts for trial in part])
    raise SystemExit(0 if is_good else 1)


if __name__ == "__main__":
    main()
