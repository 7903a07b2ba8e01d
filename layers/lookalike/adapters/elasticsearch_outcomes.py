"""What became of each unit of each backfill, one small document each."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch
from elasticsearch.helpers import streaming_bulk

from lookalike.adapters.elasticsearch_client import explained, make_index
from lookalike.backfills import RECENT_S, Remembered, Tally
from lookalike.errors import IndexAway
from lookalike.products import ProductOutcome

BULK_RETRIES = 3
MAX_CODES = 50

Body = dict[str, Any]


class ElasticsearchOutcomes:
    """Failures are kept for every product; successes for a backfill's, whose status counts them."""

    def __init__(self, client: Elasticsearch, name: str, definitions: Path) -> None:
        self._client = client
        self._name = name
        self._definitions = definitions
        self._is_made = False

    def record(self, outcomes: Iterable[ProductOutcome]) -> None:
        """Overwrites what was known of these products.

        Raises:
            IndexAway, Misconfigured: not all of it could be written.
        """
        now = datetime.now(UTC)
        self._write([_action(outcome, now) for outcome in outcomes])

    def claim(self, posted: Iterable[ProductOutcome]) -> None:
        """Records that units are under way, but not of those which have an outcome of the same run; seen at once."""
        now = datetime.now(UTC)
        actions = {action["_id"]: action for action in (_action(outcome, now) for outcome in posted)}
        if not actions:
            return
        self._make()
        with explained(self._name):
            found = self._client.mget(index=self._name, ids=list(actions), source_includes=["run"])["docs"]
        runs = {document["_id"]: document["_source"]["run"] for document in found if document.get("found")}
        self._write([action for id_, action in actions.items() if runs.get(id_) != action["run"]], refresh=True)

    def forget(self, backfill_id: str, keys: Iterable[str]) -> None:
        """Removes outcomes."""
        self._write([{"_op_type": "delete", "_id": _id(backfill_id, key)} for key in keys], refresh=True)

    def tally(self, backfill_id: str, run: int) -> Tally:
        """How many units of a run were indexed, unchanged, and failed for which reason."""
        found = self._search(tally_body(backfill_id, run))["aggregations"]
        by_state = {bucket["key"]: bucket for bucket in found["states"]["buckets"]}
        failed = by_state.get("failed", {}).get("codes", {}).get("buckets", [])
        count = {state: bucket["doc_count"] for state, bucket in by_state.items()}
        last = found["last"]["value"]
        return Tally(
            indexed=count.get("indexed", 0),
            unchanged=count.get("unchanged", 0),
            failed={bucket["key"]: bucket["doc_count"] for bucket in failed},
            last_at=datetime.fromtimestamp(last / 1000, UTC) if last else None,
            deleted=count.get("deleted", 0),
            posted=count.get("posted", 0),
            recent=found["recent"]["doc_count"],
        )

    def failures(
        self, backfill_id: str, run: int, *, code: str | None = None, after: str | None = None, size: int, posted: bool = False
    ) -> Sequence[Remembered]:
        """Failed units in the order of their keys; with ``posted`` also those that are known to be under way."""
        states = {"terms": {"state": ["failed", "posted"] if posted else ["failed"]}}
        codes = [{"term": {"code": code}}] if code else []
        return self._listed(_of_run(backfill_id, run, states, *codes), after, size)

    def earlier(self, backfill_id: str, run: int, *, after: str | None = None, size: int) -> Sequence[Remembered]:
        """Units of which only earlier runs know, in the order of their keys."""
        return self._listed(_before_run(backfill_id, run), after, size)

    def count_earlier(self, backfill_id: str, run: int) -> int:
        """How many of them."""
        self._refresh()
        with explained(self._name):
            return int(self._client.count(index=self._name, query=_before_run(backfill_id, run))["count"])

    def _listed(self, query: Body, after: str | None, size: int) -> Sequence[Remembered]:
        self._refresh()
        body: Body = {"query": query, "sort": [{"key": "asc"}], "size": size, "track_total_hits": False}
        hits = self._search(body | {"search_after": [after]} if after is not None else body)["hits"]["hits"]
        return [_remembered(hit["_source"]) for hit in hits]

    def _search(self, body: Body) -> Mapping[str, Any]:
        self._make()
        with explained(self._name):
            found: Mapping[str, Any] = self._client.search(index=self._name, **body).body
            return found

    def _refresh(self) -> None:
        self._make()
        with explained(self._name):
            self._client.indices.refresh(index=self._name)

    def _write(self, actions: Sequence[Body], *, refresh: bool = False) -> None:
        if not actions:
            return
        self._make()
        with explained(self._name):
            results = streaming_bulk(
                self._client, actions, index=self._name, max_retries=BULK_RETRIES, raise_on_error=False, refresh=refresh
            )
            for is_done, result in results:
                [(operation, item)] = result.items()
                if not is_done and (operation, item["status"]) != ("delete", 404):
                    raise IndexAway(f"an outcome could not be written: {item.get('error')}")

    def _make(self) -> None:
        if not self._is_made:
            make_index(self._client, self._name, json.loads((self._definitions / "outcomes.json").read_text()))
            self._is_made = True


def tally_body(backfill_id: str, run: int) -> Body:
    """The query behind `ElasticsearchOutcomes.tally`."""
    settled = {"bool": {"must_not": [{"term": {"state": "posted"}}], "filter": [{"range": {"at": {"gte": f"now-{RECENT_S}s"}}}]}}
    return {
        "query": _of_run(backfill_id, run),
        "size": 0,
        "aggs": {
            "states": {"terms": {"field": "state"}, "aggs": {"codes": {"terms": {"field": "code", "size": MAX_CODES}}}},
            "last": {"max": {"field": "at"}},
            "recent": {"filter": settled},
        },
    }


def _of_run(backfill_id: str, run: int, *more: Body) -> Body:
    return {"bool": {"filter": [{"term": {"backfill_id": backfill_id}}, {"term": {"run": run}}, *more]}}


def _before_run(backfill_id: str, run: int) -> Body:
    return {"bool": {"filter": [{"term": {"backfill_id": backfill_id}}, {"range": {"run": {"lt": run}}}]}}


def _remembered(source: Mapping[str, Any]) -> Remembered:
    return Remembered(
        source["key"], source["product_id"], source["state"], source["image_url"], source["code"], source["reason"], source["at"]
    )


def _id(scope: str, key: str) -> str:
    return blake2b(f"{scope}\0{key}".encode(), digest_size=16).hexdigest()


def _action(outcome: ProductOutcome, now: datetime) -> Body:
    scope = outcome.backfill_id or outcome.origin
    key = {"_id": _id(scope, outcome.key)}
    if outcome.backfill_id is None and outcome.state != "failed":
        return {"_op_type": "delete", **key}
    return {
        "_op_type": "index",
        **key,
        "backfill_id": scope,
        "run": outcome.run,
        "key": outcome.key,
        "product_id": outcome.product_id,
        "state": outcome.state,
        "code": outcome.code,
        "reason": outcome.reason,
        "image_url": outcome.image_url,
        "at": now.isoformat(),
    }
