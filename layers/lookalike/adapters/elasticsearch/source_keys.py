"""The key by which a source's documents are sorted, so that those of one product are adjacent: a field, or a scripted runtime field.

The script is used if the id has different types in the indices of a pattern, or a type that cannot be sorted by. It reads the field of an
index if that stores the same text as the document, else the document's ``_source``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

TEXTS = frozenset({"keyword", "constant_keyword", "wildcard"})
SORTABLE = TEXTS | {"long", "integer", "short", "byte", "unsigned_long"}

SCRIPTED = "lookalike_id"
"""The name of the scripted runtime field."""

_SCRIPT = resources.files(__package__).joinpath("product_id.painless").read_text()


@dataclass(frozen=True, slots=True)
class SortKey:
    """A field to sort by.

    Args:
        field: its name.
        kind: its type, for indices that have no such field (``unmapped_type``).
        fields: for `SCRIPTED`, by index the field that stores the id as the document has it; other indices are left out.
    """

    field: str
    kind: str = "keyword"
    fields: Mapping[str, str] | None = None

    @property
    def as_json(self) -> dict[str, Any]:
        """The key as a part of a slice's position, which is JSON."""
        return {"field": self.field, "kind": self.kind} | ({} if self.fields is None else {"fields": dict(self.fields)})


FROM_SOURCE = SortKey(SCRIPTED, fields={})
"""The ids as a script reads them from each document's ``_source``."""


def fields_asked(id_: str) -> list[str]:
    """The fields whose capabilities `sort_key` needs: the id's, its sub-field ``keyword``, and its parents."""
    return [f"{id_}.keyword", id_, *parents_of(id_)]


def parents_of(path: str) -> list[str]:
    """The fields that may contain the field at a dotted path."""
    return [path[:at] for at, sign in enumerate(path) if sign == "."]


def sort_key(id_: str, known: Mapping[str, Mapping[str, Any]], mappings: Mapping[str, Any]) -> SortKey:
    """The key that sorts by the product's id in all of the indices.

    Args:
        id_: the id's field, a dotted path.
        known: the answer of ``_field_caps`` with ``include_unmapped`` for `fields_asked`.
        mappings: the answer of ``_mapping/field`` for the id's field and its sub-field, if there are several indices.
    """
    names = (id_, f"{id_}.keyword")
    if any("nested" in known.get(name, {}) for name in fields_asked(id_)):
        return FROM_SOURCE  # nested objects are documents of their own, whose fields cannot sort the outer ones
    for name in names:
        kinds = known.get(name, {})
        if len(kinds) == 1:
            [(kind, caps)] = kinds.items()
            changes = {(mapping.get("normalizer"), mapping.get("ignore_above")) for _, mapping in _of(name, mappings)}
            if kind in SORTABLE and caps["aggregatable"] and len(changes) <= 1:
                return SortKey(name, kind)  # otherwise two indices may store the same id differently
    fields: dict[str, str] = {}
    for name in names:
        stored = _aggregatable(known.get(name, {}).get("keyword", {}), list(mappings)) - fields.keys()
        written = {index for index, mapping in _of(name, mappings) if (mapping.get("type"), mapping.get("normalizer")) == ("keyword", None)}
        fields |= dict.fromkeys(stored & written, name)
    return SortKey(SCRIPTED, fields=fields)


def _of(name: str, mappings: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The indices that have a field, each with the field's mapping."""
    for index, found in mappings.items():
        if name in found["mappings"]:
            yield index, next(iter(found["mappings"][name]["mapping"].values()), {})


def runtime_mapping(position: Mapping[str, Any], id_: str | None) -> dict[str, Any]:
    """The runtime mapping that a request needs to sort by `SCRIPTED`; empty for other fields."""
    if id_ is None or (position.get("field") != SCRIPTED and SCRIPTED not in position.get("without", ())):
        return {}
    params = {"fields": position.get("fields", {}), "path": id_.split(".")}
    return {"runtime_mappings": {SCRIPTED: {"type": "keyword", "script": {"source": _SCRIPT, "params": params}}}}


def _aggregatable(caps: Mapping[str, Any], indices: Sequence[str]) -> set[str]:
    """The indices in which a field of this type has doc values."""
    without = caps.get("non_aggregatable_indices")
    return set(caps.get("indices", indices)) - set(without or ()) if caps.get("aggregatable") or without else set()
