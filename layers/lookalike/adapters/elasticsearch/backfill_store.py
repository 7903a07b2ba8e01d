"""Backfills and the positions of their slices, read and written by document id so that nothing waits for a refresh."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from elasticsearch import ConflictError, Elasticsearch

from lookalike.adapters.elasticsearch.client import definition, ensure_index, translate_errors
from lookalike.backfill.model import Backfill, BackfillStore, BucketSpec, CurrentSpec, FieldNames, IndexSpec, Position, Slice, SourceSpec
from lookalike.errors import IndexUnavailable

CONFLICTS = 20
"""How often a slice that is advanced meanwhile is marked again; it is advanced once a page."""

_KINDS: Mapping[str, type[IndexSpec] | type[BucketSpec] | type[CurrentSpec]] = {
    "index": IndexSpec,
    "bucket": BucketSpec,
    "current": CurrentSpec,
}


class ElasticsearchBackfillStore(BackfillStore):
    """Advancing a slice is a compare-and-set on the document's sequence number."""

    def __init__(self, client: Elasticsearch, name: str) -> None:
        self._client = client
        self._name = name

    def backfill(self, backfill_id: str) -> Backfill | None:
        with translate_errors(self._name):
            found = self._client.options(ignore_status=404).get(index=self._name, id=backfill_id)
        return _backfill(found["_source"]) if found.get("found") else None

    def backfills(self, most: int) -> Sequence[Backfill]:
        with translate_errors(self._name):
            found = self._client.options(ignore_status=404).search(
                index=self._name, query={"term": {"kind": "backfill"}}, sort=[{"started_at": "desc"}], size=most
            )
        return [_backfill(hit["_source"]) for hit in found["hits"]["hits"]] if "hits" in found else []

    def begin(self, backfill: Backfill, positions: Sequence[Position]) -> None:
        self._ensure()
        operations: list[Mapping[str, Any]] = []
        for number, position in enumerate(positions):
            operations += [{"index": {"_id": _slice_id(backfill.backfill_id, number)}}, _slice_document(backfill.backfill_id, position, 0)]
        with translate_errors(self._name):
            if operations and self._client.bulk(index=self._name, operations=operations)["errors"]:
                raise IndexUnavailable("the first positions of the slices could not be written")
            self._client.index(index=self._name, id=backfill.backfill_id, document=_backfill_document(backfill))

    def slices(self, backfill_id: str) -> Sequence[Slice]:
        backfill = self.backfill(backfill_id)
        if backfill is None or not backfill.slices:
            return []
        with translate_errors(self._name):
            found = self._client.mget(index=self._name, ids=_slice_ids(backfill))["docs"]
        return [_slice(backfill_id, number, document) for number, document in enumerate(found)]

    def slice(self, backfill_id: str, number: int) -> Slice:
        with translate_errors(self._name):
            return _slice(backfill_id, number, self._client.get(index=self._name, id=_slice_id(backfill_id, number)).body)

    def advance(self, slice_: Slice, position: Position | None, read: int) -> Slice | None:
        seq_no, primary_term = slice_.version
        self._ensure()
        with translate_errors(self._name):
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
        backfill = self.backfill(backfill_id)
        for id_ in _slice_ids(backfill) if backfill else ():
            with translate_errors(self._name):
                self._client.update(index=self._name, id=id_, doc={"is_cancelled": is_cancelled}, retry_on_conflict=CONFLICTS)

    def _ensure(self) -> None:
        """Before every write: Elasticsearch would create an index that was deleted meanwhile, without its mapping."""
        ensure_index(self._client, self._name, definition("backfills"))


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
        full_run=source.get("full_run", source["run"]),
    )


def _spec(kind: str, stored: Mapping[str, Any]) -> SourceSpec:
    if kind != "index":
        return _KINDS[kind](**stored)
    attributes = stored["fields"]["attributes"]
    names = FieldNames(**{**stored["fields"], "attributes": tuple(attributes) if isinstance(attributes, list) else attributes})
    return IndexSpec(**{**stored, "fields": names})
