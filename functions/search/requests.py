"""What a search request may hold, and the query that it asks for."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

from lookalike import filters
from lookalike.domain import Crop
from lookalike.errors import RequestInvalid
from lookalike.ranking import Per, Wanted
from lookalike.searching import MAX_SIZE, Query
from lookalike.subjects import MAX_BLENDED, Blend, ByContent, ByImage, ByProduct, ByUrl, One, Subject
from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, model_validator

from functions.search import data_urls
from functions.validation import parsed, validated

PICTURES = ("image_url", "image", "product_id", "image_id")
SUBJECTS = (*PICTURES, "images")
FIELDS = frozenset({"product_id", "image_id", "image_url", "score", "attributes"})

STRICT = ConfigDict(extra="forbid", frozen=True)

Fields = Annotated[
    list[Annotated[str, Field(max_length=300)]],
    Field(max_length=100, description="what of each hit comes back: names of its fields, or attributes.NAME"),
]
Size = Annotated[int, Field(ge=1, le=MAX_SIZE, description="how many hits")]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class CropBox(BaseModel):
    """The part of the picture that counts: its edges as fractions of the width and of the height."""

    model_config = STRICT

    left: Fraction = Field(examples=[0.25])
    top: Fraction = Field(examples=[0.1])
    right: Fraction = Field(examples=[0.75])
    bottom: Fraction = Field(examples=[0.9])

    @model_validator(mode="after")
    def _has_an_area(self) -> Self:
        if self.left >= self.right or self.top >= self.bottom:
            raise RequestInvalid("a crop box has left < right and top < bottom, as fractions from 0 to 1", field="crop")
        return self

    def crop(self) -> Crop:
        """As the core has it."""
        return Crop(self.left, self.top, self.right, self.bottom)


def _exactly_one(*names: str) -> ConfigDict:
    """A model of which one of these fields is given, in words of JSON Schema."""
    kinds = {"images": "array"}
    each: list[JsonValue] = [{"required": [name], "properties": {name: {"type": kinds.get(name, "string")}}} for name in names]
    return STRICT | ConfigDict(json_schema_extra={"oneOf": each})


class Picture(BaseModel):
    """One picture or product: exactly one of ``image_url``, ``image``, ``product_id`` and ``image_id``."""

    model_config = _exactly_one(*PICTURES)

    image_url: str | None = Field(default=None, description="http or https address of the picture, or a data: URL")
    image: str | None = Field(default=None, description="the picture's file in base64")
    product_id: str | None = Field(default=None, description="a product that is indexed; up to five of its pictures are searched by")
    image_id: str | None = Field(default=None, description="a picture that is indexed")
    crop: CropBox | None = Field(default=None, description="with image_url or image: the part of it that counts")

    def one(self, include_self: bool) -> One:
        """What is searched for."""
        crop = self.crop.crop() if self.crop else None
        if self.product_id is not None:
            return ByProduct(self.product_id, include_self)
        if self.image_id is not None:
            return ByImage(self.image_id, include_self)
        if self.image_url is None:
            return ByContent(data_urls.content(self.image or "", "image"), crop)
        url = self.image_url.strip()
        return ByContent(data_urls.content(url, "image_url"), crop) if data_urls.is_data_url(url) else ByUrl(url, crop)


class WeightedPicture(Picture):
    """One of several pictures that are searched by at once."""

    weight: float = Field(default=1.0, ge=-10.0, le=10.0, description="how much it counts; below zero: not like this one")

    @model_validator(mode="after")
    def _one_picture(self) -> Self:
        _check_one(self, PICTURES, "images")
        return self


class Options(BaseModel):
    """Everything but the picture."""

    model_config = STRICT

    filter: dict[str, Any] = Field(
        default={}, description="which products may be found", examples=[{"category": "dress", "price": {"lt": 50}}]
    )
    size: Size = 10
    min_score: Fraction = Field(default=0.0, description="leaves out hits with a lower score")
    exact: bool = Field(default=False, description="score every picture instead of asking the kNN index")
    per: Per = Field(default="product", description="a hit for each product, its best picture, or for each picture")
    near_duplicates: bool = Field(default=False, description="only copies of the very picture: encoded anew, resized, slightly cropped")
    diversity: Fraction = Field(default=0.0, description="how much the hits of the first page shall differ from each other")
    fields: Fields | None = None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        _check_fields(self.fields)
        if self.near_duplicates and self.diversity:
            raise RequestInvalid(
                "near_duplicates asks for the same picture, diversity for different ones: give one of them", field="diversity"
            )
        return self

    def query(self, subject: Subject) -> Query:
        """The query for a subject."""
        return Query(subject, self.wanted(filters.parse(self.filter)))

    def wanted(self, parsed_filter: filters.Filter, seen: frozenset[str] = frozenset()) -> Wanted:
        """What is to be found."""
        return Wanted(parsed_filter, self.size, self.min_score, self.exact, self.per, self.near_duplicates, self.diversity, seen)


class ProductOptions(Options):
    """The options that go with what is indexed."""

    include_self: bool = Field(default=False, description="with product_id or image_id: may the product itself be a hit?")


class PictureOptions(Options):
    """The options that go with a picture's file."""

    crop: CropBox | None = Field(default=None, description="the part of the picture that counts")

    def file_query(self, content: bytes) -> Query:
        """The query for a picture's file."""
        return self.query(ByContent(content, self.crop.crop() if self.crop else None))


class SearchRequest(ProductOptions, Picture):
    """A search: exactly one of ``image_url``, ``image``, ``product_id``, ``image_id`` and ``images``, and options."""

    model_config = _exactly_one(*SUBJECTS)

    images: list[WeightedPicture] | None = Field(
        default=None, min_length=1, max_length=MAX_BLENDED, description="several pictures at once: like this, not like that"
    )

    @model_validator(mode="after")
    def _one_subject(self) -> Self:
        _check_one(self, SUBJECTS)
        known = [self, *(self.images or ())]
        if self.include_self and all(each.product_id is None and each.image_id is None for each in known):
            raise RequestInvalid("include_self goes with product_id or image_id", field="include_self")
        if self.images is None:
            return self
        if all(each.weight <= 0 for each in self.images):
            raise RequestInvalid("give at least one picture a weight above zero", field="images")
        if self.near_duplicates:
            raise RequestInvalid("near_duplicates goes with one picture or product", field="near_duplicates")
        return self

    def asked(self) -> Query:
        """The query."""
        if self.images is None:
            return self.query(self.one(self.include_self))
        return self.query(Blend(tuple((each.one(self.include_self), each.weight) for each in self.images)))


_OPTIONS = TypeAdapter(ProductOptions)
_PICTURE_OPTIONS = TypeAdapter(PictureOptions)
_REQUEST = TypeAdapter(SearchRequest)


def from_json(given: Any) -> SearchRequest:
    """The request in a JSON body.

    Raises:
        RequestInvalid: naming the field.
    """
    return validated(_REQUEST, given, is_strict=True)


def from_strings(parameters: Mapping[str, Sequence[str]]) -> SearchRequest:
    """The request in query parameters or a form: objects are JSON, ``fields`` and the edges of ``crop`` are separated by commas."""
    return validated(_REQUEST, _read(parameters))


def options_from_strings(parameters: Mapping[str, Sequence[str]]) -> ProductOptions:
    """The options in query parameters, for a product in the path."""
    return validated(_OPTIONS, _read(parameters))


def picture_options_from_strings(parameters: Mapping[str, Sequence[str]]) -> PictureOptions:
    """The options in query parameters or a form, for a picture whose file comes beside them."""
    return validated(_PICTURE_OPTIONS, _read(parameters))


def _read(parameters: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for name, values in parameters.items():
        if len(values) > 1 and name != "fields":
            raise RequestInvalid("this parameter is given more than once", field=name)
        given[name] = values[-1]
    if "fields" in parameters:
        given["fields"] = [name.strip() for value in parameters["fields"] for name in value.split(",")]
    for name in ("filter", "images"):
        if name in given:
            given[name] = parsed(given[name], field=name)
    if "crop" in given:
        given["crop"] = dict(zip(("left", "top", "right", "bottom"), _edges(given["crop"]), strict=True))
    return given


def _edges(text: str) -> list[str]:
    edges = text.split(",")
    if len(edges) != 4:
        raise RequestInvalid("a crop box has four edges, separated by commas: left,top,right,bottom", field="crop")
    return edges


def _check_one(picture: Picture, names: Sequence[str], field: str | None = None) -> None:
    given = [name for name in names if getattr(picture, name) is not None]
    if len(given) != 1:
        there = f"the request has {' and '.join(given)}" if given else "the request has no picture"
        raise RequestInvalid(f"{there}: give exactly one of {', '.join(names)}", field=field or (given[1] if given else "image_url"))
    if picture.crop is not None and given[0] not in ("image_url", "image"):
        raise RequestInvalid("crop goes with image_url or image", field="crop")


def _check_fields(names: Sequence[str] | None) -> None:
    for name in names or ():
        if name not in FIELDS and not name.startswith("attributes."):
            raise RequestInvalid(f"there is no field {name!r}: take {', '.join(sorted(FIELDS))} or attributes.NAME", field="fields")
