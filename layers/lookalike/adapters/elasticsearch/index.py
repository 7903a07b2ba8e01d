"""One index of pictures in Elasticsearch, as indexing writes it and searching reads it."""

from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
from elastic_transport import ObjectApiResponse
from elasticsearch import BadRequestError, Elasticsearch
from elasticsearch.helpers import pack_dense_vector

from lookalike.adapters.elasticsearch import queries
from lookalike.adapters.elasticsearch.client import bulk, documents, of_status, translate_errors
from lookalike.attributes import numbers, texts
from lookalike.domain import Embedding, Hit, IndexedPicture, Origin, StoredPicture, Vector
from lookalike.errors import IndexMissing, LookalikeError, RequestInvalid
from lookalike.filters import Exists, Filter, Range, Terms, conditions
from lookalike.indexing.ports import WritableIndex
from lookalike.search.ports import (
    LEAST_K,
    MAX_K,
    AttributeValue,
    FilterableAttribute,
    FilterWarning,
    NearestHits,
    SearchableIndex,
    Selection,
    Totals,
    key,
)

MAX_BULK_BYTES = 10_000_000
PAGE = 10_000
"""Documents of one answer: Elasticsearch's limit."""

MAX_DROPPED = 100
"""Up to this many excluded hits are requested and dropped, which is faster than a filter, which Lucene evaluates on every picture."""

WHOLE: Mapping[str, Any] = {"allow_partial_search_results": False}
"""An error in place of an answer without the hits of a shard that failed."""

_STORED = [field.name for field in fields(IndexedPicture)]


def document(picture: IndexedPicture, vector: Vector) -> dict[str, Any]:
    """The document of a picture, with its vector as base64, a fraction of the size of JSON numbers."""
    stored = {name: getattr(picture, name) for name in _STORED}
    keyword = texts(picture.attributes)
    return stored | {
        "image_id": picture.image_id,
        "indexed_at": picture.indexed_at.isoformat(),
        "image_vector": pack_dense_vector(vector),
        "keyword": keyword,
        "attribute_names": list(keyword),
        "number": numbers(picture.attributes),
    }


def indexed_picture(source: Mapping[str, Any]) -> IndexedPicture:
    """The picture of a document."""
    values: dict[str, Any] = {name: source.get(name) for name in _STORED}
    values["indexed_at"] = datetime.fromisoformat(source["indexed_at"])
    return IndexedPicture(**values)


class ElasticsearchIndex(WritableIndex, SearchableIndex):
    """A concrete index, not an alias, so that an index only ever gets vectors of its own model.

    Args:
        placeholders: perceptual hashes of placeholder pictures: searches leave them out, and no product is searched by them.
    """

    def __init__(self, client: Elasticsearch, name: str, placeholders: frozenset[str] = frozenset()) -> None:
        self._client = client
        self.name = name
        self._placeholders = placeholders
        self._unmapped: set[str] = set()
        self._packs = True

    def pictures(self, image_ids: Iterable[str]) -> dict[str, IndexedPicture]:
        found = documents(self._client, self.name, list(image_ids), _STORED)
        return {image_id: indexed_picture(each["_source"]) for image_id, each in found.items()}

    def embedded(self, content_sha256s: Iterable[str]) -> dict[str, Embedding]:
        wanted = list(content_sha256s)
        if not wanted:
            return {}
        return {
            hit["_source"]["content_sha256"]: Embedding(
                _vector(hit), hit["_source"]["perceptual_hash"], hit["_source"]["width"], hit["_source"]["height"]
            )
            for hit in self._packed(partial(queries.by_content, wanted))["hits"]["hits"]
        }

    def images_of(self, product_ids: Iterable[str], origin: Origin) -> dict[str, str]:
        wanted, found = list(product_ids), dict[str, str]()
        while len(hits := self._search(queries.images_of(wanted, origin, after=max(found, default=""), size=PAGE))) == PAGE:
            found |= {hit["_id"]: hit["_source"]["product_id"] for hit in hits}
        return found | {hit["_id"]: hit["_source"]["product_id"] for hit in hits}

    def write(self, put: Iterable[tuple[IndexedPicture, Vector]], delete: Iterable[str]) -> dict[str, LookalikeError]:
        actions = [
            *({"_op_type": "index", "_id": picture.image_id, **document(picture, vector)} for picture, vector in put),
            *({"_op_type": "delete", "_id": image} for image in delete),
        ]
        with translate_errors(self.name):
            if actions and not self._client.indices.exists(index=self.name):  # a bulk request would create it, without its mapping
                raise IndexMissing(f"the index {self.name!r} is gone")
        answers = bulk(self._client, self.name, actions, max_chunk_bytes=MAX_BULK_BYTES)
        return {image: _refusal(answer) for image, answer in answers.items() if "error" in answer}

    def delete_products(self, as_of: Mapping[str, int]) -> None:
        if not as_of:
            return
        body = queries.deleted_products(as_of)
        with translate_errors(self.name):
            self._client.indices.refresh(index=self.name)
            self._client.delete_by_query(index=self.name, **body, conflicts="proceed", refresh=True)

    def stored_of(self, product_id: str, limit: int) -> Sequence[StoredPicture]:
        body = partial(queries.stored_of, product_id, self._placeholders, size=limit)
        return [_stored(hit) for hit in self._packed(body)["hits"]["hits"]]

    def stored(self, image_id: str) -> StoredPicture | None:
        return next((_stored(hit) for hit in self._packed(partial(queries.stored, image_id))["hits"]["hits"]), None)

    def pictures_of(self, product_id: str, limit: int) -> Sequence[IndexedPicture]:
        return [indexed_picture(hit["_source"]) for hit in self._search(queries.pictures_of(product_id, _STORED, size=limit))]

    def attributes(self, limit: int, values: int) -> Sequence[FilterableAttribute]:
        names = self._aggregations(queries.attribute_names(size=limit))["names"]["buckets"]
        counted = {bucket["key"]: bucket["doc_count"] for bucket in names}
        found = self._aggregations(queries.attribute_values(counted, size=values)) if counted else {}
        return [_attribute(name, pictures, found, number) for number, (name, pictures) in enumerate(counted.items())]

    def totals(self) -> Totals:
        with translate_errors(self.name):
            answer = self._answer(queries.totals())
        last = answer["aggregations"]["last"].get("value_as_string")
        at = datetime.fromisoformat(last) if last else None
        return Totals(answer["aggregations"]["products"]["value"], answer["hits"]["total"]["value"], at)

    def warnings(self, given: Filter) -> Sequence[FilterWarning]:
        asked = list(dict.fromkeys(_asked(condition) for condition in conditions(given)))
        if not asked:
            return ()
        with translate_errors(self.name):
            searches = [part for each in asked for part in (WHOLE, queries.can_be_met(each))]
            answers = self._client.msearch(index=self.name, searches=searches)["responses"]
        found = [_first_hit(answer) for answer in answers]
        self._unmapped |= {each.attribute for each, hit in zip(asked, found, strict=True) if hit and queries.is_unmapped(hit)}
        return [_warning(each) for each, hit in zip(asked, found, strict=True) if not hit]

    def nearest(self, vector: Vector, selection: Selection, *, k: int, size: int) -> NearestHits:
        asked, dropped = _without_dropped(self._shown(selection))
        with_dropped = k * (size + len(dropped)) // max(size, LEAST_K // 2)  # so that what is dropped has its share of wider requests too
        k = min(MAX_K, max(k, with_dropped))
        answer = self._packed(
            lambda is_packed: (
                queries.knn(vector, asked, k=k, size=size + len(dropped), is_packed=is_packed) | self._unmapped_numbers(selection.filter)
            )
        )
        hits = [_hit(hit, queries.exact_score(hit["_score"])) for hit in answer["hits"]["hits"]]
        kept = [hit for hit in hits if key(hit, selection.per) not in dropped]
        return NearestHits(kept[:size], is_all=answer["hits"]["total"]["value"] < k)

    def exact(self, vector: Vector, selection: Selection, *, size: int) -> Sequence[Hit]:
        body = queries.exact(vector, self._shown(selection), size=size) | self._unmapped_numbers(selection.filter)
        return [_hit(hit, hit["_score"]) for hit in self._search(body)]

    def diverse(self, vector: Vector, image_ids: Iterable[str], *, size: int, diversity: float) -> frozenset[str]:
        return frozenset(hit["_id"] for hit in self._search(queries.diverse(vector, image_ids, size=size, diversity=diversity)))

    def _shown(self, selection: Selection) -> Selection:
        return replace(selection, without_hashes=self._placeholders)

    def _unmapped_numbers(self, given: Filter) -> queries.Body:
        """Runtime mappings for ranges over numbers without a mapped field; `warnings` has found out which these are."""
        ranges = {condition.attribute for condition in conditions(given) if isinstance(condition, Range)}
        return queries.unmapped_numbers(sorted(ranges & self._unmapped))

    def _aggregations(self, body: queries.Body) -> dict[str, Any]:
        with translate_errors(self.name):
            found: dict[str, Any] = self._answer(body)["aggregations"]
            return found

    def _packed(self, body: Callable[..., queries.Body]) -> ObjectApiResponse[Any]:
        """Searches with vectors as base64, or as JSON numbers on servers before 9.4."""
        with translate_errors(self.name):
            try:
                return self._answer(body(is_packed=self._packs))
            except BadRequestError:
                if not self._packs:
                    raise
            answer = self._answer(body(is_packed=False))
            self._packs = False
            return answer

    def _search(self, body: queries.Body) -> list[dict[str, Any]]:
        with translate_errors(self.name):
            hits: list[dict[str, Any]] = self._answer(body)["hits"]["hits"]
            return hits

    def _answer(self, body: queries.Body) -> ObjectApiResponse[Any]:
        return self._client.search(index=self.name, **body, **WHOLE)


def _refusal(item: Mapping[str, Any]) -> LookalikeError:
    reason = item["error"]["reason"] if isinstance(item.get("error"), Mapping) else str(item.get("error"))
    if item["status"] == 400:
        return RequestInvalid(f"Elasticsearch refuses the product: {reason}")
    return of_status(item["status"], reason)


def _asked(condition: Terms | Range | Exists) -> Range | Exists:
    """A condition without its values: does the attribute exist, or exist as a number?"""
    return Range(condition.attribute, ()) if isinstance(condition, Range) else Exists(condition.attribute)


def _first_hit(answer: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if "error" in answer:
        raise of_status(answer["status"], str(answer["error"]))
    return next(iter(answer["hits"]["hits"]), None)


def _warning(condition: Range | Exists) -> FilterWarning:
    form = "a number or a date" if isinstance(condition, Range) else "a value"
    name = condition.attribute
    return FilterWarning(f"filter.{name}", f"no product has {form} in the attribute {name!r}: check its name")


def _without_dropped(selection: Selection) -> tuple[Selection, frozenset[str]]:
    """Splits exclusions: the selection for the filter, and the ids of hits to drop from the answer, which requests that many more."""
    if selection.per == "product" and len(selection.without) <= MAX_DROPPED:
        return replace(selection, without=frozenset()), selection.without
    if selection.per == "image" and len(selection.without_images) <= MAX_DROPPED:
        return replace(selection, without_images=frozenset()), selection.without_images
    return selection, frozenset()


def _vector(hit: Mapping[str, Any]) -> Vector:
    """The vector of a hit, which has it as base64 of big-endian floats or as JSON numbers."""
    [*values] = hit["fields"]["image_vector"]
    if isinstance(values[0], str):
        return np.frombuffer(b64decode(values[0]), ">f4").astype(np.float32)
    return np.asarray(values, dtype=np.float32).ravel()


def _stored(hit: Mapping[str, Any]) -> StoredPicture:
    source = hit["_source"]
    return StoredPicture(source["image_id"], source["product_id"], source["perceptual_hash"], _vector(hit))


def _attribute(name: str, pictures: int, found: Mapping[str, Any], number: int) -> FilterableAttribute:
    values = [AttributeValue(bucket["key"], bucket["doc_count"]) for bucket in found[f"values-{number}"]["buckets"]]
    return FilterableAttribute(name, pictures, values, found[f"least-{number}"]["value"], found[f"most-{number}"]["value"])


def _hit(hit: Mapping[str, Any], score: float) -> Hit:
    source = hit["_source"]
    return Hit(
        source["product_id"], source["image_id"], source["image_url"], score, source.get("attributes", {}), source["perceptual_hash"]
    )
