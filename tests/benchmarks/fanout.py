"""How near the fan-out comes to the bare scan of its source: ``python -m tests.benchmarks.fanout [--documents N]``.

A real Elasticsearch is scanned bare, by pages of a point in time, before and after a backfill reads it: with the deployed source and
store, slice after slice, its messages drained by a counter that checks that every product comes exactly once.
"""

import argparse
import json
import resource
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import requests
from elasticsearch import Elasticsearch, helpers
from lookalike.adapters.elasticsearch_backfills import ElasticsearchBackfills
from lookalike.adapters.elasticsearch_outcomes import ElasticsearchOutcomes
from lookalike.adapters.elasticsearch_source import ElasticsearchSource
from lookalike.adapters.s3_objects import S3Objects
from lookalike.adapters.sources import Sources
from lookalike.adapters.sqs_outbox import message_body
from lookalike.backfills import FieldNames, IndexSpec, Into
from lookalike.fanout import PAGE, FanOut
from lookalike.products import Message

from infra.local import aws
from tests.benchmarks.local_elasticsearch import DEFINITIONS, elasticsearch

SOURCE = "bench-fan-out"
DESCRIPTION = "A product as a shop describes it, in a sentence or two that nobody reads before it is bought, nor after. " * 3


class Counting:
    """The products queue, drained: every message is made into the JSON that SQS would get, and its products are counted."""

    def __init__(self, count: int) -> None:
        self.seen = bytearray(count)
        self.bytes = 0
        self.slices: list[tuple[str, int]] = []

    def post_products(self, messages: Iterable[Message], *, delay_s: int = 0) -> None:
        for message in messages:
            self.bytes += len(message_body(message)) + delay_s
            for product in message.put:
                self.seen[int(product.product_id.removeprefix("p-"))] += 1

    def post_slice(self, backfill_id: str, number: int) -> None:
        self.slices.append((backfill_id, number))


class NoIndices:
    """A backfill into the index that is searched asks for none."""

    def searched(self) -> str:
        return ""

    def prepare(self, into: Into) -> str:
        return into.model

    def let_go(self, name: str) -> None: ...

    def switch(self, name: str) -> str | None:
        return name


def main() -> None:
    """Prints both rates, their ratio, and the memory."""
    parser = argparse.ArgumentParser(description="How near the fan-out comes to the bare scan of its source.")
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--shuffled", action="store_true", help="ids in another order than that in which the documents were written")
    given = parser.parse_args()
    with elasticsearch() as url:
        client = Elasticsearch(url, request_timeout=120)
        _fill(client, given.documents, given.shuffled)
        report(url, client, given.documents)


def report(url: str, client: Elasticsearch, count: int) -> None:
    """Times the bare scan, the fan-out, and the bare scan again."""
    bare = [count / _timed_scan(url, count)]
    client.indices.delete(index="bench-backfills,bench-outcomes", ignore_unavailable=True)
    counting = Counting(count)
    fan_out = FanOut(
        Sources(ElasticsearchSource(url), S3Objects(aws.session().client("s3")), lambda arn: arn),
        ElasticsearchBackfills(client, "bench-backfills", DEFINITIONS),
        ElasticsearchOutcomes(client, "bench-outcomes", DEFINITIONS),
        counting,
        NoIndices(),
    )
    begun = time.perf_counter()
    backfill = fan_out.start(IndexSpec(SOURCE, fields=FieldNames("sku")))
    started_s = time.perf_counter() - begun
    memory = []
    while counting.slices:
        fan_out.read_slice(*counting.slices.pop(0))
        memory.append(_resident_mb())
    took_s = time.perf_counter() - begun
    assert counting.seen == b"\1" * count, "a product was posted never, or twice"
    bare.append(count / _timed_scan(url, count))
    rate = count / took_s
    print(f"{count:,} documents in {backfill.slices} slices: every id exactly once, {counting.bytes / 1e6:,.0f} MB of messages")
    print(f"fan-out: {took_s:.1f} s, {rate:,.0f} documents a second; started within {started_s:.1f} s")
    print(f"the bare scan: {bare[0]:,.0f} before, {bare[1]:,.0f} after")
    print(f"fan-out to the bare scan: {rate / max(bare):.2f}")
    print(f"memory after the first slice, at most, at the end: {memory[0]:.0f}, {max(memory):.0f}, {memory[-1]:.0f} MB")
    print(f"peak: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def _timed_scan(url: str, count: int) -> float:
    """How long it takes to read every document by pages of a point in time, in its own order, the fastest that there is."""
    begun = time.perf_counter()
    session = requests.Session()
    pit = session.post(f"{url}/{SOURCE}/_pit?keep_alive=5m", timeout=60).json()["id"]
    read, after = 0, None
    while True:
        body = {"size": PAGE, "sort": ["_shard_doc"], "pit": {"id": pit, "keep_alive": "5m"}, "track_total_hits": False}
        hits = session.post(f"{url}/_search", json=body | ({"search_after": after} if after else {}), timeout=60).json()["hits"]["hits"]
        read += len(hits)
        if len(hits) < PAGE:
            break
        after = hits[-1]["sort"]
    assert read == count, (read, count)
    return time.perf_counter() - begun


def _fill(client: Elasticsearch, count: int, is_shuffled: bool) -> None:
    client.indices.delete(index=SOURCE, ignore_unavailable=True)
    client.indices.create(
        index=SOURCE,
        mappings={"dynamic": False, "properties": {"sku": {"type": "keyword"}}},
        settings={"number_of_replicas": 0, "refresh_interval": "-1"},
    )
    for done, _ in enumerate(helpers.parallel_bulk(client, _documents(count, is_shuffled), thread_count=2, chunk_size=5000), start=1):
        if done % 200_000 == 0:
            print(f"{done:,} documents written", flush=True)
    client.indices.refresh(index=SOURCE)


def _documents(count: int, is_shuffled: bool) -> Iterator[dict[str, object]]:
    for number in range(count):
        id_ = number * 7919 % count if is_shuffled and count % 7919 else number
        described = {
            "sku": f"p-{id_:08}",
            "image_url": f"https://shop.example/{id_}.jpg",
            "category": "thing",
            "price": id_ % 100,
        }
        yield {"_index": SOURCE, **described, "description": DESCRIPTION}


def _resident_mb() -> float:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(json.loads(status["VmRSS"].split()[0])) / 1024


if __name__ == "__main__":
    main()
