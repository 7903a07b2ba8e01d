"""The model of crop boxes in requests and answers."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

from lookalike.domain import Crop, Part
from lookalike.errors import RequestInvalid
from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema, core_schema

LEAST_CROP = 0.0001
"""Of a picture's width and height: a pixel of the largest pictures."""

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class CropBox(BaseModel):
    """The part of a picture to search by; the edges are fractions of the picture's width and height."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    left: Fraction = Field(examples=[0.25])
    top: Fraction = Field(examples=[0.1])
    right: Fraction = Field(examples=[0.75])
    bottom: Fraction = Field(examples=[0.9])

    @model_validator(mode="after")
    def _has_an_area(self) -> Self:
        if self.right - self.left < LEAST_CROP or self.bottom - self.top < LEAST_CROP:
            raise RequestInvalid(f"a crop box needs left < right and top < bottom, {LEAST_CROP} apart at least", field="crop")
        return self

    def crop(self) -> Crop:
        """Converts to the crop that the search expects."""
        return Crop(self.left, self.top, self.right, self.bottom)


AUTO: Literal["auto"] = "auto"
"""Instead of a crop box: the thing that stands out most."""


class _OrAuto:
    """Allows `AUTO` besides a box; a union would add the names of its members to the location in errors."""

    def __get_pydantic_core_schema__(self, _: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(_box_or_auto, handler.generate_schema(CropBox))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [handler(schema), {"const": AUTO}]}


def _box_or_auto(given: Any, box: Callable[[Any], CropBox]) -> CropBox | Literal["auto"]:
    if given == AUTO:
        return AUTO
    if not isinstance(given, dict | CropBox):
        raise RequestInvalid('a crop box is "auto", or an object with left, top, right and bottom', field="crop")
    return box(given)


CropField = Annotated[CropBox | Literal["auto"], _OrAuto()]


def part(given: CropBox | Literal["auto"] | None) -> Part:
    """Converts to the part of a picture that the search expects."""
    return given.crop() if isinstance(given, CropBox) else given
