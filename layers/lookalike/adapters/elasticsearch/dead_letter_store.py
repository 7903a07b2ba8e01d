"""The dead letters in Elasticsearch, one document for each message."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from elasticsearch import Elasticsearch

from lookalike.adapters.elasticsearch.client import translate_errors
from lookalike.adapters.elasticsearch.state_index import StateIndex, document_id
from lookalike.backfill.dead_letters import DeadLetter, DeadLetterStore, QueueName

MAX_BACKFILLS = 1000

_FIELDS = ("queue", "message_id", "body", "sent_ms", "reason", "backfill_id")


class ElasticsearchDeadLetterStore(DeadLetterStore):
    """Stores dead letters in an index; every write is followed by a refresh."""

    def __init__(self, client: Elasticsearch, name: str) -> None:
        self._index = StateIndex(client, name, "dead_letters")

    def put(self, letters: Iterable[DeadLetter]) -> None:
        stored = [{"_id": _id(letter), "_source": {name: getattr(letter, name) for name in _FIELDS}} for letter in letters]
        self._index.write(stored, refresh=True)

    def page(self, queue: QueueName | None = None, backfill_id: str | None = None, *, size: int) -> Sequence[DeadLetter]:
        found = self._index.search(query=_query(queue, backfill_id), sort=[{"sent_ms": "asc"}], size=size)
        return [DeadLetter(**hit["_source"]) for hit in found["hits"]["hits"]]

    def counts(self) -> Mapping[str, Mapping[str, int]]:
        queues = {"queues": {"terms": {"field": "queue"}}}
        found = self._index.search(size=0, aggs={"backfills": {"terms": {"field": "backfill_id", "size": MAX_BACKFILLS}, "aggs": queues}})
        backfills = found["aggregations"]["backfills"]["buckets"]
        return {backfill["key"]: {each["key"]: each["doc_count"] for each in backfill["queues"]["buckets"]} for backfill in backfills}

    def remove(self, letters: Iterable[DeadLetter]) -> None:
        self._index.write([{"_op_type": "delete", "_id": _id(letter)} for letter in letters], refresh=True)

    def remove_of(self, backfill_id: str, queue: QueueName) -> None:
        index, query = self._index, _query(queue, backfill_id)
        with translate_errors(index.name):
            index.client.delete_by_query(index=index.name, query=query, conflicts="proceed", refresh=True, ignore_unavailable=True)


def _query(queue: QueueName | None, backfill_id: str | None) -> dict[str, Any]:
    wanted = {"queue": queue, "backfill_id": backfill_id}
    return {"bool": {"filter": [{"term": {name: value}} for name, value in wanted.items() if value is not None]}}


def _id(letter: DeadLetter) -> str:
    return document_id(letter.queue, letter.message_id)
