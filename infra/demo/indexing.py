"""Gets a catalogue indexed: half of it by uploads, half by a backfill of a shop's own index; and waits until that is done."""

import json
import time
from base64 import b64encode
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

from elasticsearch import Elasticsearch, helpers
from lookalike.domain import Attributes
from lookalike.picture_formats import media_type_of

from infra.demo.catalogue import CatalogueItem
from infra.local.invocation import Invoke, Json, command

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType

UPLOADS_AT_ONCE = 8
DELETIONS_A_MESSAGE = 50
POLL_S = 1.0
STALLED_S = 300
"""After so many seconds without progress the wait ends with an error."""

_UNFINISHED: "tuple[QueueAttributeNameType, ...]" = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)

Progress: TypeAlias = Callable[[int], None]
"""Told how many products are done."""


class Stalled(Exception):
    """There is no progress any more; ``str(error)`` says what was waited for."""


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
    helpers.bulk(elasticsearch, _documents(index, items, address), refresh="wait_for")


def _documents(index: str, items: Sequence[CatalogueItem], address: Callable[[CatalogueItem], str]) -> Iterator[dict[str, Any]]:
    for item in items:
        product = {"id": item.product_id, "image_url": address(item), **item.attributes}
        yield {"_index": index, "_id": quote(item.product_id), "_source": product}


@dataclass(frozen=True, slots=True)
class Awaited:
    """Work that goes on elsewhere: ``done`` counts how many of ``total`` products are done, ``progress`` is told."""

    what: str
    total: int
    done: Callable[[], int]
    progress: Progress


def deleted(sqs: "SQSClient", queue_url: str, product_ids: Sequence[str]) -> Awaited:
    """The deletion of products, which is started here."""
    for start in range(0, len(product_ids), DELETIONS_A_MESSAGE):
        body = json.dumps({"delete": product_ids[start : start + DELETIONS_A_MESSAGE]})
        sqs.send_message(QueueUrl=queue_url, MessageBody=body)
    return emptied(sqs, queue_url, len(product_ids), lambda _: None)


def emptied(sqs: "SQSClient", queue_url: str, total: int, progress: Progress) -> Awaited:
    """The handling of all messages of a queue that ``total`` messages were put into."""

    def left() -> int:
        attributes = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=_UNFINISHED)["Attributes"]
        return sum(int(attributes.get(name, 0)) for name in _UNFINISHED)

    return Awaited(f"the queue {queue_url}", total, lambda: max(total - left(), 0), progress)


def backfilled(invoke: Invoke, source: Json, total: int, progress: Progress) -> Awaited:
    """A backfill, which is started here.

    Raises:
        CommandRefused: the function does not do it.
    """
    backfill_id = command(invoke, {"action": "start", "source": source})["backfill_id"]

    def done() -> int:
        status = command(invoke, {"action": "status", "backfill_id": backfill_id})
        settled: int = status["indexed"] + status["unchanged"] + sum(status["failed"].values())
        return total if status["state"] == "finished" else min(settled, total - 1)

    return Awaited(f"the backfill {backfill_id}", total, done, progress)


def wait_for(*awaited: Awaited) -> None:
    """Returns when all of them are done.

    Raises:
        CommandRefused: a backfill cannot be asked about.
        Stalled: there is no progress any more.
    """
    counts, moved_at = [-1] * len(awaited), time.monotonic()
    while counts != [each.total for each in awaited]:
        before, counts = counts, [each.done() for each in awaited]
        for each, count in zip(awaited, counts, strict=True):
            each.progress(count)
        if sum(counts) > sum(before):
            moved_at = time.monotonic()
        if time.monotonic() - moved_at > STALLED_S:
            raise Stalled(f"{_left(awaited, counts)}; no progress for {STALLED_S} seconds, see the functions' logs")
        time.sleep(POLL_S)


def _left(awaited: Collection[Awaited], counts: Collection[int]) -> str:
    return "; ".join(f"{each.what}: {count} of {each.total} are done" for each, count in zip(awaited, counts, strict=True))
