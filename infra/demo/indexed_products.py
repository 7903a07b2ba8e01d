"""What became of a catalogue's products, read from the index and from the outcomes beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from elasticsearch import Elasticsearch, helpers

from infra.demo.catalogue import CatalogueItem


@dataclass(frozen=True, slots=True)
class Document:
    """The fields of an indexed picture that the demo needs."""

    product_id: str
    image_id: str
    perceptual_hash: str
    indexed_at: datetime


@dataclass(frozen=True, slots=True)
class IndexedProducts:
    """Each product is in the index, or failed for a reason, or is lost, which must not happen."""

    documents: Mapping[str, Document]
    failed: Mapping[str, str]
    lost: Sequence[str]

    def pictures_a_second(self, began: datetime) -> float | None:
        """How many were written a second from ``began`` until the last one; None if all were there before."""
        new = [document.indexed_at for document in self.documents.values() if document.indexed_at >= began]
        return len(new) / (max(new) - began).total_seconds() if new else None


def read(elasticsearch: Elasticsearch, alias: str, items: Sequence[CatalogueItem]) -> IndexedProducts:
    """Looks every product up in the index, and those that are not there among the outcomes."""
    elasticsearch.indices.refresh(index=f"{alias},{alias}-outcomes")
    documents = all_documents(elasticsearch, alias)
    reasons = _failures(elasticsearch, f"{alias}-outcomes")
    missing = [item.product_id for item in items if item.product_id not in documents]
    return IndexedProducts(
        documents={item.product_id: documents[item.product_id] for item in items if item.product_id in documents},
        failed={product_id: reasons[product_id] for product_id in missing if product_id in reasons},
        lost=[product_id for product_id in missing if product_id not in reasons],
    )


def all_documents(elasticsearch: Elasticsearch, alias: str) -> dict[str, Document]:
    """A document of each product that is indexed, by product id; none where there is no index."""
    if not elasticsearch.indices.exists_alias(name=alias):
        return {}
    fields = ["product_id", "image_id", "perceptual_hash", "indexed_at"]
    found = (hit["_source"] for hit in helpers.scan(elasticsearch, index=alias, query={"_source": fields}))
    documents = (Document(**source | {"indexed_at": datetime.fromisoformat(source["indexed_at"])}) for source in found)
    return {document.product_id: document for document in documents}


def _failures(elasticsearch: Elasticsearch, index: str) -> dict[str, str]:
    query = {"query": {"term": {"state": "failed"}}, "_source": ["product_id", "reason"]}
    found = (hit["_source"] for hit in helpers.scan(elasticsearch, index=index, query=query))
    return {source["product_id"]: source["reason"] for source in found}
