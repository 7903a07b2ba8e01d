"""Backfills and where their slices stand, read and written by their ids so that nothing waits for a refresh."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from elasticsearch import ConflictError, Elasticsearch

from lookalike.adapters.elasticsearch_client import explained, make_index
from lookalike.backfills import Backfill, BucketSpec, CurrentSpec, FieldNames, IndexSpec, Position, Slice, SourceSpec
from lookalike.errors import IndexAway

CONFLICTS = 20
"""How often a slice that moves on is marked anew; it moves on once a page."""

_KINDS: Mapping[str, type[IndexSpec] | type[BucketSpec] | type[CurrentSpec]] = {
    "index": IndexSpec,
    "bucket": BucketSpec,
    "current": CurrentSpec,
}


class ElasticsearchBackfills:
    """Moving a slice on is a compare-and-set on the document's sequence number."""

    def __init__(self, client: Elasticsearch, name: str, definitions: Path) -> None:
        self._client = client
        self._name = name
        self._definitions = definitions

    def backfill(self, backfill_id: str) -> Backfill | None:
        """A backfill, None if there is none."""
        with explained(self._name):
            found = self._client.options(ignore_status=404).get(index=self._name, id=backfill_id)
        return _backfill(found["_source"]) if found.get("found") else None

    def backfills(self, most: int) -> Sequence[Backfill]:
        """All of them, the newest first, a moment's delay allowed."""
        with explained(self._name):
            found = self._client.options(ignore_status=404).search(
                index=self._name, query={"term": {"kind": "backfill"}}, sort=[{"started_at": "desc"}], size=most
            )
        return [_backfill(hit["_source"]) for hit in found["hits"]["hits"]] if "hits" in found else []

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
        if backfill is None or not backfill.slices:
            return []
        with explained(self._name):
            found = self._client.mget(index=self._name, ids=_slice_ids(backfill))["docs"]
        return [_slice(backfill_id, number, document) for number, document in enumerate(found)]

    def slice(self, backfill_id: str, number: int) -> Slice:
        """Where a slice stands."""
        with explained(self._name):
            return _slice(backfill_id, number, self._client.get(index=self._name, id=_slice_id(backfill_id, number)).body)

    def advance(self, slice_: Slice, position: Position | None, read: int) -> Slice | None:
        """Moves a slice on; None if somebody else touched it since it was read."""
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

    def set_cancelled(self, backfill_id: str, is_cancelled: bool) -> None:
        """Marks every slice, so that whoever reads one cannot move it on."""
        backfill = self.backfill(backfill_id)
        for id_ in _slice_ids(backfill) if backfill else ():
            with explained(self._name):
                self._client.update(index=self._name, id=id_, doc={"is_cancelled": is_cancelled}, retry_on_conflict=CONFLICTS)


def _slice_id(backfill_id: str, number: int) -> str:
    return f"{backfill_id}:{number}"


def _slice_ids(backfill: Backfill) -> list[str]:
    return [_slice_id(backfill.backfill_id, number) for number in range(backfill.slices)]


def _slice_document(backfill_id: str, position: Position | None, read: int) -> dict[str, Any]:
    return {"kind": "slice", "backfill_id": backfill_id, "position": position, "read": read, "is_cancelled": False}


def _slice(backfill_id: str, number: int, found: Mapping[str, Any]) -> Slice:
    source = found["_source"]
    version = found["_seq_no"], found["_primary_term"]
    return Slice(backfill_id, number, source["position"], source["read"], version, source.get("is_cancelled", False))


def _backfill_document(backfill: Backfill) -> dict[str, Any]:
    [kind] = [name for name, spec in _KINDS.items() if isinstance(backfill.spec, spec)]
    return asdict(backfill) | {"kind": "backfill", "source": kind, "started_at": backfill.started_at.isoformat()}


def _backfill(source: Mapping[str, Any]) -> Backfill:
    return Backfill(
        source["backfill_id"],
        source["run"],
        _spec(source.get("source", "index"), source["spec"]),
        source["total"],
        source["slices"],
        datetime.fromisoformat(source["started_at"]),
        into=source.get("into"),
        is_unique=source.get("is_unique", True),
    )


def _spec(kind: str, stored: Mapping[str, Any]) -> SourceSpec:
    if kind != "index":
        return _KINDS[kind](**stored)
    fields = stored["fields"]
    attributes = fields["attributes"]
    names = FieldNames(fields["id"], fields["image_urls"], tuple(attributes) if isinstance(attributes, list) else attributes)
    return IndexSpec(**{**stored, "fields": names})
