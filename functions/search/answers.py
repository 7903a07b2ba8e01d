"""What the HTTP API answers, as models: the OpenAPI document is made of them, and the tests hold every answer against them."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

EXACT = ConfigDict(extra="forbid")

Score = Annotated[
    float, Field(ge=0.0, le=1.0, description="1 / (1 + distance): 1 for the same picture, 0.414 for one that has nothing in common")
]
Attributes = Annotated[dict[str, Any], Field(description="as the shop gave them")]


class Hit(BaseModel):
    """A picture that was found; if `fields` were asked for, only these of it."""

    model_config = EXACT

    product_id: str = ""
    image_id: str = ""
    image_url: str = Field(default="", description="of uploaded pictures a link that works for an hour at most")
    score: Score = 0.0
    attributes: Attributes = {}


class Timings(BaseModel):
    """Milliseconds by stage; 0 for one that did not come up."""

    model_config = EXACT

    fetch: float
    decode: float
    embed: float
    search: float


class SearchAnswer(BaseModel):
    """Hits, the best first."""

    model_config = EXACT

    hits: list[Hit]
    next_cursor: str | None = Field(description="send it as cursor to POST /search for the next page; null after the last one")
    model: str = Field(description="the network that made the vectors")
    timings_ms: Timings


class ProductPicture(BaseModel):
    """One of a product's pictures."""

    model_config = EXACT

    image_id: str
    image_url: str
    width: int
    height: int
    attributes: Attributes
    indexed_at: datetime


class ProductAnswer(BaseModel):
    """A product; its attributes are those that came last."""

    model_config = EXACT

    product_id: str
    attributes: Attributes
    pictures: list[ProductPicture]


class AttributeValue(BaseModel):
    """A value, and how many pictures have it."""

    model_config = EXACT

    value: str
    pictures: int


class FilterableAttribute(BaseModel):
    """An attribute that `filter` can ask for."""

    model_config = EXACT

    name: str
    pictures: int = Field(description="how many have it")
    filters: list[Literal["value", "values", "exists", "range"]] = Field(description="the forms of a condition on it")
    values: list[AttributeValue] = Field(description="the most frequent ones")
    least: float | None = Field(description="of its numbers; of dates milliseconds since 1970")
    most: float | None


class AttributesAnswer(BaseModel):
    """What can be filtered, what most pictures have first."""

    model_config = EXACT

    attributes: list[FilterableAttribute]


class StatsAnswer(BaseModel):
    """How much the index holds."""

    model_config = EXACT

    index: str
    model: str
    products: int = Field(description="a close estimate above 40,000")
    pictures: int
    last_indexed_at: datetime | None


class HealthAnswer(BaseModel):
    """Whether Elasticsearch, the index and the models agree."""

    model_config = EXACT

    status: Literal["ok", "unhealthy"]
    elasticsearch: str | None
    index: str | None
    model: str | None
    models: list[str]
    fault: str | None


class Error(BaseModel):
    """What went wrong."""

    model_config = EXACT

    code: str = Field(description="for programs: request_invalid, picture_unusable …")
    message: str = Field(description="for people: what to change")
    field: str = Field(default="", description="the part of the request that is meant, for errors about one")
    request_id: str = Field(description="tell it to us when you ask about this error")


class ErrorAnswer(BaseModel):
    """Every error."""

    model_config = EXACT

    error: Error
