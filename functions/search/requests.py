"""Models of the search requests, and their conversion to a `Query`."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

from lookalike import data_urls, filters
from lookalike.errors import RequestInvalid
from lookalike.search.ports import Per
from lookalike.search.query_vectors import MAX_EXAMPLES, ByContent, ByImage, ByProduct, ByText, ByUrl, Example, QueryInput, WeightedExamples
from lookalike.search.ranking import SearchOptions
from lookalike.search.search import MAX_SIZE, IndexName, Query
from lookalike.validation import parsed, validated
from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, model_validator

from functions.search import crops
from functions.search.crops import AUTO, CropField, Fraction

EXAMPLE_FIELDS = ("image_url", "image", "product_id", "image_id", "text")
"""Fields that name one picture or product to search by."""

INPUT_FIELDS = (*EXAMPLE_FIELDS, "images")
"""Fields that name what to search by."""

HIT_FIELDS = frozenset({"product_id", "image_id", "image_url", "score", "attributes"})
"""Fields of a hit."""

STRICT = ConfigDict(extra="forbid", frozen=True)

Fields = Annotated[
    list[Annotated[str, Field(max_length=300)]],
    Field(max_length=100, description="the fields of each hit to return: names, or attributes.NAME for single attributes; all by default"),
]
Size = Annotated[int, Field(ge=1, le=MAX_SIZE, description="the number of hits")]


def _file_or_url(image_url: str | None, image: str | None) -> bytes | str:
    if image_url is None:
        return data_urls.content(image or "", "image")
    url = image_url.strip()
    return data_urls.content(url, "image_url") if data_urls.is_data_url(url) else url


def _exactly_one(*names: str) -> ConfigDict:
    """The configuration of a model whose JSON Schema says that exactly one of these fields is given."""
    types = {"images": "array"}
    choices: list[JsonValue] = [{"required": [name], "properties": {name: {"type": types.get(name, "string")}}} for name in names]
    return STRICT | ConfigDict(json_schema_extra={"oneOf": choices})


class Picture(BaseModel):
    """A picture or product to search by: exactly one of ``image_url``, ``image``, ``product_id``, ``image_id`` and ``text``."""

    model_config = _exactly_one(*EXAMPLE_FIELDS)

    image_url: str | None = Field(default=None, description="the picture's http or https URL, or a data: URL")
    image: str | None = Field(default=None, description="the picture's file, base64-encoded")
    product_id: str | None = Field(default=None, description="id of an indexed product; up to five of its pictures are used as the query")
    image_id: str | None = Field(default=None, description="id of an indexed picture")
    text: str | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="text to search by, if the model has a text encoder",
        examples=["a red hat"],
    )
    crop: CropField | None = Field(
        default=None, description="with image_url or image: the part of the picture to search by; auto for the most salient object"
    )

    def example(self, include_self: bool) -> Example:
        """Converts to the example that the search expects; ``include_self`` allows the product itself as a hit."""
        crop = crops.part(self.crop)
        if self.product_id is not None:
            return ByProduct(self.product_id, include_self)
        if self.image_id is not None:
            return ByImage(self.image_id, include_self)
        if self.text is not None:
            return ByText(self.text)
        picture = _file_or_url(self.image_url, self.image)
        return ByUrl(picture, crop) if isinstance(picture, str) else ByContent(picture, crop)


class WeightedPicture(Picture):
    """One of several pictures or products to search by, with a weight."""

    weight: float = Field(default=1.0, ge=-10.0, le=10.0, description="its weight in the query; negative to prefer hits that are unlike it")

    @model_validator(mode="after")
    def _has_one_input(self) -> Self:
        _check_exactly_one(self, EXAMPLE_FIELDS, "images")
        return self


class Options(BaseModel):
    """Options of any search."""

    model_config = STRICT

    filter: dict[str, Any] = Field(
        default={}, description="the attributes that a hit must have", examples=[{"category": "dress", "price": {"lt": 50}}]
    )
    size: Size = 10
    min_score: Fraction = Field(default=0.0, description="hits with a lower score are left out")
    exact: bool = Field(default=False, description="compare with every picture instead of using the approximate kNN index")
    per: Per = Field(default="product", description="product: one hit per product, its best picture; image: one hit per picture")
    near_duplicates: bool = Field(default=False, description="only copies of the same picture: re-encoded, resized or slightly cropped")
    diversity: Fraction = Field(
        default=0.0,
        description="how different the hits of the first page are from each other: 0 for no preference, 1 for as different as possible",
    )
    fields: Fields | None = None
    index: IndexName = Field(
        default="current", description="next: the index that is being filled to replace the current one, to compare the two"
    )

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        _check_fields(self.fields)
        if self.near_duplicates and self.diversity:
            raise RequestInvalid(
                "near_duplicates finds copies of a picture, diversity finds different pictures: give one of them", field="diversity"
            )
        return self

    def query_by(self, query_input: QueryInput) -> Query:
        """The query with these options. Raises `RequestInvalid` if the filter is invalid."""
        return Query(query_input, self.search_options(filters.parse(self.filter)), index=self.index)

    def search_options(self, parsed_filter: filters.Filter, seen: frozenset[str] = frozenset()) -> SearchOptions:
        """Converts to the options that the search expects; ``seen`` has the hits of earlier pages."""
        return SearchOptions(parsed_filter, self.size, self.min_score, self.exact, self.per, self.near_duplicates, self.diversity, seen)


class ProductOptions(Options):
    """Options of a search by indexed products or pictures."""

    include_self: bool = Field(default=False, description="with product_id or image_id: the product itself may be a hit")


class PictureOptions(Options):
    """Options of a search by a picture's file."""

    crop: CropField | None = Field(default=None, description="the part of the picture to search by; auto for the most salient object")

    def query_by_content(self, content: bytes) -> Query:
        """The query by a picture's file. Raises as `query_by`."""
        return self.query_by(ByContent(content, crops.part(self.crop)))


class SearchRequest(ProductOptions, Picture):
    """A search request: exactly one of the fields of `Picture` and ``images``, and options."""

    model_config = _exactly_one(*INPUT_FIELDS)

    images: list[WeightedPicture] | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_EXAMPLES,
        description="several pictures or products to search by, each with a weight: like this one, not like that one",
    )

    @model_validator(mode="after")
    def _has_one_input(self) -> Self:
        _check_exactly_one(self, INPUT_FIELDS)
        examples = [self, *(self.images or ())]
        if self.include_self and all(each.product_id is None and each.image_id is None for each in examples):
            raise RequestInvalid("include_self goes with product_id or image_id", field="include_self")
        if self.near_duplicates and self.text is not None:
            raise RequestInvalid("near_duplicates goes with one picture or product", field="near_duplicates")
        if self.images is None:
            return self
        if all(each.weight <= 0 for each in self.images):
            raise RequestInvalid("give at least one picture a weight above zero", field="images")
        if self.near_duplicates:
            raise RequestInvalid("near_duplicates goes with one picture or product", field="near_duplicates")
        return self

    def query(self) -> Query:
        """The query that the request asks for. Raises as `query_by`."""
        if self.images is None:
            return self.query_by(self.example(self.include_self))
        return self.query_by(WeightedExamples(tuple((each.example(self.include_self), each.weight) for each in self.images)))


class DetectRequest(BaseModel):
    """A picture in which to detect objects: exactly one of ``image_url`` and ``image``."""

    model_config = _exactly_one("image_url", "image")

    image_url: str | None = Field(default=None, description="the picture's http or https URL, or a data: URL")
    image: str | None = Field(default=None, description="the picture's file, base64-encoded")

    @model_validator(mode="after")
    def _has_one_input(self) -> Self:
        if (self.image_url is None) == (self.image is None):
            raise RequestInvalid("give exactly one of image_url, image", field="image_url")
        return self

    def picture(self) -> bytes | str:
        """The picture's file, or its URL."""
        return _file_or_url(self.image_url, self.image)


_DETECT = TypeAdapter(DetectRequest)
_OPTIONS = TypeAdapter(ProductOptions)
_PICTURE_OPTIONS = TypeAdapter(PictureOptions)
_REQUEST = TypeAdapter(SearchRequest)


def from_json(body: Any) -> SearchRequest:
    """Reads the value of a JSON body.

    Raises:
        RequestInvalid: names the first field that is wrong.
    """
    return validated(_REQUEST, body, is_strict=True)


def from_strings(parameters: Mapping[str, Sequence[str]]) -> SearchRequest:
    """Reads query parameters or a form: objects are JSON, ``fields`` and the edges of ``crop`` are separated by commas.

    Raises:
        RequestInvalid: names the first parameter that is wrong.
    """
    return validated(_REQUEST, _read(parameters))


def options_from_strings(parameters: Mapping[str, Sequence[str]]) -> ProductOptions:
    """Reads query parameters of a search by the product in the path. Raises as `from_strings`."""
    return validated(_OPTIONS, _read(parameters))


def picture_options_from_strings(parameters: Mapping[str, Sequence[str]]) -> PictureOptions:
    """Reads query parameters or a form that come with a picture's file. Raises as `from_strings`."""
    return validated(_PICTURE_OPTIONS, _read(parameters))


def detect_from_json(body: Any) -> DetectRequest:
    """Reads the value of a JSON body of ``/detect``. Raises as `from_json`."""
    return validated(_DETECT, body, is_strict=True)


def detect_from_strings(parameters: Mapping[str, Sequence[str]]) -> DetectRequest:
    """Reads query parameters or a form of ``/detect``. Raises as `from_strings`."""
    return validated(_DETECT, _read(parameters))


def _read(parameters: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    request: dict[str, Any] = {}
    if "cursor" in parameters:
        raise RequestInvalid('send a cursor as JSON in the body of POST /search: {"cursor": "…"}', field="cursor")
    for name, values in parameters.items():
        if len(values) > 1 and name != "fields":
            raise RequestInvalid("this parameter may be given only once", field=name)
        request[name] = values[-1]
    if "fields" in parameters:
        request["fields"] = [name.strip() for value in parameters["fields"] for name in value.split(",")]
    for name in ("filter", "images"):
        if name in request:
            request[name] = parsed(request[name], field=name)
    if request.get("crop", AUTO) != AUTO:
        request["crop"] = dict(zip(("left", "top", "right", "bottom"), _edges(request["crop"]), strict=True))
    return request


def _edges(text: str) -> list[str]:
    edges = text.split(",")
    if len(edges) != 4:
        raise RequestInvalid("a crop box is auto, or four fractions, separated by commas: left,top,right,bottom", field="crop")
    return edges


def _check_exactly_one(picture: Picture, names: Sequence[str], field: str | None = None) -> None:
    present = [name for name in names if getattr(picture, name) is not None]
    if len(present) != 1:
        found = f"the request has {' and '.join(present)}" if present else "the request has nothing to search by"
        raise RequestInvalid(f"{found}: give exactly one of {', '.join(names)}", field=field or (present[1] if present else "image_url"))
    if picture.crop is not None and present[0] not in ("image_url", "image"):
        raise RequestInvalid("crop goes with image_url or image", field="crop")


def _check_fields(names: Sequence[str] | None) -> None:
    for name in names or ():
        if name not in HIT_FIELDS and not name.startswith("attributes."):
            raise RequestInvalid(f"hits have no field {name!r}: use {', '.join(sorted(HIT_FIELDS))} or attributes.NAME", field="fields")
