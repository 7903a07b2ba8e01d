"""What a source's documents are sorted by, so that those of one product come together: a field, or the ids as a script reads them.

The script serves where the indices of a pattern have the id under different types, or where it cannot be sorted by. It reads an index's
own field if that has the same text as the document, else the document itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SORTABLE = frozenset({"keyword", "long", "integer", "short", "byte", "unsigned_long", "constant_keyword", "wildcard"})
AS_WRITTEN = frozenset({"keyword", "constant_keyword", "long", "integer", "short", "byte"})
"""Types whose stored values are as the document has them."""

SCRIPTED = "lookalike_id"
"""The name of the field that the script makes, in one request."""

_SCRIPT = """
void collect(def at, def path, int from, List found) {
  if (at instanceof List) { for (def each : at) { collect(each, path, from, found) } return; }
  if (from == path.size()) { if (at != null && !(at instanceof Map)) { found.add(at.toString()) } return; }
  if (!(at instanceof Map)) { return; }
  String name = path[from];
  for (int to = from + 1; to <= path.size(); to++) {
    if (at.containsKey(name)) { collect(at.get(name), path, to, found) }
    if (to < path.size()) { name = name + '.' + path[to] }
  }
}
String field = params.fields.get(doc['_index'].value);
if (field != null && doc[field].size() > 0) { for (def each : doc[field]) { emit(each.toString()) } return; }
List found = new ArrayList();
collect(params._source, params.path, 0, found);
for (String each : found) { emit(each) }
"""


@dataclass(frozen=True, slots=True)
class Key:
    """What to sort by.

    Args:
        field: its name.
        kind: its type, for indices that appear later and do not know it.
        fields: for `SCRIPTED`, each index's own field that has the id as the document has it; indices without one are left out.
    """

    field: str
    kind: str = "keyword"
    fields: Mapping[str, str] | None = None

    @property
    def as_json(self) -> dict[str, Any]:
        """The key as a part of a slice's position."""
        return {"field": self.field, "kind": self.kind} | ({} if self.fields is None else {"fields": dict(self.fields)})


def asked(id_: str) -> list[str]:
    """The fields of which `key_of` must know: the id's, its sub-field ``keyword``, and those around it."""
    return [f"{id_}.keyword", id_, *(id_[:at] for at, sign in enumerate(id_) if sign == ".")]


def key_of(id_: str, known: Mapping[str, Mapping[str, Any]], indices: Sequence[str]) -> Key:
    """What sorts by the product's id in all of the indices.

    Args:
        id_: the id's field, a dotted path.
        known: the answer of ``_field_caps`` with ``include_unmapped``, for `asked`.
        indices: the source's indices.
    """
    names = (id_, f"{id_}.keyword")
    if any("nested" in known.get(name, {}) for name in asked(id_)):
        return Key(SCRIPTED, fields={})  # documents of their own, by whose fields the outer ones are not sorted
    for name in names:
        kinds = known.get(name, {})
        if len(kinds) == 1:
            [(kind, caps)] = kinds.items()
            if kind in SORTABLE and caps["aggregatable"]:
                return Key(name, kind)
    fields: dict[str, str] = {}
    for name in names:
        for kind, caps in known.get(name, {}).items():
            if kind in AS_WRITTEN:
                fields |= {index: name for index in _aggregatable(caps, indices) if index not in fields}
    return Key(SCRIPTED, fields=fields)


def runtime(position: Mapping[str, Any], id_: str | None) -> dict[str, Any]:
    """What a request needs to sort by `SCRIPTED`; nothing for other fields."""
    if SCRIPTED not in (position.get("field"), position.get("without")) or id_ is None:
        return {}
    params = {"fields": position.get("fields", {}), "path": id_.split(".")}
    return {"runtime_mappings": {SCRIPTED: {"type": "keyword", "script": {"source": _SCRIPT, "params": params}}}}


def _aggregatable(caps: Mapping[str, Any], indices: Sequence[str]) -> set[str]:
    """The indices in which a field has this type and stored values."""
    without = caps.get("non_aggregatable_indices")
    return set(caps.get("indices", indices)) - set(without or ()) if caps["aggregatable"] or without else set()
