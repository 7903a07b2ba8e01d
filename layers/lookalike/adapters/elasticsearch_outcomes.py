"""What became of each product of each backfill, one small document each."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch
from elasticsearch.helpers import streaming_bulk

from lookalike.adapters.elasticsearch_client import explained, make_index
from lookalike.backfilling import Tally
from lookalike.errors import IndexAway
from lookalike.products import ProductOutcome

BULK_RETRIES = 3


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
        actions = [_action(outcome, now) for outcome in outcomes]
        if not actions:
            return
        self._make()
        with explained(self._name):
            for is_done, result in streaming_bulk(self._client, actions, index=self._name, max_retries=BULK_RETRIES, raise_on_error=False):
                [(operation, item)] = result.items()
                if not is_done and (operation, item["status"]) != ("delete", 404):
                    raise IndexAway(f"an outcome could not be written: {item.get('error')}")

    def tally(self, backfill_id: str, run: int) -> Tally:
        """How many products of a run were indexed, unchanged, and failed for which reason."""
        self._make()
        with explained(self._name):
            found = self._client.search(index=self._name, **tally_body(backfill_id, run))["aggregations"]
        by_state = {bucket["key"]: bucket for bucket in found["states"]["buckets"]}
        failed = by_state.get("failed", {}).get("codes", {}).get("buckets", [])
        last = found["last"]["value"]
        return Tally(
            indexed=by_state.get("indexed", {}).get("doc_count", 0),
            unchanged=by_state.get("unchanged", {}).get("doc_count", 0),
            failed={bucket["key"]: bucket["doc_count"] for bucket in failed},
            last_at=datetime.fromtimestamp(last / 1000, UTC) if last else None,
        )

    def _make(self) -> None:
        if not self._is_made:
            make_index(self._client, self._name, json.loads((self._definitions / "outcomes.json").read_text()))
            self._is_made = True


def tally_body(backfill_id: str, run: int) -> dict[str, Any]:
    """The query behind `ElasticsearchOutcomes.tally`."""
    return {
        "query": {"bool": {"filter": [{"term": {"backfill_id": backfill_id}}, {"term": {"run": run}}]}},
        "size": 0,
        "aggs": {
            "states": {"terms": {"field": "state"}, "aggs": {"codes": {"terms": {"field": "code", "size": 50}}}},
            "last": {"max": {"field": "at"}},
        },
    }


def _action(outcome: ProductOutcome, now: datetime) -> dict[str, Any]:
    scope = outcome.backfill_id or outcome.origin
    key = {"_id": blake2b(f"{scope}\0{outcome.key}".encode(), digest_size=16).hexdigest()}
    if outcome.backfill_id is None and outcome.state != "failed":
        return {"_op_type": "delete", **key}
    return {
        "_op_type": "index",
        **key,
        "backfill_id": scope,
        "run": outcome.run,
        "product_id": outcome.product_id,
        "state": outcome.state,
        "code": outcome.code,
        "reason": outcome.reason,
        "image_url": outcome.image_url,
        "at": now.isoformat(),
    }
