"""Models of the HTTP API's answers, from which the OpenAPI document is generated, and against which tests check answers."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from functions.search.crops import CropBox

EXACT = ConfigDict(extra="forbid")

Score = Annotated[
    float,
    Field(
        ge=0.0, le=1.0, description="1 / (1 + distance of the vectors): 1 for the same picture, about 0.41 for one with nothing in common"
    ),
]
Attributes = Annotated[dict[str, Any], Field(description="the product's attributes, as the shop sent them")]


class Hit(BaseModel):
    """A picture that was found; with `fields` in the request, only those fields of it."""

    model_config = EXACT

    product_id: str = ""
    image_id: str = ""
    image_url: str = Field(
        default="", description="the picture's address; for an uploaded picture, a presigned URL that expires within an hour"
    )
    score: Score = 0.0
    attributes: Attributes = {}


class Timings(BaseModel):
    """Milliseconds that each stage of the search took; 0 for a stage that was not needed."""

    model_config = EXACT

    fetch: float
    decode: float
    embed: float
    search: float


class Warning(BaseModel):  # noqa: A001 - the name in the OpenAPI document
    """A condition of the filter that no product can match now; it is no error."""

    model_config = EXACT

    field: str = Field(description="the part of the filter, such as filter.colour")
    message: str


class SearchAnswer(BaseModel):
    """The answer of a search: hits, the best first. If `size` hits exceed the size limit of an answer, fewer hits and a cursor."""

    model_config = EXACT

    hits: list[Hit]
    next_cursor: str | None = Field(description="send it as cursor to POST /search to get the next page; null on the last page")
    model: str = Field(description="id of the model that computed the vectors")
    timings_ms: Timings
    warnings: list[Warning] = Field(
        description="conditions of the filter that no product can match now, most often because of a misspelt name"
    )
    crops: list[CropBox | None] = Field(
        description="the part of each picture in the request that was used, null for a whole picture, a product or a text; "
        "empty on later pages"
    )


class Thing(BaseModel):
    """A bounding box of an object in a picture."""

    model_config = EXACT

    crop: CropBox = Field(description="the crop to search by this object")
    score: float = Field(ge=0.0, le=1.0, description="its share of the total saliency of the picture; 0 for the whole picture")


class DetectAnswer(BaseModel):
    """The objects in a picture, at most five, the most salient first; the whole picture if none is found."""

    model_config = EXACT

    boxes: list[Thing]
    model: str = Field(description="id of the network that found them")


class ProductPicture(BaseModel):
    """A picture of a product."""

    model_config = EXACT

    image_id: str
    image_url: str
    width: int
    height: int
    attributes: Attributes
    indexed_at: datetime


class ProductAnswer(BaseModel):
    """A product with its latest attributes and its pictures."""

    model_config = EXACT

    product_id: str
    attributes: Attributes
    pictures: list[ProductPicture]


class AttributeValue(BaseModel):
    """A value of an attribute, and the number of pictures that have it."""

    model_config = EXACT

    value: str
    pictures: int


class FilterableAttribute(BaseModel):
    """An attribute that a filter can use."""

    model_config = EXACT

    name: str
    pictures: int = Field(description="the number of pictures that have the attribute")
    filters: list[Literal["value", "values", "exists", "range"]] = Field(description="the conditions that a filter can put on it")
    values: list[AttributeValue] = Field(description="its most frequent values")
    least: float | None = Field(description="its smallest number; dates count in milliseconds since 1970")
    most: float | None = Field(description="its largest number")


class AttributesAnswer(BaseModel):
    """The attributes that a filter can use, those of most pictures first."""

    model_config = EXACT

    attributes: list[FilterableAttribute]


class StatsAnswer(BaseModel):
    """The numbers of products and pictures in the index."""

    model_config = EXACT

    index: str
    model: str
    next_model: str | None = Field(description="model of the index that is being filled to replace this one, if any")
    products: int = Field(description="exact up to 40,000, a close estimate above")
    pictures: int
    last_indexed_at: datetime | None


class HealthAnswer(BaseModel):
    """The state of Elasticsearch, the index and the models."""

    model_config = EXACT

    status: Literal["ok", "unhealthy"]
    elasticsearch: str | None
    index: str | None
    model: str | None
    models: list[str]
    fault: str | None


class Error(BaseModel):
    """What went wrong, and which field of the request it is about."""

    model_config = EXACT

    code: str = Field(description="for programs, such as request_invalid or picture_unusable")
    message: str = Field(description="for people: what is wrong, and what to change")
    field: str = Field(default="", description="the field of the request that is wrong, if it is one")
    request_id: str = Field(description="quote it when you report the error")


class ErrorAnswer(BaseModel):
    """The body of every error."""

    model_config = EXACT

    error: Error
