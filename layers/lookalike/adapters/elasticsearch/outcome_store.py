"""The outcomes of items in Elasticsearch, one small document for each item of each backfill."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from elasticsearch import Elasticsearch

from lookalike.adapters.elasticsearch.state_index import Body, StateIndex, document_id
from lookalike.backfill.outcomes import RECENT_S, OutcomeCounts, OutcomeStore, StoredOutcome
from lookalike.indexing.outcomes import ItemOutcome

MAX_CODES = 50

_FIELDS = [each.name for each in fields(StoredOutcome)]


@dataclass(frozen=True, slots=True)
class _Stored:
    """The run and state of a stored outcome; the defaults stand for a missing one."""

    run: int = -1
    state: str = ""


class ElasticsearchOutcomeStore(OutcomeStore):
    """Stores failures of every item, and successes of backfills' items only, because ``status`` counts them."""

    def __init__(self, client: Elasticsearch, name: str) -> None:
        self._index = StateIndex(client, name, "outcomes")

    def record(self, outcomes: Iterable[ItemOutcome]) -> None:
        self._store(outcomes, lambda stored, run: stored.run <= run)

    def mark_queued(self, queued: Iterable[ItemOutcome]) -> None:
        self._store(queued, lambda stored, run: stored.run < run, refresh=True)

    def record_dead_letters(self, failures: Iterable[ItemOutcome]) -> None:
        self._store(failures, lambda stored, run: stored.run < run or (stored.run == run and stored.state == "queued"), refresh=True)

    def _store(self, outcomes: Iterable[ItemOutcome], replaces: Callable[[_Stored, int], bool], *, refresh: bool = False) -> None:
        """Stores the last outcome of each item whose run ``replaces`` what is stored of the item."""
        latest = {_id(outcome): outcome for outcome in outcomes}
        found = self._index.documents([id_ for id_, outcome in latest.items() if outcome.backfill_id], ["run", "state"])
        stored = {id_: _Stored(**document["_source"]) for id_, document in found.items()}
        now = datetime.now(UTC)
        actions = [_action(id_, new, now) for id_, new in latest.items() if replaces(stored.get(id_, _Stored()), new.run)]
        self._index.write(actions, refresh=refresh)

    def remove(self, backfill_id: str, keys: Iterable[str]) -> None:
        self._index.write([{"_op_type": "delete", "_id": document_id(backfill_id, key)} for key in keys], refresh=True)

    def counts(self, backfill_id: str, run: int, full_run: int) -> OutcomeCounts:
        found = self._index.search(**counts_body(backfill_id, run, full_run))["aggregations"]
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
        self._index.refresh()
        found = self._index.search(query=_of_runs(backfill_id, {"lt": run}), size=0, track_total_hits=True)
        return int(found["hits"]["total"]["value"])

    def _listed(self, query: Body, after: str | None, size: int) -> Sequence[StoredOutcome]:
        self._index.refresh()
        behind = {} if after is None else {"search_after": [after]}
        hits = self._index.search(query=query, sort=[{"key": "asc"}], size=size, track_total_hits=False, **behind)["hits"]["hits"]
        return [StoredOutcome(**{name: hit["_source"][name] for name in _FIELDS}) for hit in hits]


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


def _id(outcome: ItemOutcome) -> str:
    return document_id(_scope(outcome), outcome.key)


def _scope(outcome: ItemOutcome) -> str:
    return outcome.backfill_id or outcome.origin


def _action(id_: str, outcome: ItemOutcome, now: datetime) -> Body:
    if outcome.backfill_id is None and outcome.state != "failed":
        return {"_op_type": "delete", "_id": id_}
    names = ("run", "key", "product_id", "state", "code", "reason", "image_url")
    document = {name: getattr(outcome, name) for name in names} | {"backfill_id": _scope(outcome), "at": now.isoformat()}
    return {"_id": id_, "_source": document}
