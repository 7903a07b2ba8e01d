"""Sends the items that source documents describe to the products queue."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from lookalike.backfill.model import Backfill, CurrentSpec, SourceDocument
from lookalike.backfill.outcomes import OutcomeStore
from lookalike.domain import Product
from lookalike.indexing.messages import MAX_IMAGE_URLS, MAX_ITEMS, CopyPictures, Message, ProductsQueueSender, PutProducts, SyncObjects
from lookalike.indexing.outcomes import ItemOutcome

_TOO_MANY_URLS = f"the product has more than {MAX_IMAGE_URLS:,} image URLs"
_TOO_LARGE = "the product is too large for a message of the queue: select fewer attributes, or shorten its image URLs"


def enqueue(backfill: Backfill, read: Iterable[SourceDocument], as_of: int, outcomes: OutcomeStore, sender: ProductsQueueSender) -> int:
    """Sends the items of documents, and records faulty documents as failures; returns the number of items.

    ``as_of`` is when the documents were read, in milliseconds since 1970.
    """
    documents = list(read)
    products = _merged(document.product for document in documents if document.product)
    crowded = [product for product in products if len(product.image_urls) > MAX_IMAGE_URLS]
    put = [product for product in products if len(product.image_urls) <= MAX_IMAGE_URLS]
    if not backfill.is_unique:
        outcomes.mark_queued(ItemOutcome(product.product_id, "queued", backfill.backfill_id, backfill.run) for product in put)
    objects = tuple(document.object_url for document in documents if document.object_url)
    images = tuple(document.image_id for document in documents if document.image_id)
    too_large = [
        product for message in _messages(backfill, put, objects, images, as_of) for product in sender.send(message.split(MAX_ITEMS))
    ]
    faults = [_failed(backfill, document.key, document.fault) for document in documents if document.fault]
    outcomes.record(
        [
            *faults,
            *(_failed(backfill, product.product_id, _TOO_MANY_URLS) for product in crowded),
            *(_failed(backfill, product.product_id, _TOO_LARGE) for product in too_large),
        ]
    )
    return len(products) + len(objects) + len(images) + len(faults)


def _messages(
    backfill: Backfill, put: Sequence[Product], objects: tuple[str, ...], images: tuple[str, ...], as_of: int
) -> Iterable[Message]:
    backfill_id, run, into = backfill.backfill_id, backfill.run, backfill.into
    yield PutProducts(tuple(put), as_of=as_of, backfill_id=backfill_id, run=run, into=into)
    yield SyncObjects(objects, backfill_id=backfill_id, run=run, into=into)
    if isinstance(backfill.spec, CurrentSpec) and backfill.spec.index:
        yield CopyPictures(images, source_index=backfill.spec.index, backfill_id=backfill_id, run=run, into=into)


def _merged(products: Iterable[Product]) -> Sequence[Product]:
    """Merges documents with the same product id: all their pictures, the attributes of the first."""
    merged: dict[str, Product] = {}
    for product in products:
        first = merged.setdefault(product.product_id, product)
        if first is not product:
            urls = dict.fromkeys([*first.image_urls, *product.image_urls])
            merged[product.product_id] = replace(first, image_urls=tuple(urls))
    return list(merged.values())


def _failed(backfill: Backfill, key: str, reason: str | None) -> ItemOutcome:
    return ItemOutcome(key, "failed", backfill.backfill_id, backfill.run, code="request_invalid", reason=reason)
