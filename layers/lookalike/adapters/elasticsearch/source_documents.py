"""Converts documents of a backfill's source to products."""

import json
from collections.abc import Mapping
from functools import partial
from math import isfinite
from typing import Any

from more_itertools import collapse

from lookalike.backfill import addresses
from lookalike.backfill.model import FieldNames, IndexSpec, SourceDocument
from lookalike.domain import Product

MAX_ID_BYTES = 512
_SCALARS = (str, int, float)
_PLAIN = frozenset({int, bool, type(None)})


def source_document(hit: Mapping[str, Any], fields: FieldNames) -> SourceDocument:
    """The product that a document describes, or the reason why it describes none."""
    key = f"{hit['_index']}/{hit['_id']}"
    source = hit.get("_source")
    if source is None:
        return SourceDocument(key, fault=f"the document {hit['_id']!r} has no _source: its index does not store it")
    if not _can_be_sent(source):
        return SourceDocument(key, fault=f"the document {hit['_id']!r} has a lone surrogate, or a number that is too large")
    ids = (
        [hit["_id"]] if fields.id is None else [_as_id(value) for value in _multi_values(source, fields.id) if isinstance(value, _SCALARS)]
    )
    if len(ids) != 1 or not (id_ := ids[0]):
        return SourceDocument(key, fault=f"the document {hit['_id']!r} has no single value as {fields.id!r} to be the product's id")
    if len(id_.encode()) > MAX_ID_BYTES:
        return SourceDocument(key, fault=f"the document {hit['_id']!r} has an id of more than {MAX_ID_BYTES} bytes")
    return SourceDocument(
        key, Product(id_, addresses.read(fields, partial(_multi_values, {**source, "_id": hit["_id"]})), _attributes(source, fields))
    )


def too_many(spec: IndexSpec, hit: Mapping[str, Any], size: int) -> SourceDocument:
    """The failure that is recorded for documents with the same id that do not fit into one page."""
    id_ = str(hit["sort"][0])[:MAX_ID_BYTES]
    return SourceDocument(
        f"{hit['_index']}/{spec.fields.id}={id_}", fault=f"more than {size} documents have the id {id_!r}: some of them were left out"
    )


def _attributes(source: Mapping[str, Any], fields: FieldNames) -> dict[str, Any]:
    if isinstance(fields.attributes, str):
        found = [value for value in _values(source, fields.attributes) if isinstance(value, dict)]
        return found[0] if found else {}
    if fields.attributes is None:
        attributes = dict(source)
        attributes.pop(fields.image_urls, None)
        if fields.id is not None:
            attributes.pop(fields.id, None)
        return attributes
    named = {name: _values(source, name) for name in fields.attributes}
    return {name: values[0] if len(values) == 1 else values for name, values in named.items() if values}


def _multi_values(source: Mapping[str, Any], path: str) -> list[Any]:
    """The values at a path; for a multi-field such as ``sku.keyword`` those of its parent field."""
    return _values(source, path) or _values(source, path.rpartition(".")[0])


def _as_id(value: str | int | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _can_be_sent(source: Mapping[str, Any]) -> bool:
    """Whether a document can be encoded as JSON in UTF-8; a product that cannot would fail its whole message."""
    if all(map(_is_plain, (*source, *source.values()))):
        return True  # the usual case, faster than encoding it
    try:
        json.dumps(source, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return False
    return True


def _is_plain(value: Any) -> bool:
    if type(value) is str:
        return value.isascii()
    return type(value) in _PLAIN or (type(value) is float and isfinite(value))


def _values(document: Mapping[str, Any], path: str) -> list[Any]:
    """The values at a dotted path through objects and lists; names may contain dots themselves."""
    found = _flat(document[path]) if path in document else []
    dots = [at for at, sign in enumerate(path) if sign == "."] if "." in path else []
    for at in dots:
        inner = _flat(document.get(path[:at]))
        found += [value for each in inner if isinstance(each, dict) for value in _values(each, path[at + 1 :])]
    return found


def _flat(value: Any) -> list[Any]:
    """A value, or the values of nested lists, without nulls."""
    if not isinstance(value, list):  # the usual case, much faster than flattening
        return [] if value is None else [value]
    return [each for each in collapse(value, base_type=dict) if each is not None]
