"""Messages that failed too often, one document each."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk

from lookalike.adapters.elasticsearch.client import definition, ensure_index, translate_errors
from lookalike.backfill.dead_letters import DeadLetter, DeadLetterStore, QueueName
from lookalike.errors import IndexUnavailable

MAX_BACKFILLS = 1000

_FIELDS = ("queue", "message_id", "body", "sent_ms", "reason", "backfill_id")


class ElasticsearchDeadLetterStore(DeadLetterStore):
    """Dead letters in an index of their own."""

    def __init__(self, client: Elasticsearch, name: str) -> None:
        self._client = client
        self._name = name

    def put(self, letters: Iterable[DeadLetter]) -> None:
        self._write({"_id": _id(letter), **{name: getattr(letter, name) for name in _FIELDS}} for letter in letters)

    def page(self, queue: QueueName | None = None, backfill_id: str | None = None, *, size: int) -> Sequence[DeadLetter]:
        wanted = {"queue": queue, "backfill_id": backfill_id}
        terms = [{"term": {name: value}} for name, value in wanted.items() if value is not None]
        found = self._search(query={"bool": {"filter": terms}}, sort=[{"sent_ms": "asc"}], size=size)
        return [DeadLetter(**hit["_source"]) for hit in found["hits"]["hits"]]

    def counts(self) -> Mapping[str, Mapping[str, int]]:
        queues = {"queues": {"terms": {"field": "queue"}}}
        found = self._search(size=0, aggs={"backfills": {"terms": {"field": "backfill_id", "size": MAX_BACKFILLS}, "aggs": queues}})
        backfills = found["aggregations"]["backfills"]["buckets"] if "aggregations" in found else []
        return {backfill["key"]: {each["key"]: each["doc_count"] for each in backfill["queues"]["buckets"]} for backfill in backfills}

    def remove(self, letters: Iterable[DeadLetter]) -> None:
        self._write({"_op_type": "delete", "_id": _id(letter)} for letter in letters)

    def remove_of(self, backfill_id: str, queue: QueueName) -> None:
        terms = [{"term": {"backfill_id": backfill_id}}, {"term": {"queue": queue}}]
        query = {"bool": {"filter": terms}}
        with translate_errors(self._name):
            self._client.delete_by_query(index=self._name, query=query, conflicts="proceed", refresh=True, ignore_unavailable=True)

    def _search(self, **body: Any) -> Mapping[str, Any]:
        """Finds nothing where nothing was stored yet."""
        with translate_errors(self._name):
            found: Mapping[str, Any] = self._client.search(index=self._name, ignore_unavailable=True, **body).body
            return found

    def _write(self, actions: Iterable[dict[str, Any]]) -> None:
        listed = list(actions)
        if not listed:
            return
        ensure_index(self._client, self._name, definition("dead_letters"))
        with translate_errors(self._name):
            _, errors = bulk(self._client, listed, index=self._name, raise_on_error=False, refresh=True)
        faults = [error for error in errors if "delete" not in error] if isinstance(errors, list) else []
        if faults:
            raise IndexUnavailable(f"a dead letter could not be stored: {faults[0]}")


def _id(letter: DeadLetter) -> str:
    return blake2b(f"{letter.queue}\0{letter.message_id}".encode(), digest_size=16).hexdigest()
