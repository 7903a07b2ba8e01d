"""Gets a catalogue indexed through both doors, waits for it, and accounts for every product."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from elasticsearch import Elasticsearch, helpers
from lookalike import pictures
from lookalike.errors import LookalikeError

from infra.local.catalogue import CatalogueItem
from infra.local.invocation import Invoke

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType

BACKFILL_FUNCTION = "lookalike-backfill"
POLL_S = 0.25
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
    lost: Sequence[str] = field(default=())

    def new_since(self, moment: datetime) -> int:
        """How many pictures were written from this moment on; the others were there before."""
        return sum(document.indexed_at >= moment for document in self.documents.values())


def wait_for_uploads(sqs: "SQSClient", queue_url: str, total: int, progress: Progress) -> None:
    """Returns when the queue of uploads is empty and nobody works on a message of it.

    Raises:
        Stalled: it does not get shorter.
    """

    def left() -> int:
        attributes = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=_UNDER_WAY)["Attributes"]
        return sum(int(attributes.get(name, 0)) for name in _UNDER_WAY)

    _wait(lambda: max(total - left(), 0), total, progress, "the bucket's pictures")


def backfill(invoke: Invoke, source: Json, progress: Progress) -> Json:
    """Starts a backfill, waits for its end, and returns its last status.

    Raises:
        Stalled: it does not go on.
    """
    started = invoke(BACKFILL_FUNCTION, {"action": "start", "source": source})
    command = {"action": "status", "backfill_id": started["backfill_id"]}
    status: Json = {}

    def done() -> int:
        status.update(invoke(BACKFILL_FUNCTION, command))
        return sum(status[count] for count in ("indexed", "unchanged", "failed"))

    _wait(done, started["total"], progress, f"the backfill {started['backfill_id']}")
    return status


def failures(invoke: Invoke, backfill_id: str) -> dict[str, str]:
    """The products that a backfill could not index, with the reason."""
    page: Json = {"action": "failures", "backfill_id": backfill_id}
    found: dict[str, str] = {}
    while True:
        answer = invoke(BACKFILL_FUNCTION, page)
        found |= {failure["product_id"]: failure["reason"] for failure in answer["failures"]}
        if not answer.get("next"):
            return found
        page["after"] = answer["next"]


def account(elasticsearch: Elasticsearch, alias: str, items: Sequence[CatalogueItem], backfill_failures: Mapping[str, str]) -> Account:
    """Looks every product up in the index, and for those that are not there for the reason."""
    elasticsearch.indices.refresh(index=alias)
    documents = {document.product_id: document for document in _documents(elasticsearch, alias)}
    missing = [item for item in items if item.product_id not in documents]
    reasons = {item.product_id: backfill_failures.get(item.product_id) or _fault_of(item) for item in missing}
    return Account(
        documents={item.product_id: documents[item.product_id] for item in items if item.product_id in documents},
        failed={product_id: reason for product_id, reason in reasons.items() if reason},
        lost=[product_id for product_id, reason in reasons.items() if not reason],
    )


def _documents(elasticsearch: Elasticsearch, alias: str) -> list[Document]:
    fields = ["product_id", "image_id", "perceptual_hash", "indexed_at"]
    found = (hit["_source"] for hit in helpers.scan(elasticsearch, index=alias, _source=fields))
    return [Document(**source | {"indexed_at": datetime.fromisoformat(source["indexed_at"])}) for source in found]


def _fault_of(item: CatalogueItem) -> str | None:
    """Why an uploaded picture is refused: the bucket's door says so in its log only, so the same check is made here."""
    try:
        pictures.decode(item.path.read_bytes(), at_least=(1, 1))
    except LookalikeError as error:
        return str(error)
    return None


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
