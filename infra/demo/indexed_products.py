"""What became of a catalogue's products, read from the index and from the outcomes beside it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from elasticsearch import Elasticsearch, helpers

from infra.demo.catalogue import CatalogueItem
from infra.local.invocation import Json


@dataclass(frozen=True, slots=True)
class IndexedProducts:
    """Each product is in the index with its document, or failed for a reason, or is lost, which must not happen."""

    documents: Mapping[str, Json]
    failed: Mapping[str, str]
    lost: Sequence[str]

    def pictures_a_second(self, began: datetime) -> float | None:
        """How many were written a second from ``began`` until the last one; None if all were there before."""
        times = [datetime.fromisoformat(document["indexed_at"]) for document in self.documents.values()]
        new = [time for time in times if time >= began]
        return len(new) / (max(new) - began).total_seconds() if new else None


def read(elasticsearch: Elasticsearch, alias: str, items: Sequence[CatalogueItem]) -> IndexedProducts:
    """Looks every product up in the index, and those that are not there among the outcomes."""
    elasticsearch.indices.refresh(index=f"{alias},{alias}-outcomes")
    found = documents(elasticsearch, alias)
    failures = _scan(elasticsearch, f"{alias}-outcomes", query={"term": {"state": "failed"}}, _source=["product_id", "reason"])
    reasons = {failure["product_id"]: failure["reason"] for failure in failures}
    ids = [item.product_id for item in items]
    return IndexedProducts(
        documents={product_id: found[product_id] for product_id in ids if product_id in found},
        failed={product_id: reasons[product_id] for product_id in ids if product_id not in found and product_id in reasons},
        lost=[product_id for product_id in ids if product_id not in found and product_id not in reasons],
    )


def documents(elasticsearch: Elasticsearch, alias: str) -> dict[str, Json]:
    """A document of each product that is indexed, by product id, with what the demo needs of it; none where there is no index."""
    if not elasticsearch.indices.exists_alias(name=alias):
        return {}
    fields = ["product_id", "perceptual_hash", "indexed_at"]
    return {document["product_id"]: document for document in _scan(elasticsearch, alias, _source=fields)}


def _scan(elasticsearch: Elasticsearch, index: str, **query: object) -> Iterator[Json]:
    return (hit["_source"] for hit in helpers.scan(elasticsearch, index=index, query=query))
