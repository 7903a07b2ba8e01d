"""What a search request may hold, and the query that it asks for."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

from lookalike import filters
from lookalike.errors import RequestInvalid
from lookalike.searching import MAX_SIZE, ByContent, ByProduct, ByUrl, Query, Subject
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from functions.validation import parsed, validated

SUBJECTS = ("image_url", "image", "product_id")
FIELDS = frozenset({"product_id", "image_id", "image_url", "score", "attributes"})


class SearchOptions(BaseModel):
    """Everything but the picture."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    filter: dict[str, Any] = Field(
        default={}, description="which products may be found", examples=[{"category": "dress", "price": {"lt": 50}}]
    )
    size: int = Field(default=10, ge=1, le=MAX_SIZE, description="how many products")
    min_score: float = Field(default=0.0, ge=0.0, le=1.0, description="leaves out hits with a lower score")
    exact: bool = Field(default=False, description="score every picture instead of asking the kNN index")
    include_self: bool = Field(default=False, description="with product_id: may the product itself be a hit?")
    fields: list[Annotated[str, Field(max_length=300)]] | None = Field(
        default=None, max_length=100, description="what of each hit comes back: names of its fields, or attributes.NAME"
    )

    @model_validator(mode="after")
    def _fields_exist(self) -> Self:
        for name in self.fields or ():
            if name not in FIELDS and not name.startswith("attributes."):
                raise RequestInvalid(f"there is no field {name!r}: take {', '.join(sorted(FIELDS))} or attributes.NAME", field="fields")
        return self

    def query(self, subject: Subject) -> Query:
        """The query for a picture."""
        return Query(subject, filters.parse(self.filter), self.size, self.min_score, self.exact)


class SearchRequest(SearchOptions):
    """The body of ``POST /search``: exactly one of ``image_url``, ``image`` and ``product_id``, and options."""

    image_url: str | None = Field(default=None, description="http or https address of the picture")
    image: str | None = Field(default=None, description="the picture's file in base64")
    product_id: str | None = Field(default=None, description="a product that is indexed")

    @model_validator(mode="after")
    def _one_subject(self) -> Self:
        given = [name for name in SUBJECTS if getattr(self, name) is not None]
        if len(given) != 1:
            there = f"the request has {' and '.join(given)}" if given else "the request has no picture"
            raise RequestInvalid(f"{there}: give exactly one of {', '.join(SUBJECTS)}", field=given[1] if given else "image_url")
        if self.include_self and self.product_id is None:
            raise RequestInvalid("include_self goes with product_id", field="include_self")
        return self

    def subject(self) -> Subject:
        """What is searched for."""
        if self.image_url is not None:
            return ByUrl(self.image_url)
        if self.product_id is not None:
            return ByProduct(self.product_id, self.include_self)
        return ByContent(_bytes(self.image or ""))


_OPTIONS = TypeAdapter(SearchOptions)
_REQUEST = TypeAdapter(SearchRequest)


def from_json(body: bytes) -> SearchRequest:
    """The request in a JSON body.

    Raises:
        RequestInvalid: naming the field.
    """
    return validated(_REQUEST, parsed(body, field="body"))


def from_query(parameters: Mapping[str, Sequence[str]]) -> SearchRequest:
    """The request in query parameters: ``filter`` is JSON, ``fields`` are separated by commas."""
    return validated(_REQUEST, _from_strings(parameters))


def options_from_query(parameters: Mapping[str, Sequence[str]]) -> SearchOptions:
    """The options in query parameters, for a picture that is the body."""
    return validated(_OPTIONS, _from_strings(parameters))


def _from_strings(parameters: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for name, values in parameters.items():
        if len(values) > 1 and name != "fields":
            raise RequestInvalid("this parameter is given more than once", field=name)
        given[name] = values[-1]
    if "fields" in parameters:
        given["fields"] = [name.strip() for value in parameters["fields"] for name in value.split(",")]
    if "filter" in given:
        given["filter"] = parsed(given["filter"], field="filter")
    return given


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestInvalid("the picture is not base64 (no data: prefix, no line breaks)", field="image") from error
