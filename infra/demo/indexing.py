"""Gets a catalogue indexed by uploads and by a backfill of a shop's own index, waits, and looks up what became of it and how fast."""

import json
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

from elasticsearch import Elasticsearch, helpers
from lookalike.domain import Attributes, Embedder, Pixels
from lookalike.pictures import decoding
from lookalike.pictures.formats import media_type_of
from more_itertools import chunked
from rich.progress import Progress, TaskID

from infra.demo.catalogue import CatalogueItem
from infra.local.child_process import Failure
from infra.local.invocation import Invoke, Json, command

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

UPLOADS_AT_ONCE = 8
DELETIONS_A_MESSAGE = 50
POLL_S = 1.0
STALLED_S = 300
"""After so many seconds without progress the wait ends with an error."""

BATCH = 16
SAMPLE = 96
ROUNDS = 3
"""Of the network alone: pictures of a batch, pictures, and how often they are embedded."""

Count: TypeAlias = Callable[[], int]
"""How many products are done at the moment."""


def upload(s3: "S3Client", bucket: str, items: Sequence[CatalogueItem]) -> None:
    """Puts each product's picture into the bucket, its attributes as user metadata."""

    def put(item: CatalogueItem) -> None:
        content_type, user_metadata = media_type_of(item.path.name), metadata(item.attributes)
        s3.put_object(Bucket=bucket, Key=object_key(item), Body=item.path.read_bytes(), ContentType=content_type, Metadata=user_metadata)

    with ThreadPoolExecutor(UPLOADS_AT_ONCE) as threads:
        list(threads.map(put, items))


def object_key(item: CatalogueItem) -> str:
    """The key of a product's picture in the bucket."""
    return f"images/{item.file_name}"


def metadata(attributes: Attributes) -> dict[str, str]:
    """Attributes as S3's user metadata, which is ASCII: other text becomes encoded words (RFC 2047), as S3 itself gives it."""
    return {name: _ascii(value) for name, value in attributes.items()}


def _ascii(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if text.isascii() and text.isprintable() and text == text.strip() and "=?" not in text:
        return text
    return f"=?utf-8?b?{b64encode(text.encode()).decode()}?="


def fill_source(elasticsearch: Elasticsearch, index: str, items: Sequence[CatalogueItem], address: Callable[[CatalogueItem], str]) -> None:
    """Makes a shop's own index anew, with one flat document a product: ``id``, ``image_url`` and each attribute as a field."""
    elasticsearch.indices.delete(index=index, ignore_unavailable=True)
    properties = {"id": {"type": "keyword"}, "image_url": {"type": "keyword"}, "name": {"type": "text"}, "price": {"type": "double"}}
    elasticsearch.indices.create(index=index, mappings={"properties": properties})
    products = ({"id": item.product_id, "image_url": address(item), **item.attributes} for item in items)
    documents = ({"_index": index, "_id": quote(product["id"]), "_source": product} for product in products)
    helpers.bulk(elasticsearch, documents, refresh="wait_for")


def delete(sqs: "SQSClient", queue_url: str, product_ids: Sequence[str]) -> Count:
    """Asks for the deletion of products; counts those whose messages were handled."""
    for batch in chunked(product_ids, DELETIONS_A_MESSAGE):
        sqs.send_message(QueueUrl=queue_url, MessageBody=json.dumps({"delete": batch}))
    return handled(sqs, queue_url, len(product_ids))


def handled(sqs: "SQSClient", queue_url: str, total: int) -> Count:
    """Counts how many of the messages that were put into a queue are handled."""

    def count() -> int:
        attributes = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["All"])["Attributes"]
        left = sum(int(value) for name, value in attributes.items() if name.startswith("ApproximateNumberOfMessages"))
        return max(total - left, 0)

    return count


def backfill(invoke: Invoke, source: Json, total: int) -> Count:
    """Starts a backfill; counts the products that are done, all of them only when it has finished. Raises `Failure`."""
    backfill_id = command(invoke, {"action": "start", "source": source})["backfill_id"]

    def count() -> int:
        status = command(invoke, {"action": "status", "backfill_id": backfill_id})
        done: int = status["indexed"] + status["unchanged"] + sum(status["failed"].values())
        return total if status["state"] == "finished" else min(done, total - 1)

    return count


def wait_for(progress: Progress, counts: Mapping[TaskID, Count]) -> None:
    """Shows the counts until each has reached its bar's total. Raises `Failure` if there is no progress any more."""
    done, moved_at = -1.0, time.monotonic()
    while not progress.finished:
        for task, count in counts.items():
            progress.update(task, completed=count())
        if (now := sum(task.completed for task in progress.tasks)) > done:
            done, moved_at = now, time.monotonic()
        if time.monotonic() - moved_at > STALLED_S:
            left = "; ".join(f"{task.description}: {task.completed:.0f} of {task.total:.0f} are done" for task in progress.tasks)
            raise Failure(f"{left}; no progress for {STALLED_S} seconds, see the functions' logs")
        time.sleep(POLL_S)


@dataclass(frozen=True, slots=True)
class IndexedProducts:
    """Each product is in the index with its document, or failed for a reason, or is lost, which must not happen."""

    documents: Mapping[str, Json]
    failed: Mapping[str, str]
    lost: Sequence[str]

    def pictures_a_second(self, began: datetime) -> float | None:
        """How many were written a second from ``began`` until the last one; None if all were there before."""
        times = [datetime.fromisoformat(document["indexed_at"]) for document in self.documents.values()]
        new = [time for time in times if time >= began]
        return len(new) / (max(new) - began).total_seconds() if new else None


def look_up(elasticsearch: Elasticsearch, alias: str, items: Sequence[CatalogueItem]) -> IndexedProducts:
    """Looks every product up in the index, and those that are not there among the outcomes."""
    elasticsearch.indices.refresh(index=f"{alias},{alias}-outcomes")
    found = documents(elasticsearch, alias)
    failures = _scan(elasticsearch, f"{alias}-outcomes", query={"term": {"state": "failed"}}, _source=["product_id", "reason"])
    reasons = {failure["product_id"]: failure["reason"] for failure in failures}
    ids = [item.product_id for item in items]
    return IndexedProducts(
        documents={product_id: found[product_id] for product_id in ids if product_id in found},
        failed={product_id: reasons[product_id] for product_id in ids if product_id not in found and product_id in reasons},
        lost=[product_id for product_id in ids if product_id not in found and product_id not in reasons],
    )


def documents(elasticsearch: Elasticsearch, alias: str) -> dict[str, Json]:
    """A document of each product that is indexed, by product id, with what the demo needs of it; none where there is no index."""
    if not elasticsearch.indices.exists_alias(name=alias):
        return {}
    return {found["product_id"]: found for found in _scan(elasticsearch, alias, _source=["product_id", "perceptual_hash", "indexed_at"])}


def _scan(elasticsearch: Elasticsearch, index: str, **query: object) -> Iterator[Json]:
    return (hit["_source"] for hit in helpers.scan(elasticsearch, index=index, query=query))


def sample_pixels(embedder: Embedder, items: Sequence[CatalogueItem]) -> list[Pixels]:
    """Some of the catalogue's pictures, decoded and scaled for the network."""
    size = embedder.model.input_size
    chosen = items[:: max(len(items) // SAMPLE, 1)][:SAMPLE]
    return [decoding.scale(decoding.decode(item.path.read_bytes(), at_least=size).pixels, embedder.model) for item in chosen]


def bare_pictures_a_second(embedder: Embedder, pixels: Sequence[Pixels]) -> float:
    """How many pictures the network alone embeds in a second, in batches of `BATCH`: the best of `ROUNDS`, after one to warm up."""
    batches = [pixels[start : start + BATCH] for start in range(0, len(pixels), BATCH)]
    rates = []
    for _ in range(1 + ROUNDS):
        start = time.perf_counter()
        for batch in batches:
            embedder.embed(batch)
        rates.append(len(pixels) / (time.perf_counter() - start))
    return max(rates[1:])
