"""The products queue's messages as JSON.

``{"put": [{"product_id", "image_urls", "attributes"}, …]}`` or ``{"delete": ["product_id", …]}``, or both about different products.
"""

from typing import Annotated, Any

from lookalike.domain import Product
from lookalike.products import PRODUCTS_A_MESSAGE, Message
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from functions.validation import parsed, validated

ProductId = Annotated[str, Field(min_length=1, max_length=512)]


class PutModel(BaseModel):
    """A product."""

    model_config = ConfigDict(extra="forbid")

    product_id: ProductId
    image_urls: list[str] = Field(max_length=1000)
    attributes: dict[str, Any] = {}


class MessageModel(BaseModel):
    """A message."""

    model_config = ConfigDict(extra="forbid")

    put: list[PutModel] = Field(default=[], max_length=PRODUCTS_A_MESSAGE)
    delete: list[ProductId] = Field(default=[], max_length=PRODUCTS_A_MESSAGE)
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
    return Message(put, tuple(model.delete), model.backfill_id, model.run, model.attempt)
