"""Encodes and decodes ``next_cursor``, which contains everything that the next page needs, so that the service keeps no state.

Cursors come from clients and are not trusted: each field is validated like any input. They are not signed, because a forged cursor
cannot return anything that another request could not.
"""

import base64
import zlib
from typing import Annotated, Any, Literal, Self

import numpy as np
from lookalike import filters
from lookalike.domain import Vector
from lookalike.errors import RequestInvalid
from lookalike.search.query_vectors import MAX_EXAMPLES, PICTURES_OF_A_PRODUCT, ByProduct, QueryVectors
from lookalike.search.search import MAX_SEEN, Query
from lookalike.validation import parsed, validated
from pydantic import BaseModel, Field, TypeAdapter, model_validator

from functions.search.requests import STRICT, Fields, Options, ProductOptions, Size

MAX_BYTES = 4_000_000
"""Size of a cursor's JSON after decompression at most, so that a small cursor cannot fill the memory."""

PackedVector = Annotated[str, Field(max_length=50_000)]
PerceptualHash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class NextRequest(BaseModel):
    """A request for the next page of a search: the cursor, and the options that may change from page to page."""

    model_config = STRICT

    cursor: str = Field(description="next_cursor of the previous page")
    size: Size | None = Field(default=None, description="the number of hits; by default that of the previous page")
    fields: Fields | None = None


class PackedQueryVectors(BaseModel):
    """`QueryVectors` as JSON, with vectors as base64 of float32; with half precision, a copy on a later page would score only 0.9998."""

    model_config = STRICT

    vectors: list[PackedVector] = Field(min_length=1, max_length=PICTURES_OF_A_PRODUCT)
    preference: PackedVector | None = None
    hashes: list[PerceptualHash] = Field(default=[], max_length=PICTURES_OF_A_PRODUCT)
    without: list[str] = Field(default=[], max_length=MAX_EXAMPLES)

    @classmethod
    def pack(cls, query: QueryVectors) -> Self:
        """Converts query vectors to their JSON form."""
        preference = None if query.preference is None else _packed(query.preference)
        vectors = [_packed(vector) for vector in query.vectors]
        return cls(vectors=vectors, preference=preference, hashes=list(query.perceptual_hashes), without=sorted(query.without))

    def unpack(self) -> QueryVectors:
        """Converts back to query vectors. Raises `RequestInvalid` if a vector has the length 0."""
        preference = None if self.preference is None else _unpacked(self.preference)
        vectors = tuple(_unpacked(vector) for vector in self.vectors)
        return QueryVectors(vectors, preference, tuple(self.hashes), frozenset(self.without))


class Cursor(BaseModel):
    """A cursor's JSON: the query (vectors, or an id), the options of the first page, and the hits of all earlier pages.

    The vector of an indexed picture is included, because looking it up again takes as long as the search. The vectors of a product with
    several pictures are not, because each adds 8 kB to every answer.
    """

    model_config = STRICT

    version: Literal[1] = 1
    model: str
    options: ProductOptions
    product_id: str | None = None
    query_vectors: PackedQueryVectors | None = None
    seen: list[str] = Field(min_length=1, max_length=MAX_SEEN - 1)

    @model_validator(mode="after")
    def _has_one_input(self) -> Self:
        if (self.product_id is None) == (self.query_vectors is None):
            raise _damaged()
        if self.query_vectors and self.options.near_duplicates and not self.query_vectors.hashes:
            raise _damaged()
        return self


_CURSOR = TypeAdapter(Cursor)
_NEXT = TypeAdapter(NextRequest)


def encode(query: Query, options: Options) -> str:
    """The cursor of the next page: ``query`` is its query, ``options`` are those of the page before."""
    cursor = Cursor(
        model=query.model or "",
        options=ProductOptions.model_validate(options.model_dump(include=set(ProductOptions.model_fields)) | {"diversity": 0.0}),
        product_id=query.input.product_id if isinstance(query.input, ByProduct) else None,
        query_vectors=PackedQueryVectors.pack(query.input) if isinstance(query.input, QueryVectors) else None,
        seen=sorted(query.options.seen),
    )
    return base64.urlsafe_b64encode(zlib.compress(cursor.model_dump_json(exclude_defaults=True).encode())).decode()


def from_json(body: Any) -> tuple[Options, Query]:
    """Reads a request for a next page: its options and its query.

    Raises:
        RequestInvalid: the cursor is damaged, or comes with options that only the first page can have.
    """
    request = validated(_NEXT, body, is_strict=True)
    cursor = _decoded(request.cursor)
    changed: dict[str, Any] = {name: getattr(request, name) for name in ("size", "fields") if getattr(request, name) is not None}
    options = ProductOptions.model_validate(cursor.options.model_dump() | changed)
    wanted = options.search_options(filters.parse(options.filter), frozenset(cursor.seen))
    product = ByProduct(cursor.product_id or "", options.include_self)
    return options, Query(cursor.query_vectors.unpack() if cursor.query_vectors else product, wanted, cursor.model, options.index)


def _decoded(text: str) -> Cursor:
    try:
        unpacking = zlib.decompressobj()
        unpacked = unpacking.decompress(base64.b64decode(text, altchars=b"-_", validate=True), MAX_BYTES)
        if not unpacking.eof:
            raise _damaged()
        return validated(_CURSOR, parsed(unpacked, "cursor"), is_strict=True)
    except (zlib.error, ValueError, RequestInvalid) as error:
        raise _damaged() from error


def _damaged() -> RequestInvalid:
    return RequestInvalid("this is not a valid cursor: search again from the first page", field="cursor")


def _packed(vector: Vector) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


def _unpacked(text: str) -> Vector:
    """The vector, of unit length as all are."""
    try:
        vector = np.frombuffer(base64.b64decode(text, validate=True), "<f4").astype(np.float32)
    except ValueError as error:
        raise _damaged() from error
    length = float(np.linalg.norm(vector))
    if not np.isfinite(length) or length == 0:
        raise _damaged()
    unit: Vector = vector / np.float32(length)
    return unit
