"""Backfills under adversity, on the whole local system: ``python -m tests.benchmarks.soak faults|kills [--products N]``.

``faults``: a tenth of the products fails in eight ways. ``kills``: the worker, the fan-out and Elasticsearch are killed in the middle,
each at random moments, and the index must become the one that an undisturbed run makes.
"""

import argparse
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch, helpers

from infra.demo.catalogue import CatalogueItem, drawn_catalogue
from infra.demo.image_server import ImageServer
from infra.local import invocation
from infra.local.child_process import Failure
from infra.local.system import LocalSystem
from layers.models import export
from tests.benchmarks.copies import distinct_copies
from tests.faulty_image_server import FaultyImageServer
from tests.server_folder import server_folder

MODEL = "efficientnet_lite0"
ALIAS = "soak"
SOURCE = "shop-of-the-soak"
ELASTICSEARCH = "Elasticsearch"
TELL_EVERY_S = 30
TRIES = 5
TRIES_IF_KILLED = 20
"""How often a message may come to nothing before it is a dead letter: whoever is killed all the time needs more of them."""

SLOW_S = 12
"""Longer than a worker waits for an answer to go on."""

CODES = {
    "404": "picture_unreachable",
    "timeout": "download_failed",
    "no picture": "picture_unusable",
    "429, then fine": None,
    "500 forever": "download_failed",
    "private address": "picture_unreachable",
    "truncated": "picture_unusable",
    "huge": "picture_unusable",
}
"""The ways to fail, and the reason that each is counted by; None where the product is indexed in the end."""


class Trial:
    """A running system, pictures at addresses, and an index of products."""

    def __init__(self, system: LocalSystem, images: ImageServer) -> None:
        self.system, self.images = system, images
        self.client = Elasticsearch(system.elasticsearch_url, request_timeout=60)
        self._invoke = invocation.through(invocation.client(system.lambda_url))

    def fill(self, urls: Mapping[str, str]) -> None:
        """Makes the source, of products with these addresses."""
        self.client.indices.delete(index=SOURCE, ignore_unavailable=True)
        self.client.indices.create(index=SOURCE, mappings={"properties": {"sku": {"type": "keyword"}}})
        documents = ({"_index": SOURCE, "sku": sku, "image_url": url, "category": "thing"} for sku, url in urls.items())
        helpers.bulk(self.client, documents, refresh=True)

    def ask(self, action: str, **more: Any) -> dict[str, Any]:
        """Has the backfill function carry out a command."""
        return invocation.command(self._invoke, {"action": action, **more})

    def start(self) -> str:
        """Starts the backfill; answers with its id."""
        return str(self.ask("start", source={"index": SOURCE, "fields": {"id": "sku"}})["backfill_id"])

    def finish(self, backfill_id: str, within_s: float) -> dict[str, Any]:
        """Waits until it has finished, and tells how far it is now and then; answers with its last status."""
        begun = told = time.monotonic()
        while (status := self.ask("status", backfill_id=backfill_id))["state"] != "finished":
            now = time.monotonic()
            assert now < begun + within_s, f"not finished within {within_s} s: {status}"
            if now > told + TELL_EVERY_S:
                told = now
                print(f"  {status['state']}: {status['percent']} %, failed {status['failed']}", flush=True)
            time.sleep(0.5)
        return status

    def failures(self, backfill_id: str) -> dict[str, tuple[str, str]]:
        """Code and reason of each failed product, page by page."""
        found: dict[str, tuple[str, str]] = {}
        cursor: str | None = None
        while True:
            more = {"cursor": cursor} if cursor else {}
            answer = self.ask("failures", backfill_id=backfill_id, size=100, **more)
            found |= {each["product_id"]: (each["code"], each["reason"]) for each in answer["failures"]}
            if (cursor := answer["next_cursor"]) is None:
                return found

    def index(self) -> dict[str, dict[str, Any]]:
        """Every document, its vector included, without the time at which it was written."""
        self.client.indices.refresh(index=self.system.alias)
        query = {"_source": {"exclude_vectors": False}}
        hits = helpers.scan(self.client, index=self.system.alias, query=query, size=200)
        return {hit["_id"]: {name: value for name, value in hit["_source"].items() if name != "indexed_at"} for hit in hits}

    def written_at(self) -> set[str]:
        """When the documents were written."""
        self.client.indices.refresh(index=self.system.alias)
        return {
            hit["_source"]["indexed_at"] for hit in helpers.scan(self.client, index=self.system.alias, query={"_source": ["indexed_at"]})
        }

    def begin_anew(self) -> None:
        """Removes what was indexed and what is stored or cached, by the functions too, so that the next run begins from nothing."""
        self.client.indices.delete(index=[*self.client.indices.get(index=f"{self.system.alias}*", features=["aliases"])])
        for name in self.system.functions:
            _kill(self.system, name)


def urls_with_faults(images: ImageServer, count: int) -> dict[str, str]:
    """Addresses of ``count`` products, a tenth of which fail; ids tell which way.

    One in forty of these is a timeout, for which the one local worker waits time and again; the other ways are as many each.
    """
    ways: dict[str, Callable[[int], str]] = {
        "fine": lambda n: images.url(f"{n}.jpg"),
        "404": lambda n: images.url(f"missing-{n}.jpg"),
        "timeout": lambda n: images.url(f"fault/slow/{n}.jpg"),
        "no picture": lambda n: images.url("text.jpg"),
        "429, then fine": lambda n: images.url(f"fault/busy-once/{n}.jpg"),
        "500 forever": lambda n: images.url("fault/status/500"),
        "private address": lambda n: f"http://127.0.0.1:1/{n}.jpg",
        "truncated": lambda n: images.url("half.jpg"),
        "huge": lambda n: images.url("fault/huge"),
    }
    quick = [way for way in CODES if way != "timeout"]
    failing = {n * 10: "timeout" if n % 40 == 0 else quick[n % len(quick)] for n in range(count // 10)}
    chosen = [failing.get(number, "fine") for number in range(count)]
    return {f"{number:05} {way}": ways[way](number) for number, way in enumerate(chosen)}


def pictures(items: Sequence[CatalogueItem], folder: Path, count: int) -> dict[str, Path]:
    """Files that are all different, and two that are no pictures."""
    broken = {name: folder / name for name in ("text.jpg", "half.jpg")}
    broken["text.jpg"].write_text("this is no picture")
    broken["half.jpg"].write_bytes(items[0].path.read_bytes()[:3000])
    return distinct_copies(items, folder, count) | broken


def faults(trial: Trial, count: int, within_s: float) -> dict[str, Any]:
    """Indexes a source with faults twice, and checks everything; answers with both statuses."""
    urls = urls_with_faults(trial.images, count)
    trial.fill(urls)
    backfill_id = trial.start()
    first = trial.finish(backfill_id, within_s)
    expected = {sku: code for sku in urls if (code := CODES.get(sku.partition(" ")[2]))}
    assert first["failed"] == dict(Counter(expected.values())), first
    assert (first["total"], first["read"]) == (count, count)
    assert first["indexed"] + first["unchanged"] + sum(first["failed"].values()) == count
    reasons = trial.failures(backfill_id)
    assert {sku: code for sku, (code, _) in reasons.items()} == expected
    assert all(reason for _, reason in reasons.values())
    written = trial.written_at()
    trial.start()
    second = trial.finish(backfill_id, within_s)
    assert (second["run"], second["indexed"], second["failed"]) == (2, 0, first["failed"]), second
    assert trial.written_at() == written, "a picture was written again"
    return {"first": first, "second": second}


def kills(trial: Trial, count: int, moments: int, within_s: float, draw: random.Random) -> dict[str, int]:
    """Indexes a source undisturbed and with kills, and compares; answers with how many kills hit what."""
    trial.fill({f"{number:05}": trial.images.url(f"{number}.jpg") for number in range(count)})
    began = time.monotonic()
    trial.finish(trial.start(), within_s)
    undisturbed_s = time.monotonic() - began
    undisturbed = trial.index()
    assert len(undisturbed) == count
    trial.begin_anew()
    victims = [ELASTICSEARCH, "lookalike-index-products", "lookalike-backfill"] * moments
    draw.shuffle(victims)
    _start_in_the_end(trial)
    for victim in victims:
        time.sleep(draw.uniform(0, undisturbed_s / len(victims)))
        _kill(trial.system, victim)
    trial.finish(_start_in_the_end(trial), within_s)
    disturbed = trial.index()
    assert disturbed.keys() == undisturbed.keys()
    assert all(disturbed[image] == document for image, document in undisturbed.items())
    return Counter(victims)


def _kill(system: LocalSystem, victim: str) -> None:
    """Kills Elasticsearch, which is started again, or the processes of a function, whose next invocation starts them."""
    if victim == ELASTICSEARCH:
        assert system.server
        system.server.kill()
        system.server.start()
        return
    for pid in system.functions[victim].pids:
        os.kill(pid, signal.SIGKILL)


def _start_in_the_end(trial: Trial) -> str:
    """What an engineer does after a crash: the same start again and again, until it answers."""
    while True:
        try:
            return trial.start()
        except Failure:
            time.sleep(1)


@contextmanager
def _trial(count: int, max_receive_count: int) -> Iterator[Trial]:
    models = Path("build/models")
    export.ensure(MODEL, models, print)
    items = drawn_catalogue(Path("build/catalogue")).items
    with server_folder("soak") as folder:
        (folder / "pictures").mkdir()
        with (
            FaultyImageServer(pictures(items, folder / "pictures", count), slow_s=SLOW_S) as images,
            LocalSystem(
                MODEL,
                models,
                folder,
                alias=ALIAS,
                private_image_origins=[images.origin],
                visibility_timeout_s=60,
                max_receive_count=max_receive_count,
                first_retry_delay_s=2,
            ) as system,
        ):
            yield Trial(system, images)


def main() -> None:
    """Prints what came out; raises if something is not as it must be."""
    parser = argparse.ArgumentParser(description="Backfills under adversity.")
    parser.add_argument("what", choices=["faults", "kills"])
    parser.add_argument("--products", type=int, default=5000)
    parser.add_argument("--moments", type=int, default=3, help="kills of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--within-s", type=float, default=3600)
    given = parser.parse_args()
    with _trial(given.products, TRIES_IF_KILLED if given.what == "kills" else TRIES) as trial:
        if given.what == "faults":
            for run, status in faults(trial, given.products, given.within_s).items():
                print(f"{run} run: {status}")
            print(f"{given.products:,} products are accounted for, each failure by its reason; the second run embedded nothing")
        else:
            print(dict(kills(trial, given.products, given.moments, given.within_s, random.Random(given.seed))), "were killed")
            print(f"the index of {given.products:,} products is the one of an undisturbed run, vectors included")


if __name__ == "__main__":
    main()
