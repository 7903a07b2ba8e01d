"""What ``next_cursor`` holds: everything that the next page needs, so that nothing is kept between two requests.

It comes back from outside and is trusted no more than any other input: each field is checked as if it had been typed. Whoever changes one
asks for another page, which any request could have asked for.
"""

import base64
import json
import zlib
from typing import Annotated, Any, Literal, Self

import numpy as np
from lookalike import filters
from lookalike.domain import Vector
from lookalike.errors import RequestInvalid
from lookalike.searching import MAX_SEEN, Query
from lookalike.subjects import MAX_BLENDED, PICTURES_OF_A_PRODUCT, ByImage, ByProduct, Sought
from pydantic import BaseModel, Field, TypeAdapter, model_validator

from functions.search.requests import STRICT, Fields, Options, ProductOptions, Size
from functions.validation import validated

MAX_BYTES = 4_000_000
"""Of a cursor's JSON: it is compressed, and might be a small text that unpacks to a large one."""

PackedVector = Annotated[str, Field(max_length=50_000)]
PerceptualHash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class NextRequest(BaseModel):
    """The next page of a search: its cursor, and what may differ from page to page."""

    model_config = STRICT

    cursor: str = Field(description="next_cursor of the page before")
    size: Size | None = Field(default=None, description="how many hits; by default as many as on the page before")
    fields: Fields | None = None


class PackedSought(BaseModel):
    """A `Sought`, its vectors in half precision."""

    model_config = STRICT

    vectors: list[PackedVector] = Field(min_length=1, max_length=PICTURES_OF_A_PRODUCT)
    preference: PackedVector | None = None
    hashes: list[PerceptualHash] = Field(default=[], max_length=PICTURES_OF_A_PRODUCT)
    without: list[str] = Field(default=[], max_length=MAX_BLENDED)

    @classmethod
    def pack(cls, sought: Sought) -> Self:
        """A cursor's part."""
        preference = None if sought.preference is None else _packed(sought.preference)
        vectors = [_packed(vector) for vector in sought.vectors]
        return cls(vectors=vectors, preference=preference, hashes=list(sought.perceptual_hashes), without=sorted(sought.without))

    def sought(self) -> Sought:
        """As the core has it."""
        preference = None if self.preference is None else _unpacked(self.preference)
        vectors = tuple(_unpacked(vector) for vector in self.vectors)
        return Sought(vectors, preference, tuple(self.hashes), frozenset(self.without))


class Cursor(BaseModel):
    """The query: a document's id, or vectors; options with the filter as it was given; what earlier pages have shown."""

    model_config = STRICT

    version: Literal[1] = 1
    model: str
    options: ProductOptions
    product_id: str | None = None
    image_id: str | None = None
    sought: PackedSought | None = None
    seen: list[str] = Field(min_length=1, max_length=MAX_SEEN - 1)

    @model_validator(mode="after")
    def _one_subject(self) -> Self:
        if [self.product_id, self.image_id, self.sought].count(None) != 2:
            raise _damaged()
        if self.sought is not None and self.options.near_duplicates and not self.sought.hashes:
            raise _damaged()
        return self


_CURSOR = TypeAdapter(Cursor)
_NEXT = TypeAdapter(NextRequest)


def encode(following: Query, options: Options) -> str:
    """The cursor of a query for the page after a search with these options."""
    cursor = Cursor(
        model=following.model or "",
        options=ProductOptions.model_validate(options.model_dump(include=set(ProductOptions.model_fields)) | {"diversity": 0.0}),
        product_id=following.subject.product_id if isinstance(following.subject, ByProduct) else None,
        image_id=following.subject.image_id if isinstance(following.subject, ByImage) else None,
        sought=PackedSought.pack(following.subject) if isinstance(following.subject, Sought) else None,
        seen=sorted(following.wanted.seen),
    )
    return base64.urlsafe_b64encode(zlib.compress(cursor.model_dump_json(exclude_defaults=True).encode())).decode()


def from_json(given: Any) -> tuple[Options, Query]:
    """The next page's options and query.

    Raises:
        RequestInvalid: something beside the cursor is given that belongs to the first page, or this is no cursor of ours.
    """
    request = validated(_NEXT, given, is_strict=True)
    cursor = _decoded(request.cursor)
    changed: dict[str, Any] = {name: getattr(request, name) for name in ("size", "fields") if getattr(request, name) is not None}
    options = ProductOptions.model_validate(cursor.options.model_dump() | changed)
    return options, Query(_subject(cursor), options.wanted(filters.parse(options.filter), frozenset(cursor.seen)), cursor.model)


def _subject(cursor: Cursor) -> ByProduct | ByImage | Sought:
    if cursor.product_id is not None:
        return ByProduct(cursor.product_id, cursor.options.include_self)
    if cursor.image_id is not None:
        return ByImage(cursor.image_id, cursor.options.include_self)
    if cursor.sought is None:
        raise _damaged()
    return cursor.sought.sought()


def _decoded(text: str) -> Cursor:
    try:
        unpacking = zlib.decompressobj()
        unpacked = unpacking.decompress(base64.b64decode(text, altchars=b"-_", validate=True), MAX_BYTES)
        if not unpacking.eof:
            raise _damaged()
        return validated(_CURSOR, json.loads(unpacked.decode()), is_strict=True)
    except (zlib.error, ValueError, RecursionError, RequestInvalid) as error:
        raise _damaged() from error


def _damaged() -> RequestInvalid:
    return RequestInvalid("this is not a cursor that was given out: search again from the first page", field="cursor")


def _packed(vector: Vector) -> str:
    return base64.b64encode(vector.astype("<f2").tobytes()).decode()


def _unpacked(text: str) -> Vector:
    """The vector, of unit length as all are."""
    try:
        vector = np.frombuffer(base64.b64decode(text, validate=True), "<f2").astype(np.float32)
    except ValueError as error:
        raise _damaged() from error
    length = float(np.linalg.norm(vector))
    if not np.isfinite(length) or length == 0:
        raise _damaged()
    unit: Vector = vector / np.float32(length)
    return unit
