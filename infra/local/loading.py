"""Gets a catalogue indexed through both doors, waits for it, and accounts for every product."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from elasticsearch import Elasticsearch, helpers

from infra.local.catalogue import CatalogueItem
from infra.local.invocation import Invoke

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType

BACKFILL_FUNCTION = "lookalike-backfill"
PRODUCTS_A_MESSAGE = 50
POLL_S = 0.5
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

    def new_since(self, moment: datetime) -> int:
        """How many pictures were written from this moment on; the others were there before."""
        return sum(document.indexed_at >= moment for document in self.documents.values())


def wait_until_empty(sqs: "SQSClient", queue_url: str, total: int, progress: Progress) -> None:
    """Returns when a queue that ``total`` messages were put into is empty and nobody works on a message of it.

    Raises:
        Stalled: it does not get shorter.
    """

    def left() -> int:
        attributes = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=_UNDER_WAY)["Attributes"]
        return sum(int(attributes.get(name, 0)) for name in _UNDER_WAY)

    _wait(lambda: max(total - left(), 0), total, progress, f"the queue {queue_url}")


def backfill(invoke: Invoke, source: Json, total: int, progress: Progress) -> Json:
    """Starts a backfill, waits for its end, and returns its last status.

    Raises:
        CommandRefused: the function does not do it.
        Stalled: it does not go on.
    """
    backfill_id = _command(invoke, {"action": "start", "source": source})["backfill_id"]
    status: Json = {}

    def done() -> int:
        status.update(_command(invoke, {"action": "status", "backfill_id": backfill_id}))
        settled: int = status["indexed"] + status["unchanged"] + sum(status["failed"].values())
        return total if status["state"] == "finished" else min(settled, total - 1)

    _wait(done, total, progress, f"the backfill {backfill_id}")
    return status


def _command(invoke: Invoke, command: Json) -> Json:
    answer: Json = invoke(BACKFILL_FUNCTION, command)
    if "error" in answer:
        raise CommandRefused(f"{command['action']}: {answer['error']['message']}")
    return answer


def delete_others(sqs: "SQSClient", queue_url: str, elasticsearch: Elasticsearch, alias: str, items: Sequence[CatalogueItem]) -> int:
    """Has products deleted that an earlier run indexed and the catalogue has no more, and waits for it. Returns how many."""
    if not elasticsearch.indices.exists_alias(name=alias):
        return 0
    others = sorted({document.product_id for document in _documents(elasticsearch, alias)} - {item.product_id for item in items})
    for start in range(0, len(others), PRODUCTS_A_MESSAGE):
        sqs.send_message(QueueUrl=queue_url, MessageBody=json.dumps({"delete": others[start : start + PRODUCTS_A_MESSAGE]}))
    wait_until_empty(sqs, queue_url, len(others), lambda _: None)
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


def _wait(done: Callable[[], int], total: int, progress: Progress, what: str) -> None:
    most, moved_at = -1, time.monotonic()
    while (now := done()) < total:
        if now > most:
            most, moved_at = now, time.monotonic()
        if time.monotonic() - moved_at > STALLED_S:
            raise Stalled(f"{what}: {now} of {total} are done, and nothing has moved for {STALLED_S} seconds; see the functions' logs")
        progress(now)
        time.sleep(POLL_S)
    progress(total)
