"""Encodes and decodes the products queue's messages as JSON.

``{"put": [{"product_id", "image_urls", "attributes"}, …]}`` or ``{"delete": ["product_id", …]}``, or both for different products, is what
a shop may send; ``as_of`` (ISO 8601 with a time zone) is the time of that state. ``{"sync": ["s3://…", …]}`` and
``{"copy": ["image_id", …], "copy_from": "index"}`` are sent by backfills of a bucket or of an index.
"""

import json
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from lookalike.domain import Product
from lookalike.errors import RequestInvalid
from lookalike.indexing.messages import MAX_IMAGE_URLS, MAX_ITEMS, CopyPictures, DeleteProducts, Message, PutProducts, SyncObjects
from lookalike.validation import parsed, validated

MAX_AHEAD_MS = 300_000
"""How far a shop's clock may be ahead of that of SQS, in milliseconds."""

Id = Annotated[str, Field(min_length=1, max_length=512)]
Address = Annotated[str, Field(max_length=8191)]
"""Elasticsearch's keywords have at most 32,766 bytes: failures of longer addresses could not be recorded."""

MAX_RUN = 2**31 - 1


class ProductModel(BaseModel):
    """A product in the JSON of a message."""

    model_config = ConfigDict(extra="forbid")

    product_id: Id
    image_urls: list[str] = Field(max_length=MAX_IMAGE_URLS)
    attributes: dict[str, Any] = {}


class MessageModel(BaseModel):
    """The body of an SQS message."""

    model_config = ConfigDict(extra="forbid")

    put: list[ProductModel] = Field(default=[], max_length=MAX_ITEMS)
    delete: list[Id] = Field(default=[], max_length=MAX_ITEMS)
    sync: list[Address] = Field(default=[], max_length=MAX_ITEMS)
    copy_: list[Id] = Field(default=[], max_length=MAX_ITEMS, alias="copy")
    copy_from: Id | None = None
    into: Id | None = None
    backfill_id: Id | None = None
    run: int = Field(default=0, ge=0, le=MAX_RUN)
    attempt: int = Field(default=0, ge=0)
    as_of: AwareDatetime | None = None


ID: TypeAdapter[str] = TypeAdapter(Id)
_MESSAGE = TypeAdapter(MessageModel)


def encode(message: Message) -> str:
    """The body of an SQS message, without fields that have their default values."""
    header = {"into": message.into, "backfill_id": message.backfill_id, "attempt": message.attempt or None, "as_of": _iso(message.as_of)}
    given = {name: value for name, value in header.items() if value is not None}
    return json.dumps(_items(message) | given | ({"run": message.run} if message.backfill_id else {}))


def _items(message: Message) -> dict[str, Any]:
    match message:
        case PutProducts():
            return {
                "put": [{"product_id": p.product_id, "image_urls": list(p.image_urls), "attributes": p.attributes} for p in message.items]
            }
        case DeleteProducts():
            return {"delete": list(message.items)}
        case SyncObjects():
            return {"sync": list(message.items)}
        case CopyPictures():
            return {"copy": list(message.items), "copy_from": message.source_index}


def _iso(epoch_ms: int | None) -> str | None:
    return None if epoch_ms is None else datetime.fromtimestamp(epoch_ms / 1000, UTC).isoformat(timespec="milliseconds")


def decode(body: str, sent_ms: int | None = None) -> tuple[Message, ...]:
    """The messages in the body of an SQS message, which was sent at ``sent_ms`` (milliseconds since 1970). Raises `RequestInvalid`."""
    model = validated(_MESSAGE, parsed(body, field="body"))
    products = tuple(Product(p.product_id, tuple(p.image_urls), p.attributes) for p in model.put)
    if both := {product.product_id for product in products} & set(model.delete):
        raise RequestInvalid(f"{min(both)!r} cannot be put and deleted by the same message", field="delete")
    if model.copy_ and not model.copy_from:
        raise RequestInvalid("copy needs the name of the index to copy from", field="copy_from")
    header: dict[str, Any] = model.model_dump(include={"into", "backfill_id", "run", "attempt"})
    header["as_of"] = _as_of(model.as_of, sent_ms)
    messages: tuple[Message, ...] = (
        PutProducts(products, **header),
        DeleteProducts(tuple(model.delete), **header),
        SyncObjects(tuple(model.sync), **header),
        CopyPictures(tuple(model.copy_), source_index=model.copy_from or "", **header),
    )
    return tuple(message for message in messages if message.items)


def _as_of(given: datetime | None, sent_ms: int | None) -> int | None:
    """The time of the state, in milliseconds since 1970; one in the future is refused, because every later change would lose."""
    if given is None:
        return sent_ms
    as_of = round(given.timestamp() * 1000)
    if as_of < 0:
        raise RequestInvalid("the time lies before 1970", field="as_of")
    if sent_ms is not None and as_of > sent_ms + MAX_AHEAD_MS:
        raise RequestInvalid("the time lies in the future", field="as_of")
    return as_of
