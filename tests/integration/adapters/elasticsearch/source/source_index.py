"""An index of products in a real Elasticsearch, and how a test reads it to its end."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from elasticsearch import Elasticsearch, helpers
from lookalike.adapters.elasticsearch.source import ElasticsearchSource
from lookalike.backfill.model import FieldNames, IndexSpec, Position

KEYWORD = {"type": "keyword"}

BY_SKU = FieldNames("sku")


class SourceIndex:
    """An index of products."""

    def __init__(self, client: Elasticsearch, name: str) -> None:
        self.client, self.name = client, name

    def make(self, documents: Iterable[Mapping[str, Any]], sku: Mapping[str, Any] | None = None, name: str = "", shards: int = 1) -> None:
        index = self.name + name
        properties = {"sku": sku} if sku else {}
        self.client.indices.create(index=index, mappings={"properties": properties}, settings={"number_of_shards": shards})
        helpers.bulk(self.client, [{"_index": index, **document} for document in documents], refresh=True)


def read(source: ElasticsearchSource, spec: IndexSpec, positions: Iterable[Position], size: int = 20) -> Iterator[Any]:
    for start in positions:
        position: Position | None = start
        while position is not None:
            page = source.page(spec, position, size)
            yield from page.documents
            position = page.next


def read_ids(source: ElasticsearchSource, spec: IndexSpec, positions: Iterable[Position], size: int = 20) -> Counter[str]:
    return Counter(
        document.product.product_id if document.product else f"fault {document.key.partition('/')[2]}"
        for document in read(source, spec, positions, size)
    )
