"""What became of each item of each backfill, one small document each."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from elasticsearch import Elasticsearch
from elasticsearch.helpers import streaming_bulk

from lookalike.adapters.elasticsearch.client import definition, ensure_index, translate_errors
from lookalike.backfill.outcomes import RECENT_S, OutcomeCounts, OutcomeStore, StoredOutcome
from lookalike.errors import IndexUnavailable
from lookalike.indexing.outcomes import ItemOutcome

BULK_RETRIES = 3
MAX_CODES = 50

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Stored:
    """The run and the state of an outcome that is stored."""

    run: int
    state: str


_NOTHING = _Stored(-1, "")


class ElasticsearchOutcomeStore(OutcomeStore):
    """Failures are stored for every item; successes only for a backfill's items, which its status counts."""

    def __init__(self, client: Elasticsearch, name: str) -> None:
        self._client = client
        self._name = name

    def record(self, outcomes: Iterable[ItemOutcome]) -> None:
        latest = {_id_of(outcome): outcome for outcome in outcomes}
        stored = self._stored([id_ for id_, outcome in latest.items() if outcome.backfill_id])
        self._write(_actions(outcome for id_, outcome in latest.items() if stored.get(id_, _NOTHING).run <= outcome.run))

    def mark_queued(self, queued: Iterable[ItemOutcome]) -> None:
        latest = {_id_of(outcome): outcome for outcome in queued}
        stored = self._stored(latest)
        self._write(_actions(outcome for id_, outcome in latest.items() if stored.get(id_, _NOTHING).run < outcome.run), refresh=True)

    def record_given_up(self, failures: Iterable[ItemOutcome]) -> None:
        latest = {_id_of(failure): failure for failure in failures}
        stored = self._stored(latest)
        actions = _actions(failure for id_, failure in latest.items() if _is_unsettled(stored.get(id_, _NOTHING), failure.run))
        self._write(actions, refresh=True)

    def remove(self, backfill_id: str, keys: Iterable[str]) -> None:
        self._write([{"_op_type": "delete", "_id": _id(backfill_id, key)} for key in keys], refresh=True)

    def counts(self, backfill_id: str, run: int, full_run: int) -> OutcomeCounts:
        found = self._search(counts_body(backfill_id, run, full_run))["aggregations"]
        of_run = found["run"]
        by_state = {bucket["key"]: bucket for bucket in of_run["states"]["buckets"]}
        count = {state: bucket["doc_count"] for state, bucket in by_state.items()}
        last = of_run["last"]["value"]
        return OutcomeCounts(
            indexed=count.get("indexed", 0),
            unchanged=count.get("unchanged", 0),
            failed=_by_code(by_state.get("failed", {})),
            last_at=datetime.fromtimestamp(last / 1000, UTC) if last else None,
            deleted=count.get("deleted", 0),
            queued=found["queued"]["doc_count"],
            recent=of_run["recent"]["doc_count"],
            failures=_by_code(found["failures"]),
        )

    def failures(
        self, backfill_id: str, full_run: int, *, code: str | None = None, after: str | None = None, size: int, with_queued: bool = False
    ) -> Sequence[StoredOutcome]:
        states = {"terms": {"state": ["failed", "queued"] if with_queued else ["failed"]}}
        codes = [{"term": {"code": code}}] if code else []
        return self._listed(_of_runs(backfill_id, {"gte": full_run}, states, *codes), after, size)

    def of_earlier_runs(self, backfill_id: str, run: int, *, after: str | None = None, size: int) -> Sequence[StoredOutcome]:
        return self._listed(_of_runs(backfill_id, {"lt": run}), after, size)

    def count_of_earlier_runs(self, backfill_id: str, run: int) -> int:
        self._refresh()
        with translate_errors(self._name):
            return int(self._client.count(index=self._name, query=_of_runs(backfill_id, {"lt": run}))["count"])

    def _stored(self, ids: Collection[str]) -> dict[str, _Stored]:
        """The outcomes that are stored, by document id."""
        if not ids:
            return {}
        self._ensure()
        with translate_errors(self._name):
            found = self._client.mget(index=self._name, ids=list(ids), source_includes=["run", "state"])["docs"]
        return {document["_id"]: _Stored(**document["_source"]) for document in found if document.get("found")}

    def _listed(self, query: Body, after: str | None, size: int) -> Sequence[StoredOutcome]:
        self._refresh()
        body: Body = {"query": query, "sort": [{"key": "asc"}], "size": size, "track_total_hits": False}
        hits = self._search(body | {"search_after": [after]} if after is not None else body)["hits"]["hits"]
        return [_stored_outcome(hit["_source"]) for hit in hits]

    def _search(self, body: Body) -> Mapping[str, Any]:
        self._ensure()
        with translate_errors(self._name):
            found: Mapping[str, Any] = self._client.search(index=self._name, **body).body
            return found

    def _refresh(self) -> None:
        self._ensure()
        with translate_errors(self._name):
            self._client.indices.refresh(index=self._name)

    def _write(self, actions: Sequence[Body], *, refresh: bool = False) -> None:
        if not actions:
            return
        self._ensure()
        with translate_errors(self._name):
            results = streaming_bulk(
                self._client, actions, index=self._name, max_retries=BULK_RETRIES, raise_on_error=False, refresh=refresh
            )
            for is_done, result in results:
                [(operation, item)] = result.items()
                if not is_done and (operation, item["status"]) != ("delete", 404):
                    raise IndexUnavailable(f"an outcome could not be written: {item.get('error')}")

    def _ensure(self) -> None:
        """Before every use: a bulk request would create an index that was deleted meanwhile, without its mapping."""
        ensure_index(self._client, self._name, definition("outcomes"))


def counts_body(backfill_id: str, run: int, full_run: int) -> Body:
    """The query behind `ElasticsearchOutcomeStore.counts`."""
    by_code = {"codes": {"terms": {"field": "code", "size": MAX_CODES}}}
    recent = {"bool": {"must_not": [{"term": {"state": "queued"}}], "filter": [{"range": {"at": {"gte": f"now-{RECENT_S}s"}}}]}}
    of_run = {"states": {"terms": {"field": "state"}, "aggs": by_code}, "last": {"max": {"field": "at"}}, "recent": {"filter": recent}}
    return {
        "query": _of_runs(backfill_id, {"gte": full_run}),
        "size": 0,
        "aggs": {
            "run": {"filter": {"term": {"run": run}}, "aggs": of_run},
            "queued": {"filter": {"term": {"state": "queued"}}},
            "failures": {"filter": {"term": {"state": "failed"}}, "aggs": by_code},
        },
    }


def _of_runs(backfill_id: str, runs: Body, *more: Body) -> Body:
    return {"bool": {"filter": [{"term": {"backfill_id": backfill_id}}, {"range": {"run": runs}}, *more]}}


def _by_code(bucket: Mapping[str, Any]) -> dict[str, int]:
    return {code["key"]: code["doc_count"] for code in bucket.get("codes", {}).get("buckets", [])}


def _stored_outcome(source: Mapping[str, Any]) -> StoredOutcome:
    return StoredOutcome(
        source["key"],
        source["product_id"],
        source["state"],
        source["image_url"],
        source["code"],
        source["reason"],
        source["at"],
        source["run"],
    )


def _is_unsettled(stored: _Stored, run: int) -> bool:
    return stored.run < run or (stored.run == run and stored.state == "queued")


def _id(scope: str, key: str) -> str:
    return blake2b(f"{scope}\0{key}".encode(), digest_size=16).hexdigest()


def _id_of(outcome: ItemOutcome) -> str:
    return _id(outcome.backfill_id or outcome.origin, outcome.key)


def _actions(outcomes: Iterable[ItemOutcome]) -> list[Body]:
    now = datetime.now(UTC)
    return [_action(outcome, now) for outcome in outcomes]


def _action(outcome: ItemOutcome, now: datetime) -> Body:
    key = {"_id": _id_of(outcome)}
    if outcome.backfill_id is None and outcome.state != "failed":
        return {"_op_type": "delete", **key}
    return {
        "_op_type": "index",
        **key,
        "backfill_id": outcome.backfill_id or outcome.origin,
        "run": outcome.run,
        "key": outcome.key,
        "product_id": outcome.product_id,
        "state": outcome.state,
        "code": outcome.code,
        "reason": outcome.reason,
        "image_url": outcome.image_url,
        "at": now.isoformat(),
    }
