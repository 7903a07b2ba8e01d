"""A shop as the system meets it: pictures in a bucket, and products with picture addresses in an index of its own."""

from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from mimetypes import guess_type
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from elasticsearch import Elasticsearch, helpers
from lookalike.domain import Attributes

from infra.local.catalogue import CatalogueItem

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

UPLOADS_AT_ONCE = 8


def upload(s3: "S3Client", bucket: str, items: Sequence[CatalogueItem]) -> None:
    """Puts each product's picture into the bucket, its attributes as user metadata."""

    def put(item: CatalogueItem) -> None:
        s3.put_object(
            Bucket=bucket,
            Key=object_key(item),
            Body=item.path.read_bytes(),
            ContentType=guess_type(item.path.name)[0] or "application/octet-stream",
            Metadata=metadata(item.attributes),
        )

    with ThreadPoolExecutor(UPLOADS_AT_ONCE) as threads:
        list(threads.map(put, items))


def object_key(item: CatalogueItem) -> str:
    """Where in the bucket a product's picture is."""
    return f"images/{item.product_id}{item.path.suffix.lower()}"


def metadata(attributes: Attributes) -> dict[str, str]:
    """Attributes as S3's user metadata, which is ASCII: other text becomes encoded words (RFC 2047), as S3 itself gives it."""
    return {name: _ascii(value) for name, value in attributes.items()}


def _ascii(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if text.isascii() and text.isprintable() and text == text.strip() and "=?" not in text:
        return text
    return f"=?utf-8?b?{b64encode(text.encode()).decode()}?="


def fill_source(elasticsearch: Elasticsearch, index: str, items: Sequence[CatalogueItem], address: Callable[[CatalogueItem], str]) -> None:
    """Makes a shop's own index anew, with one flat document a product: ``id``, ``image_url`` and each attribute as a field."""
    elasticsearch.indices.delete(index=index, ignore_unavailable=True)
    properties = {"id": {"type": "keyword"}, "image_url": {"type": "keyword"}, "name": {"type": "text"}, "price": {"type": "double"}}
    elasticsearch.indices.create(index=index, mappings={"properties": properties})
    helpers.bulk(elasticsearch, _documents(index, items, address), refresh="wait_for")


def _documents(index: str, items: Sequence[CatalogueItem], address: Callable[[CatalogueItem], str]) -> Iterator[dict[str, Any]]:
    for item in items:
        product = {"id": item.product_id, "image_url": address(item), **item.attributes}
        yield {"_index": index, "_id": quote(item.product_id), "_source": product}
