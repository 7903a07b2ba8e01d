"""Gets a catalogue indexed through both doors, waits for it, and accounts for every product."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from elasticsearch import Elasticsearch, helpers
from lookalike.pipeline import batched
from lookalike.products import PRODUCTS_A_MESSAGE

from infra.local.catalogue import CatalogueItem
from infra.local.invocation import Invoke

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType

BACKFILL_FUNCTION = "lookalike-backfill"
POLL_S = 1.0
STALLED_S = 300
"""After this long without a step forward the wait ends with an error."""

_UNDER_WAY: "tuple[QueueAttributeNameType, ...]" = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)

Json: TypeAlias = dict[str, Any]
Progress: TypeAlias = Callable[[int], None]
"""Told how many products are done."""


class Stalled(Exception):
    """Nothing moves any more; ``str(error)`` says what was waited for."""


class CommandRefused(Exception):
    """The backfill function's answer is an error; ``str(error)`` is its message."""


@dataclass(frozen=True, slots=True)
class Document:
    """What the index says of a picture, as far as a demonstration asks."""

    product_id: str
    image_id: str
    perceptual_hash: str
    indexed_at: datetime


@dataclass(frozen=True, slots=True)
class Account:
    """What became of every product: it is in the index, or it failed for a reason, or it is lost."""

    documents: Mapping[str, Document]
    failed: Mapping[str, str]
    lost: Sequence[str]

    def pictures_a_second(self, began: datetime) -> float | None:
        """How many were written a second from ``began`` until the last one; None if all were there before."""
        new = [document.indexed_at for document in self.documents.values() if document.indexed_at >= began]
        return len(new) / (max(new) - began).total_seconds() if new else None


@dataclass(frozen=True, slots=True)
class Awaited:
    """Something that goes on elsewhere: ``done`` counts how many of ``total`` are done, ``progress`` is told."""

    what: str
    total: int
    done: Callable[[], int]
    progress: Progress


def emptied(sqs: "SQSClient", queue_url: str, total: int, progress: Progress) -> Awaited:
    """A queue that ``total`` messages were put into is empty, and nobody works on a message of it."""

    def left() -> int:
        attributes = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=_UNDER_WAY)["Attributes"]
        return sum(int(attributes.get(name, 0)) for name in _UNDER_WAY)

    return Awaited(f"the queue {queue_url}", total, lambda: max(total - left(), 0), progress)


def backfilled(invoke: Invoke, source: Json, total: int, progress: Progress) -> Awaited:
    """A backfill, which is started here, has finished.

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
        Stalled: nothing of them goes on any more.
    """
    finished, moved_at = [-1] * len(awaited), time.monotonic()
    while finished != [each.total for each in awaited]:
        now = [each.done() for each in awaited]
        for each, count in zip(awaited, now, strict=True):
            each.progress(count)
        if sum(now) > sum(finished):
            moved_at = time.monotonic()
        finished = now
        if time.monotonic() - moved_at > STALLED_S:
            left = "; ".join(f"{each.what}: {count} of {each.total} are done" for each, count in zip(awaited, now, strict=True))
            raise Stalled(f"{left}; nothing has moved for {STALLED_S} seconds, see the functions' logs")
        time.sleep(POLL_S)


def command(invoke: Invoke, given: Json) -> Json:
    """Has the backfill function carry out a command.

    Raises:
        CommandRefused: its answer is an error.
    """
    answer: Json = invoke(BACKFILL_FUNCTION, given)
    if "error" in answer:
        raise CommandRefused(f"{given['action']}: {answer['error']['message']}")
    return answer


def delete_others(sqs: "SQSClient", queue_url: str, elasticsearch: Elasticsearch, alias: str, items: Sequence[CatalogueItem]) -> int:
    """Has products deleted that an earlier run indexed and the catalogue has no more, and waits for it. Returns how many."""
    if not elasticsearch.indices.exists_alias(name=alias):
        return 0
    others = sorted({document.product_id for document in _documents(elasticsearch, alias)} - {item.product_id for item in items})
    for some in batched(others, PRODUCTS_A_MESSAGE):
        sqs.send_message(QueueUrl=queue_url, MessageBody=json.dumps({"delete": some}))
    wait_for(emptied(sqs, queue_url, len(others), lambda _: None))
    return len(others)


def account(elasticsearch: Elasticsearch, alias: str, items: Sequence[CatalogueItem]) -> Account:
    """Looks every product up in the index, and those that are not there among the outcomes."""
    elasticsearch.indices.refresh(index=f"{alias},{alias}-outcomes")
    documents = {document.product_id: document for document in _documents(elasticsearch, alias)}
    reasons = _reasons(elasticsearch, f"{alias}-outcomes")
    missing = [item.product_id for item in items if item.product_id not in documents]
    return Account(
        documents={item.product_id: documents[item.product_id] for item in items if item.product_id in documents},
        failed={product_id: reasons[product_id] for product_id in missing if product_id in reasons},
        lost=[product_id for product_id in missing if product_id not in reasons],
    )


def _documents(elasticsearch: Elasticsearch, alias: str) -> list[Document]:
    fields = ["product_id", "image_id", "perceptual_hash", "indexed_at"]
    found = (hit["_source"] for hit in helpers.scan(elasticsearch, index=alias, query={"_source": fields}))
    return [Document(**source | {"indexed_at": datetime.fromisoformat(source["indexed_at"])}) for source in found]


def _reasons(elasticsearch: Elasticsearch, index: str) -> dict[str, str]:
    query = {"query": {"term": {"state": "failed"}}, "_source": ["product_id", "reason"]}
    found = (hit["_source"] for hit in helpers.scan(elasticsearch, index=index, query=query))
    return {source["product_id"]: source["reason"] for source in found}
