"""Backfills and the positions of their slices in Elasticsearch, read and written by document id, so that nothing depends on a refresh."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from elasticsearch import Elasticsearch

from lookalike.adapters.elasticsearch.state_index import Body, StateIndex
from lookalike.backfill.model import Backfill, BackfillStore, BucketSpec, CurrentSpec, FieldNames, IndexSpec, Position, Slice, SourceSpec
from lookalike.errors import IndexUnavailable, NotFound

CONFLICTS = 20
"""How often a slice that another process advances meanwhile is marked again; it is advanced once a page."""

_KINDS: Mapping[str, type[IndexSpec] | type[BucketSpec] | type[CurrentSpec]] = {
    "index": IndexSpec,
    "bucket": BucketSpec,
    "current": CurrentSpec,
}


class ElasticsearchBackfillStore(BackfillStore):
    """Advancing a slice is a compare-and-set on the document's sequence number."""

    def __init__(self, client: Elasticsearch, name: str) -> None:
        self._index = StateIndex(client, name, "backfills")

    def backfill(self, backfill_id: str) -> Backfill | None:
        found = self._index.documents([backfill_id])
        return _backfill(found[backfill_id]["_source"]) if found else None

    def backfills(self, most: int) -> Sequence[Backfill]:
        found = self._index.search(query={"term": {"kind": "backfill"}}, sort=[{"started_at": "desc"}], size=most)
        return [_backfill(hit["_source"]) for hit in found["hits"]["hits"]]

    def begin(self, backfill: Backfill, positions: Sequence[Position]) -> None:
        self._index.write([_slice_action(backfill.backfill_id, number, position, 0) for number, position in enumerate(positions)])
        self._index.write([{"_id": backfill.backfill_id, "_source": _backfill_document(backfill)}])

    def slices(self, backfill_id: str) -> Sequence[Slice]:
        backfill = self.backfill(backfill_id)
        ids = _slice_ids(backfill) if backfill else []
        found = self._index.documents(ids)
        return [_slice(backfill_id, number, found[id_]) for number, id_ in enumerate(ids)]

    def slice(self, backfill_id: str, number: int) -> Slice:
        found = self._index.documents([_slice_id(backfill_id, number)])
        if not found:
            raise NotFound(f"the backfill {backfill_id!r} has no slice {number}", field="slice")
        return _slice(backfill_id, number, found[_slice_id(backfill_id, number)])

    def advance(self, slice_: Slice, position: Position | None, read: int) -> Slice | None:
        seq_no, primary_term = slice_.version
        action, writer = _slice_action(slice_.backfill_id, slice_.number, position, read), str(uuid4())
        action["_source"]["writer"] = writer
        [written] = self._index.bulk([action | {"if_seq_no": seq_no, "if_primary_term": primary_term}]).values()
        if written["status"] == HTTPStatus.CONFLICT:
            return self._written_by(writer, slice_)
        if "error" in written:
            raise IndexUnavailable(f"the position of a slice could not be written: {written['error']}")
        return Slice(slice_.backfill_id, slice_.number, position, read, (written["_seq_no"], written["_primary_term"]))

    def _written_by(self, writer: str, slice_: Slice) -> Slice | None:
        """The slice as this writer wrote it: the client repeats a request whose answer was lost, and the repetition is a conflict."""
        id_ = _slice_id(slice_.backfill_id, slice_.number)
        found = self._index.documents([id_]).get(id_)
        there = _slice(slice_.backfill_id, slice_.number, found) if found and found["_source"].get("writer") == writer else None
        return there if there and not there.is_cancelled else None

    def set_cancelled(self, backfill_id: str, is_cancelled: bool) -> None:
        backfill = self.backfill(backfill_id)
        change = {"_op_type": "update", "retry_on_conflict": CONFLICTS, "doc": {"is_cancelled": is_cancelled}}
        self._index.write([{**change, "_id": id_} for id_ in (_slice_ids(backfill) if backfill else ())])


def _slice_id(backfill_id: str, number: int) -> str:
    return f"{backfill_id}:{number}"


def _slice_ids(backfill: Backfill) -> list[str]:
    return [_slice_id(backfill.backfill_id, number) for number in range(backfill.slices)]


def _slice_action(backfill_id: str, number: int, position: Position | None, read: int) -> Body:
    document = {"kind": "slice", "backfill_id": backfill_id, "position": position, "read": read, "is_cancelled": False}
    return {"_id": _slice_id(backfill_id, number), "_source": document}


def _slice(backfill_id: str, number: int, found: Mapping[str, Any]) -> Slice:
    source = found["_source"]
    version = found["_seq_no"], found["_primary_term"]
    return Slice(backfill_id, number, source["position"], source["read"], version, source.get("is_cancelled", False))


def _backfill_document(backfill: Backfill) -> dict[str, Any]:
    [kind] = [name for name, spec in _KINDS.items() if isinstance(backfill.spec, spec)]
    return asdict(backfill) | {"kind": "backfill", "source": kind, "started_at": backfill.started_at.isoformat()}


def _backfill(source: Mapping[str, Any]) -> Backfill:
    stored = {each.name: source[each.name] for each in fields(Backfill) if each.name in source}
    spec, started_at = _spec(source.get("source", "index"), source["spec"]), datetime.fromisoformat(source["started_at"])
    return Backfill(**{"full_run": source["run"], **stored, "spec": spec, "started_at": started_at})


def _spec(kind: str, stored: Mapping[str, Any]) -> SourceSpec:
    if kind != "index":
        return _KINDS[kind](**stored)
    attributes = stored["fields"]["attributes"]
    names = FieldNames(**{**stored["fields"], "attributes": tuple(attributes) if isinstance(attributes, list) else attributes})
    return IndexSpec(**{**stored, "fields": names})
