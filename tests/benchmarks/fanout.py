"""How near the fan-out comes to the bare scan of its source: ``python -m tests.benchmarks.fanout [--documents N]``.

A real Elasticsearch is scanned bare, by pages of a point in time, before and after a backfill reads it: with the deployed source and
store, its messages drained by a counter that checks that every product comes exactly once. Slices are read by several processes at once,
as the deployed function reads them, and before that by one alone.
"""

import argparse
import gc
import json
import resource
import time
from collections.abc import Iterable, Iterator, Sequence
from ctypes import Array, c_ubyte
from multiprocessing import get_context
from multiprocessing.sharedctypes import RawArray
from multiprocessing.synchronize import Barrier

import requests
from elasticsearch import Elasticsearch, helpers
from lookalike.adapters.dispatch.sources import SourceByKind
from lookalike.adapters.elasticsearch.backfill_store import ElasticsearchBackfillStore
from lookalike.adapters.elasticsearch.outcome_store import ElasticsearchOutcomeStore
from lookalike.adapters.elasticsearch.source import ElasticsearchSource
from lookalike.adapters.s3.bucket_source import BucketSource
from lookalike.adapters.sqs.messages import encode
from lookalike.backfill.fan_out import PAGE, FanOut
from lookalike.backfill.messages import BackfillMessage, ReadSlice
from lookalike.backfill.model import FieldNames, IndexSpec
from lookalike.domain import Product
from lookalike.indexing.messages import Message, PutProducts

from infra.local import aws
from tests.benchmarks.local_elasticsearch import elasticsearch
from tests.benchmarks.rows import Row, command
from tests.fakes import FakeDeadLetterStore, FakeIndices

SOURCE = "bench-fan-out"
DESCRIPTION = "A product as a shop describes it, in a sentence or two that nobody reads before it is bought, nor after. " * 3


class Counting:
    """The products queue, drained: every message is made into the JSON that SQS would get, and its products are counted.

    Args:
        seen: how often each product came; shared by all readers.
    """

    def __init__(self, seen: "Array[c_ubyte]") -> None:
        self._seen = seen
        self.bytes = 0
        self.slices: list[int] = []

    def send(self, messages: Iterable[Message], *, delay_s: int = 0) -> Sequence[Product]:
        for message in messages:
            self.bytes += len(encode(message)) + delay_s
            assert isinstance(message, PutProducts)
            for product in message.items:
                self._seen[int(product.product_id.removeprefix("p-"))] += 1
        return []

    def waiting(self) -> int:
        return 0

    def send_backfill(self, messages: Iterable[BackfillMessage], *, delay_s: int = 0) -> None:
        self.slices += (message.slice for message in messages if isinstance(message, ReadSlice))


class Reader:
    """One instance of the backfill's function; ``seen`` as `Counting` takes it."""

    def __init__(self, url: str, seen: "Array[c_ubyte]") -> None:
        gc.freeze()  # as functions/backfill/entry.py does
        client = Elasticsearch(url, request_timeout=120)
        self.queue = Counting(seen)
        self.fan_out = FanOut(
            SourceByKind(ElasticsearchSource(url), BucketSource(aws.session().client("s3")), lambda arn, _: arn, {}),
            ElasticsearchBackfillStore(client, "bench-backfills"),
            ElasticsearchOutcomeStore(client, "bench-outcomes"),
            self.queue,
            FakeIndices(),
            FakeDeadLetterStore(),
        )

    def read(self, backfill_id: str, number: int) -> tuple[int, float]:
        """Reads a slice to its end; answers with the size of its messages in bytes, and with the process's memory at most, in MB."""
        self.queue.bytes, self.queue.slices = 0, [number]
        while self.queue.slices:
            self.fan_out.read_slice(backfill_id, self.queue.slices.pop())
        return self.queue.bytes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


_reader: Reader


def _become_reader(url: str, seen: "Array[c_ubyte]", ready: Barrier) -> None:
    global _reader
    _reader = Reader(url, seen)
    ready.wait()


def _read(backfill_id: str, number: int) -> tuple[int, float]:
    return _reader.read(backfill_id, number)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.fanout", description="How near the fan-out comes to the bare scan of its source."
    )
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--readers", type=int, default=2, help="how many processes read slices at once")
    parser.add_argument("--shuffled", action="store_true", help="ids in another order than that in which the documents were written")
    command(parser, rows)


def rows(given: argparse.Namespace) -> Iterator[Row]:
    """A row for one reader and one for several."""
    with elasticsearch() as url:
        client = Elasticsearch(url, request_timeout=120)
        _fill(client, given.documents, given.shuffled)
        yield from measured(url, client, given.documents, given.readers)


def measured(url: str, client: Elasticsearch, count: int, readers: int) -> Iterator[Row]:
    """Times the bare scan, the fan-out by one reader and by several, and the bare scan again."""
    bare = [count / _timed_scan(url, count)]
    rates = {number: count / _timed_fan_out(url, client, count, number) for number in sorted({1, readers})}
    bare.append(count / _timed_scan(url, count))
    for number, rate in rates.items():
        yield Row(f"fan-out by {number}", rate, "documents a second", "the bare scan", max(bare), least=0.7 if number == 1 else None)


def _timed_fan_out(url: str, client: Elasticsearch, count: int, readers: int) -> float:
    """How long a backfill reads, in seconds, its start included."""
    client.indices.delete(index="bench-backfills,bench-outcomes", ignore_unavailable=True)
    seen = RawArray(c_ubyte, count)
    context = get_context("spawn")
    ready = context.Barrier(readers + 1)
    with context.Pool(readers, _become_reader, (url, seen, ready)) as pool:
        ready.wait()
        begun = time.perf_counter()
        starter = Reader(url, seen)
        backfill = starter.fan_out.start(IndexSpec(SOURCE, fields=FieldNames("sku")))
        started_s = time.perf_counter() - begun
        jobs = [pool.apply_async(_read, (backfill.backfill_id, number)) for number in starter.queue.slices]
        read = [job.get() for job in jobs]
        took_s = time.perf_counter() - begun
    assert bytes(seen) == b"\1" * count, "a product was posted never, or twice"
    sizes, memory = zip(*read, strict=True)
    print(f"{count:,} documents in {backfill.slices} slices: every id exactly once, {sum(sizes) / 1e6:,.0f} MB of messages")
    print(f"fan-out by {readers}: {took_s:.1f} s, {count / took_s:,.0f} documents a second; started within {started_s:.1f} s")
    print(f"memory of a reader at most: {min(memory):.0f} MB after the first slice, {max(memory):.0f} MB after the last")
    return took_s


def _timed_scan(url: str, count: int) -> float:
    """How long it takes to read every document by pages of a point in time, in its own order, the fastest that there is."""
    begun = time.perf_counter()
    session = requests.Session()
    session.headers["Accept-Encoding"] = "identity"
    pit = session.post(f"{url}/{SOURCE}/_pit?keep_alive=5m", timeout=60).json()["id"]
    read, after = 0, None
    while True:
        body = {"size": PAGE, "sort": ["_shard_doc"], "pit": {"id": pit, "keep_alive": "5m"}, "track_total_hits": False}
        answer = session.post(f"{url}/_search", json=body | ({"search_after": after} if after else {}), timeout=60)
        hits = json.loads(answer.content)["hits"]["hits"]
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


if __name__ == "__main__":
    main()
