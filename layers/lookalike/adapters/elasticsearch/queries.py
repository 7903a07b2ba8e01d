"""Query bodies, built by pure functions."""

from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from typing import Any

from lookalike.domain import Origin, Vector
from lookalike.filters import All, AnyOf, Exists, Filter, Not, Range, Terms
from lookalike.search.ports import Selection

Body = dict[str, Any]

MIN_CANDIDATES = 200
MAX_CANDIDATES = 10_000
"""Elasticsearch's own limit."""

MAX_PRECISION = 40_000
"""Up to this many products are counted exactly, or very nearly; above, within some per cent. Elasticsearch's own limit."""

HIT_FIELDS = ["product_id", "image_id", "image_url", "attributes", "perceptual_hash"]


def knn(vector: Vector, selection: Selection, *, k: int, size: int) -> Body:
    """The approximate nearest pictures; of each product the best one, so that fewer than ``size`` can come out of k pictures.

    How many candidates are rescored with their full vectors is the index's own setting, ``rescore_vector.oversample``.
    """
    return {
        "knn": {
            "field": "image_vector",
            "query_vector": vector.tolist(),
            "k": k,
            "num_candidates": min(MAX_CANDIDATES, max(MIN_CANDIDATES, 2 * k)),
            "filter": selected(selection),
        },
        **_once(selection),
        "size": size,
        "_source": HIT_FIELDS,
    }


def exact(vector: Vector, selection: Selection, *, size: int) -> Body:
    """Every picture is scored with ``1 / (1 + l2norm)``, as the reference system does; of each product the best one is kept."""
    return {
        "query": {
            "script_score": {
                "query": {"bool": {"filter": [{"exists": {"field": "image_vector"}}, *selected(selection)]}},
                "script": {"source": "1 / (1 + l2norm(params.vector, 'image_vector'))", "params": {"vector": vector.tolist()}},
            }
        },
        **_once(selection),
        "size": size,
        "_source": HIT_FIELDS,
    }


def diverse(vector: Vector, image_ids: Iterable[str], *, size: int, diversity: float) -> Body:
    """Those of the pictures that are near and yet unlike each other: maximal marginal relevance.

    After Carbonell and Goldstein, "The use of MMR" (1998); Elasticsearch's ``lambda`` is the share that being near has.
    """
    among = list(image_ids)
    knn = {
        "field": "image_vector",
        "query_vector": vector.tolist(),
        "k": len(among),
        "num_candidates": max(MIN_CANDIDATES, len(among)),
        "filter": [_among(among)],
    }
    diversify = {
        "type": "mmr",
        "field": "image_vector",
        "query_vector": vector.tolist(),
        "lambda": 1 - diversity,
        "size": size,
        "rank_window_size": len(among),
        "retriever": {"knn": knn},
    }
    return {"retriever": {"diversify": diversify}, "size": size, "_source": False}


def selected(selection: Selection) -> list[Body]:
    """What a picture must pass to be a hit."""
    clauses = [filter_clause(selection.filter)]
    if selection.among is not None:
        clauses.append(_among(sorted(selection.among)))
    left_out = [
        {"terms": {field: sorted(values)}}
        for field, values in (("product_id", selection.without), ("image_id", selection.without_images))
        if values
    ]
    return [*clauses, {"bool": {"must_not": left_out}}] if left_out else clauses


def exact_score(knn_score: float) -> float:
    """``1 / (1 + d)`` from Elasticsearch's ``1 / (1 + d²)`` for ``l2_norm``."""
    return 1 / (1 + sqrt(max(0.0, 1 / knn_score - 1)))


def filter_clause(given: Filter) -> Body:
    """A filter as a query."""
    match given:
        case Terms(attribute, values):
            return {"terms": {f"keyword.{attribute}": list(values)}}
        case Range(attribute, bounds):
            return {"range": {f"number.{attribute}": dict(bounds)}}
        case Exists(attribute):
            return {"exists": {"field": f"keyword.{attribute}"}}
        case All(filters):
            return {"bool": {"filter": [filter_clause(each) for each in filters]}}
        case AnyOf(filters):
            return {"bool": {"should": [filter_clause(each) for each in filters], "minimum_should_match": 1}}
        case Not(inner):
            return {"bool": {"must_not": [filter_clause(inner)]}}


def field_of(condition: Terms | Range | Exists) -> str:
    """The index's field that answers a condition."""
    return f"{'number' if isinstance(condition, Range) else 'keyword'}.{condition.attribute}"


def has_field(field: str) -> Body:
    """Is there any document with this field?"""
    return {"query": {"exists": {"field": field}}, "size": 0, "terminate_after": 1, "track_total_hits": 1}


def by_content(content_sha256s: Iterable[str]) -> Body:
    """Pictures with these bytes, one for each, with their vectors."""
    wanted = list(content_sha256s)
    return {
        "query": {"terms": {"content_sha256": wanted}},
        "collapse": {"field": "content_sha256"},
        "size": len(wanted),
        "_source": ["content_sha256", "perceptual_hash", "width", "height"],
        "fields": ["image_vector"],
    }


def stored_of(product_id: str, *, size: int) -> Body:
    """A product's pictures with their vectors, the first indexed first."""
    return {"query": {"term": {"product_id": product_id}}, "sort": ["indexed_at", "image_id"], "size": size, **_STORED}


def stored(image_id: str) -> Body:
    """A picture with its vector."""
    return {"query": {"term": {"image_id": image_id}}, "size": 1, **_STORED}


def pictures_of(product_id: str, fields: Sequence[str], *, size: int) -> Body:
    """A product's pictures without their vectors, the first indexed first."""
    return {"query": {"term": {"product_id": product_id}}, "sort": ["indexed_at", "image_id"], "size": size, "_source": list(fields)}


def attribute_names(*, size: int) -> Body:
    """The attributes that most pictures have."""
    return {"size": 0, "aggs": {"names": {"terms": {"field": "attribute_names", "size": size}}}}


def attribute_values(names: Iterable[str], *, size: int) -> Body:
    """The most frequent values of each attribute, and the bounds of its numbers; by the attributes' places, for names may be anything."""
    aggregations: Body = {}
    for number, name in enumerate(names):
        aggregations[f"values-{number}"] = {"terms": {"field": f"keyword.{name}", "size": size}}
        aggregations[f"least-{number}"] = {"min": {"field": f"number.{name}"}}
        aggregations[f"most-{number}"] = {"max": {"field": f"number.{name}"}}
    return {"size": 0, "aggs": aggregations}


def totals() -> Body:
    """How many pictures and products there are, and when the last came in."""
    products = {"cardinality": {"field": "product_id", "precision_threshold": MAX_PRECISION}}
    return {"size": 0, "track_total_hits": True, "aggs": {"products": products, "last": {"max": {"field": "indexed_at"}}}}


def deleted_products(as_of: Mapping[str, int]) -> Body:
    """The pictures of deleted products: those from the products queue, and uploads that were indexed by then (epoch milliseconds)."""
    gone = [
        {"bool": {"filter": [{"term": {"product_id": product_id}}], "should": [_FROM_PRODUCTS, _indexed_by(at)], "minimum_should_match": 1}}
        for product_id, at in as_of.items()
    ]
    return {"query": {"bool": {"should": gone, "minimum_should_match": 1}}}


_FROM_PRODUCTS: Body = {"term": {"origin": "products"}}


def _indexed_by(epoch_ms: int) -> Body:
    return {"range": {"indexed_at": {"lte": epoch_ms, "format": "epoch_millis"}}}


def images_of(product_ids: Iterable[str], origin: Origin, *, after: str, size: int) -> Body:
    """The products' pictures of this origin, in the order of their ids, behind the id ``after``."""
    clauses = [{"terms": {"product_id": list(product_ids)}}, {"term": {"origin": origin}}]
    body: Body = {"query": {"bool": {"filter": clauses}}, "sort": ["image_id"], "size": size, "_source": ["product_id"]}
    return body | {"search_after": [after]} if after else body


_STORED: Body = {"_source": ["image_id", "product_id", "perceptual_hash"], "fields": ["image_vector"]}


def _once(selection: Selection) -> Body:
    return {"collapse": {"field": "product_id"}} if selection.per == "product" else {}


def _among(image_ids: Sequence[str]) -> Body:
    return {"terms": {"image_id": list(image_ids)}}
