"""Bodies of searches in an index of pictures, built by pure functions."""

from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from typing import Any

from elasticsearch.helpers import pack_dense_vector

from lookalike.domain import Origin, Vector
from lookalike.filters import EVERYTHING, All, AnyOf, Exists, Filter, Not, Range, Terms
from lookalike.search.ports import Selection

Body = dict[str, Any]

MIN_CANDIDATES, MIN_FILTERED_CANDIDATES = 200, 800
"""Of 120,000 pictures of which 5 % pass a filter, 200 candidates found 90 % of the nearest ten, 800 all, in no more time."""

MAX_CANDIDATES = 10_000
"""Elasticsearch's own limit."""

MAX_PRECISION = 40_000
"""The largest ``precision_threshold``: up to this many products are counted almost exactly, more within some per cent."""

MAX_TERM_BYTES = 32_766
"""Lucene's limit for an indexed value: no document has a longer one."""

MAPPED, UNMAPPED = "mapped", "unmapped"

_NUMBERS_OF = (
    "def all = params._source.number; def found = all == null ? null : all.get(params.name);"
    "if (found instanceof List) { for (def each : found) { emit(((Number) each).doubleValue()) } }"
)

HIT_FIELDS = ["product_id", "image_id", "image_url", "attributes", "perceptual_hash"]


def knn(vector: Vector, selection: Selection, *, k: int, size: int, is_packed: bool = False) -> Body:
    """The approximate nearest pictures; of each product the best one, so that fewer than ``size`` can come out of k pictures.

    How many candidates are rescored with their full vectors is a setting of the index, ``rescore_vector.oversample``. With ``is_packed``
    the vector is sent as base64, which needs Elasticsearch 9.4 and a quarter of the bytes of JSON numbers.
    """
    clauses, given = selected(selection), pack_dense_vector(vector) if is_packed else vector.tolist()
    candidates = min(MAX_CANDIDATES, max(MIN_FILTERED_CANDIDATES if clauses else MIN_CANDIDATES, 2 * k))
    near = {
        "field": "image_vector",
        "query_vector": given,
        "k": k,
        "num_candidates": candidates,
        **({"filter": clauses} if clauses else {}),
    }
    return {"knn": near, **_once(selection), "size": size, "_source": HIT_FIELDS}


def exact(vector: Vector, selection: Selection, *, size: int) -> Body:
    """Scores every picture with ``1 / (1 + l2norm)``; keeps the best one of each product."""
    pictures = {"bool": {"filter": [{"exists": {"field": "image_vector"}}, *selected(selection)]}}
    script = {"source": "1 / (1 + l2norm(params.vector, 'image_vector'))", "params": {"vector": vector.tolist()}}
    query = {"script_score": {"query": pictures, "script": script}}
    return {"query": query, **_once(selection), "size": size, "_source": HIT_FIELDS}


def diverse(vector: Vector, image_ids: Iterable[str], *, size: int, diversity: float) -> Body:
    """Selects pictures that are near to the vector and different from each other, by maximal marginal relevance.

    After Carbonell and Goldstein, "The use of MMR" (1998); Elasticsearch's ``lambda`` is the weight of relevance.
    """
    among = list(image_ids)
    near = {"field": "image_vector", "query_vector": vector.tolist()}
    knn = {**near, "k": len(among), "num_candidates": max(MIN_CANDIDATES, len(among)), "filter": [_terms("image_id", among)]}
    mmr = {"type": "mmr", **near, "lambda": 1 - diversity, "size": size, "rank_window_size": len(among), "retriever": {"knn": knn}}
    return {"retriever": {"diversify": mmr}, "size": size, "_source": False}


def selected(selection: Selection) -> list[Body]:
    """The clauses that a hit must match; none if every picture may be a hit, because Lucene evaluates a filter on all pictures first."""
    clauses = [] if selection.filter == EVERYTHING else [filter_clause(selection.filter)]
    if selection.among is not None:
        clauses.append(_terms("image_id", sorted(selection.among)))
    without = {"product_id": selection.without, "image_id": selection.without_images, "perceptual_hash": selection.without_hashes}
    left_out = [_terms(field, sorted(values)) for field, values in without.items() if values]
    return [*clauses, {"bool": {"must_not": left_out}}] if left_out else clauses


def exact_score(knn_score: float) -> float:
    """``1 / (1 + d)`` from Elasticsearch's ``1 / (1 + d²)`` for ``l2_norm``."""
    return 1 / (1 + sqrt(max(0.0, 1 / knn_score - 1)))


def filter_clause(given: Filter) -> Body:
    """The Elasticsearch query for a filter."""
    match given:
        case Terms(attribute, values, numbers):
            of_text = {"terms": {f"keyword.{attribute}": list(values)}}
            return any_of([of_text, {"terms": {f"number.{attribute}": list(numbers)}}]) if numbers else of_text
        case Range(attribute, bounds):
            return {"range": {f"number.{attribute}": dict(bounds)}}
        case Exists(attribute):
            return _term("attribute_names", attribute)
        case All(filters):
            return {"bool": {"filter": [filter_clause(each) for each in filters]}}
        case AnyOf(filters):
            return any_of([filter_clause(each) for each in filters])
        case Not(inner):
            return {"bool": {"must_not": [filter_clause(inner)]}}


def any_of(clauses: Sequence[Body]) -> Body:
    """At least one of the queries matches."""
    return {"bool": {"should": clauses, "minimum_should_match": 1}}


def can_be_met(condition: Range | Exists) -> Body:
    """Finds one document that has the attribute in the form that a condition needs, if there is any.

    `is_unmapped` interprets the hit.
    """
    query = filter_clause(Exists(condition.attribute))
    if isinstance(condition, Range):
        field = f"number.{condition.attribute}"
        query = any_of([{"range": {field: {"_name": MAPPED}}}, {"term": {"_ignored": {"value": field, "_name": UNMAPPED}}}])
    return {"query": query, "size": 1, "_source": False, "terminate_after": 1}


def is_unmapped(hit: Mapping[str, Any]) -> bool:
    """Whether a hit of `can_be_met` has the number without a mapped field, because the index has reached its limit of fields."""
    return hit.get("matched_queries") == [UNMAPPED]


def unmapped_numbers(attributes: Iterable[str]) -> Body:
    """Runtime fields for numbers without a mapped field, read from each document: correct, but slow."""
    fields = {f"number.{name}": {"type": "double", "script": {"source": _NUMBERS_OF, "params": {"name": name}}} for name in attributes}
    return {"runtime_mappings": fields} if fields else {}


def by_content(content_sha256s: Iterable[str], *, is_packed: bool = False) -> Body:
    """One picture for each of these SHA-256 sums of files, with its vector; ``is_packed`` as for `knn`."""
    wanted = list(content_sha256s)
    once = {"collapse": {"field": "content_sha256"}} if len(wanted) > 1 else {}
    fields = ["content_sha256", "perceptual_hash", "width", "height"]
    return {"query": {"terms": {"content_sha256": wanted}}, **once, "size": len(wanted), "_source": fields, **_with_vector(is_packed)}


def stored_of(product_id: str, without_hashes: Iterable[str] = (), *, size: int, is_packed: bool = False) -> Body:
    """A product's pictures with their vectors, the first indexed first, without those of some perceptual hashes.

    ``is_packed`` as for `knn`.
    """
    query = {"bool": {"filter": [_term("product_id", product_id)], "must_not": [_terms("perceptual_hash", sorted(without_hashes))]}}
    return {"query": query, "sort": ["indexed_at", "image_id"], "size": size, **_stored(is_packed)}


def stored(image_id: str, *, is_packed: bool = False) -> Body:
    """A picture with its vector; ``is_packed`` as for `knn`."""
    return {"query": _term("image_id", image_id), "size": 1, **_stored(is_packed)}


def pictures_of(product_id: str, fields: Sequence[str], *, size: int) -> Body:
    """A product's pictures without their vectors, the first indexed first."""
    return {"query": _term("product_id", product_id), "sort": ["indexed_at", "image_id"], "size": size, "_source": list(fields)}


def attribute_names(*, size: int) -> Body:
    """The attributes that most pictures have."""
    return {"size": 0, "aggs": {"names": {"terms": {"field": "attribute_names", "size": size}}}}


def attribute_values(names: Iterable[str], *, size: int) -> Body:
    """The most frequent values of each attribute, and the range of its numbers; aggregations are named by position, not by attribute."""
    aggregations: Body = {}
    for number, name in enumerate(names):
        aggregations[f"values-{number}"] = {"terms": {"field": f"keyword.{name}", "size": size}}
        aggregations[f"least-{number}"] = {"min": {"field": f"number.{name}"}}
        aggregations[f"most-{number}"] = {"max": {"field": f"number.{name}"}}
    return {"size": 0, "aggs": aggregations}


def totals() -> Body:
    """Counts pictures and products, and finds the time of the last write."""
    products = {"cardinality": {"field": "product_id", "precision_threshold": MAX_PRECISION}}
    return {"size": 0, "track_total_hits": True, "aggs": {"products": products, "last": {"max": {"field": "indexed_at"}}}}


def deleted_products(as_of: Mapping[str, int]) -> Body:
    """The pictures of deleted products: those from the products queue, and uploads that were indexed by then (epoch milliseconds)."""
    by = {id_: {"range": {"indexed_at": {"lte": at, "format": "epoch_millis"}}} for id_, at in as_of.items()}
    gone = [{"bool": {"filter": [_term("product_id", id_), any_of([_term("origin", "products"), by[id_]])]}} for id_ in by]
    return {"query": any_of(gone)}


def images_of(product_ids: Iterable[str], origin: Origin, *, after: str, size: int) -> Body:
    """The products' pictures of this origin, in the order of their ids, after the id ``after``."""
    clauses = [_terms("product_id", product_ids), {"term": {"origin": origin}}]
    body: Body = {"query": {"bool": {"filter": clauses}}, "sort": ["image_id"], "size": size, "_source": ["product_id"]}
    return body | {"search_after": [after]} if after else body


def _stored(is_packed: bool) -> Body:
    return {"_source": ["image_id", "product_id", "perceptual_hash"], **_with_vector(is_packed)}


def _with_vector(is_packed: bool) -> Body:
    return {"docvalue_fields": [{"field": "image_vector", "format": "binary"}]} if is_packed else {"fields": ["image_vector"]}


def _term(field: str, value: str) -> Body:
    return _terms(field, [value])


def _terms(field: str, values: Iterable[str]) -> Body:
    """Matches any of the values; those that are too long to be indexed are left out."""
    return {"terms": {field: [value for value in values if len(value.encode()) <= MAX_TERM_BYTES]}}


def _once(selection: Selection) -> Body:
    return {"collapse": {"field": "product_id"}} if selection.per == "product" else {}
