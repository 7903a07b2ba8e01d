"""Backfills and where their slices stand, read and written by their ids so that nothing waits for a refresh."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from elasticsearch import ConflictError, Elasticsearch

from lookalike.adapters.elasticsearch_client import explained, make_index
from lookalike.adapters.elasticsearch_outcomes import ElasticsearchOutcomes
from lookalike.backfilling import Backfill, FieldNames, Position, Slice, SourceSpec, Tally
from lookalike.errors import IndexAway


class ElasticsearchBackfills:
    """Moving a slice on is a compare-and-set on the document's sequence number."""

    def __init__(self, client: Elasticsearch, name: str, definitions: Path, outcomes: ElasticsearchOutcomes) -> None:
        self._client = client
        self._name = name
        self._definitions = definitions
        self._outcomes = outcomes

    def backfill(self, backfill_id: str) -> Backfill | None:
        """A backfill, None if there is none."""
        with explained(self._name):
            found = self._client.options(ignore_status=404).get(index=self._name, id=backfill_id)
        return _backfill(found["_source"]) if found.get("found") else None

    def begin(self, backfill: Backfill, positions: Sequence[Position]) -> None:
        """Remembers a backfill and its slices, in place of an earlier run of it; the backfill last, so that it is never without them."""
        make_index(self._client, self._name, json.loads((self._definitions / "backfills.json").read_text()))
        operations: list[Mapping[str, Any]] = []
        for number, position in enumerate(positions):
            operations += [{"index": {"_id": _slice_id(backfill.backfill_id, number)}}, _slice_document(backfill.backfill_id, position, 0)]
        with explained(self._name):
            if operations and self._client.bulk(index=self._name, operations=operations)["errors"]:
                raise IndexAway("where the slices begin could not be written")
            self._client.index(index=self._name, id=backfill.backfill_id, document=_backfill_document(backfill))

    def slices(self, backfill_id: str) -> Sequence[Slice]:
        """Where all slices stand."""
        backfill = self.backfill(backfill_id)
        if backfill is None:
            return []
        ids = [_slice_id(backfill_id, number) for number in range(backfill.slices)]
        with explained(self._name):
            found = self._client.mget(index=self._name, ids=ids)["docs"]
        return [_slice(backfill_id, number, document) for number, document in enumerate(found)]

    def slice(self, backfill_id: str, number: int) -> Slice:
        """Where a slice stands."""
        with explained(self._name):
            return _slice(backfill_id, number, self._client.get(index=self._name, id=_slice_id(backfill_id, number)).body)

    def advance(self, slice_: Slice, position: Position | None, read: int) -> Slice | None:
        """Moves a slice on; None if somebody else did since it was read."""
        seq_no, primary_term = slice_.version
        with explained(self._name):
            try:
                written = self._client.index(
                    index=self._name,
                    id=_slice_id(slice_.backfill_id, slice_.number),
                    document=_slice_document(slice_.backfill_id, position, read),
                    if_seq_no=seq_no,
                    if_primary_term=primary_term,
                )
            except ConflictError:
                return None
        return Slice(slice_.backfill_id, slice_.number, position, read, (written["_seq_no"], written["_primary_term"]))

    def tally(self, backfill_id: str, run: int) -> Tally:
        """What became of the products so far."""
        return self._outcomes.tally(backfill_id, run)


def _slice_id(backfill_id: str, number: int) -> str:
    return f"{backfill_id}:{number}"


def _slice_document(backfill_id: str, position: Position | None, read: int) -> dict[str, Any]:
    return {"kind": "slice", "backfill_id": backfill_id, "position": position, "read": read}


def _slice(backfill_id: str, number: int, found: Mapping[str, Any]) -> Slice:
    source = found["_source"]
    return Slice(backfill_id, number, source["position"], source["read"], (found["_seq_no"], found["_primary_term"]))


def _backfill_document(backfill: Backfill) -> dict[str, Any]:
    return asdict(backfill) | {"kind": "backfill", "started_at": backfill.started_at.isoformat()}


def _backfill(source: Mapping[str, Any]) -> Backfill:
    spec, fields = source["spec"], source["spec"]["fields"]
    attributes = fields["attributes"]
    names = FieldNames(fields["id"], fields["image_urls"], tuple(attributes) if isinstance(attributes, list) else attributes)
    return Backfill(
        source["backfill_id"],
        source["run"],
        SourceSpec(spec["index"], spec["query"], names),
        source["total"],
        source["slices"],
        datetime.fromisoformat(source["started_at"]),
    )
