"""Many clients that search while pictures are indexed: ``python -m tests.benchmarks.concurrent_search``.

The whole local system, with two search processes on the machine that also indexes, embeds and holds Elasticsearch. Prints how often each
status was answered and how long the answers took; ends with an error if any is neither 200 nor 429, or a picture is not found in the end.
"""

import argparse
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle

import numpy as np
import requests

from tests.chaos.rig import Rig, picture, running, wait_until_quiet
from tests.server_folder import server_folder

BASE = 200
"""Products that are there before; the clients search for these."""

A_MESSAGE = 25


@dataclass
class Answers:
    """What the clients were answered."""

    statuses: Counter[int | str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        p50, p95 = np.percentile(self.seconds, (50, 95))
        times = f"p50 {p50:.2f} s, p95 {p95:.2f} s, longest {max(self.seconds):.2f} s"
        return f"{len(self.seconds):,} answers, {dict(self.statuses)}; {times}"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Clients that search while pictures are indexed.")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--pictures", type=int, default=1000)
    given = parser.parse_args()
    with server_folder("clients") as folder, running(folder / "rig") as rig:
        answers, took_s, found = measure(rig, given.clients, given.seconds, given.pictures)
    print(f"{given.clients} clients for {given.seconds:g} s: {answers}")
    print(f"{found:,} of {given.pictures:,} pictures were indexed meanwhile, in {took_s:.0f} s")
    sys.exit(0 if answers.statuses.keys() <= {200, 429} and found == given.pictures else 1)


def measure(rig: Rig, clients: int, seconds: float, pictures: int) -> tuple[Answers, float, int]:
    """What the clients were answered, seconds until all pictures were indexed, and the number of those that are found."""
    _post(rig, "base", range(BASE))
    wait_until_quiet(rig, 300)
    answers, until = Answers(), time.monotonic() + seconds
    threads = [threading.Thread(target=_search, args=(rig, number, until, answers)) for number in range(clients)]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    for number in range(BASE, BASE + pictures // 2):
        rig.upload(f"new-{number}", number, "1")
    _post(rig, "new", range(BASE + pictures // 2, BASE + pictures))
    wait_until_quiet(rig, 900)
    took_s = time.monotonic() - began
    for thread in threads:
        thread.join()
    return answers, took_s, len(rig.found("new-"))


def _post(rig: Rig, prefix: str, numbers: Sequence[int]) -> None:
    for start in range(0, len(numbers), A_MESSAGE):
        rig.post({"put": [rig.product(f"{prefix}-{number}", number, "1") for number in numbers[start : start + A_MESSAGE]]})


def _search(rig: Rig, client: int, until: float, answers: Answers) -> None:
    """Asks one question after the other: by a picture's bytes, for what is similar, for a product."""
    url, headers = rig.system.search_url, {"Content-Type": "image/jpeg"}
    numbers = cycle(range(client, BASE, 7))
    with requests.Session() as session:
        while time.monotonic() < until:
            number = next(numbers)
            _ask(answers, partial(session.post, f"{url}/search", data=picture(number), headers=headers, timeout=60))
            _ask(answers, partial(session.get, f"{url}/products/base-{number}/similar", timeout=60))
            _ask(answers, partial(session.get, f"{url}/products/base-{number}", timeout=60))


def _ask(answers: Answers, question: Callable[[], requests.Response]) -> None:
    began = time.monotonic()
    try:
        status: int | str = question().status_code
    except requests.RequestException as error:
        status = type(error).__name__
    answers.statuses[status] += 1
    answers.seconds.append(time.monotonic() - began)


if __name__ == "__main__":
    main()
