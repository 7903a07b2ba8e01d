"""The products queue's messages as JSON.

``{"put": [{"product_id", "image_urls", "attributes"}, …]}`` or ``{"delete": ["product_id", …]}``, or both about different products.
"""

import json
from typing import Annotated, Any

from lookalike.domain import Product
from lookalike.errors import RequestInvalid
from lookalike.products import PRODUCTS_A_MESSAGE, Message
from pydantic import BaseModel, ConfigDict, Field, ValidationError

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


def read(body: str) -> Message:
    """A message.

    Raises:
        RequestInvalid: naming the field that is wrong.
    """
    try:
        model = MessageModel.model_validate(json.loads(body, parse_constant=_refuse_constant))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise RequestInvalid(first["msg"], field=".".join(str(part) for part in first["loc"])) from error
    except (ValueError, RecursionError) as error:
        raise RequestInvalid(f"the message is not JSON: {error}") from error
    put = tuple(Product(p.product_id, tuple(p.image_urls), p.attributes) for p in model.put)
    return Message(put, tuple(model.delete), model.backfill_id, model.run, model.attempt)


def _refuse_constant(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")
