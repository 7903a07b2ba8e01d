"""The products queue's messages as JSON.

``{"put": [{"product_id", "image_urls", "attributes"}, …]}`` or ``{"delete": ["product_id", …]}``, or both about different products;
``{"mirror": ["s3://…", …]}`` and ``{"copy": ["image_id", …], "copy_from": "index"}`` are what a backfill posts of a bucket or an index.
"""

from typing import Annotated, Any

from lookalike.domain import Product
from lookalike.errors import RequestInvalid
from lookalike.products import MAX_IMAGE_URLS, PRODUCTS_A_MESSAGE, Message, product_of_url
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from functions.validation import parsed, validated

ProductId = Annotated[str, Field(min_length=1, max_length=512)]


class PutModel(BaseModel):
    """A product."""

    model_config = ConfigDict(extra="forbid")

    product_id: ProductId
    image_urls: list[str] = Field(max_length=MAX_IMAGE_URLS)
    attributes: dict[str, Any] = {}


class MessageModel(BaseModel):
    """A message."""

    model_config = ConfigDict(extra="forbid")

    put: list[PutModel] = Field(default=[], max_length=PRODUCTS_A_MESSAGE)
    delete: list[ProductId] = Field(default=[], max_length=PRODUCTS_A_MESSAGE)
    mirror: list[str] = Field(default=[], max_length=PRODUCTS_A_MESSAGE)
    copy_: list[str] = Field(default=[], max_length=PRODUCTS_A_MESSAGE, alias="copy")
    copy_from: str | None = None
    into: str | None = None
    backfill_id: str | None = None
    run: int = 0
    attempt: int = Field(default=0, ge=0)


_MESSAGE = TypeAdapter(MessageModel)


def read(body: str) -> Message:
    """A message.

    Raises:
        RequestInvalid: naming the field that is wrong.
    """
    model = validated(_MESSAGE, parsed(body, field="body"))
    put = tuple(Product(p.product_id, tuple(p.image_urls), p.attributes) for p in model.put)
    if both := {product.product_id for product in put} & set(model.delete):
        raise RequestInvalid(f"{min(both)!r} cannot be put and deleted by the same message", field="delete")
    for url in model.mirror:
        product_of_url(url)
    if model.copy_ and not model.copy_from:
        raise RequestInvalid("pictures are copied from an index: name it", field="copy_from")
    return Message(
        put=put,
        delete=tuple(model.delete),
        mirror=tuple(model.mirror),
        copy=tuple(model.copy_),
        copy_from=model.copy_from,
        into=model.into,
        backfill_id=model.backfill_id,
        run=model.run,
        attempt=model.attempt,
    )
