"""The types that all parts share: products, pictures, models, search hits."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8]
"""RGB, shape (height, width, 3)."""

Vector: TypeAlias = NDArray[np.float32]
"""An embedding of unit length, shape (dimensions,)."""

Vectors: TypeAlias = NDArray[np.float32]
"""Several embeddings, shape (n, dimensions)."""

Attributes: TypeAlias = Mapping[str, Any]
"""What a shop stores about a product: a JSON object, returned as it was given."""

Origin = Literal["upload", "products"]
"""How a picture came into the index: from the bucket, or through the products queue."""


def image_id(product_id: str, image_url: str) -> str:
    """The document id of a product's picture, 32 hex digits: computed, so that repeated writes replace the same document."""
    return blake2b(f"{product_id}\0{without_credentials(image_url)}".encode(), digest_size=16).hexdigest()


def without_credentials(url: str) -> str:
    """A URL without the user and password before its host: the form that is stored, shown in answers, and hashed for the id."""
    return _CREDENTIALS.sub(r"\1", url)


def displayed(url: str) -> str:
    """A URL as failures show it: without credentials, and at most `MAX_DISPLAYED` characters of it."""
    public = without_credentials(url)
    return public if len(public) <= MAX_DISPLAYED else f"{public[:MAX_DISPLAYED]}…"


MAX_DISPLAYED = 2000

_CREDENTIALS = re.compile(r"^(\s*https?://)[^/?#]*@", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Product:
    """A product as its source describes it; ``image_urls`` are http(s), s3 or data: URLs."""

    product_id: str
    image_urls: tuple[str, ...]
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A fetched picture: its bytes and its metadata at the origin.

    Args:
        content: the bytes of the file; empty if they were not fetched.
        etag: the ETag, or if the origin sends none, Last-Modified.
        attributes: the user metadata of an S3 object, None for other origins.
        is_unmodified: the file still has the ETag that the caller knows, so its bytes were not fetched.
        modified: when an S3 object was uploaded, None for other origins.
    """

    content: bytes
    etag: str | None = None
    attributes: Attributes | None = None
    is_unmodified: bool = False
    modified: datetime | None = None


Resize = Literal["stretch", "centre_crop", "pad"]
"""How a picture of another aspect ratio is fitted to a network's input: distorted, cropped to the centre, or padded with white."""


@dataclass(frozen=True, slots=True)
class Model:
    """A network as its manifest describes it; only vectors of the same model can be compared.

    Args:
        input_size: (width, height) in pixels.
        interpolation: Pillow's name of the filter that scales pictures to the input size.
        precision: ``f32`` for networks that lose accuracy in the CPU's faster number formats.
        crop_share: the share of the shorter side that ``centre_crop`` keeps.
        adapted_from: SHA-256 of the weights of the model whose vectors this one transforms; None if it needs the pictures.
        remote: the service that computes the vectors, ``bedrock/MODEL`` or ``elasticsearch/ENDPOINT``; None if the network runs here.
    """

    id: str
    weights_sha256: str
    dimensions: int
    input_size: tuple[int, int]
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos"]
    preprocessing: str
    precision: Literal["f32", "fastest"] = "fastest"
    resize: Resize = "stretch"
    crop_share: float = 1.0
    adapted_from: str | None = None
    remote: str | None = None


IndexType = Literal["hnsw", "int8_hnsw", "int4_hnsw", "bbq_hnsw", "bbq_disk", "flat", "int8_flat", "int4_flat", "bbq_flat"]
"""How Elasticsearch stores and searches vectors: ``index_options.type`` of a ``dense_vector`` field."""


MAX_OVERSAMPLE = 10
"""Oversampling beyond this hits Elasticsearch's limit of 10,000 candidates."""


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """How an index is sharded, stored and searched.

    Args:
        shards: primary shards.
        replicas: copies of each shard; None for ``auto_expand_replicas``: one copy if there are two nodes, none on a single node.
        type: quantisation and graph of the vectors; ``bbq_disk`` needs an Enterprise licence.
        oversample: a search rescores ``oversample * k`` candidates with the full vectors.
    """

    shards: int = 1
    replicas: int | None = None
    type: IndexType = "bbq_hnsw"
    oversample: float = 3.0


class Embedder(Protocol):
    """A network that turns pictures into vectors."""

    @property
    def model(self) -> Model:
        """The model that the network runs: id, weights, input size, dimensions."""

    def embed(self, pixels: Sequence[Pixels]) -> Vectors:
        """Unit vectors, float32, shape (n, dimensions), of n pictures at the model's input size."""

    def from_vectors(self, vectors: Vectors, model: Model) -> Vectors | None:
        """This model's vectors of the same pictures, computed from another model's; None if the pictures are needed."""

    def embed_text(self, text: str) -> Vector:
        """The unit vector of a text, comparable with those of pictures. Raises `RequestInvalid` if the model has no text encoder."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was decoded and checked.

    ``width`` and ``height`` are those of the file after its EXIF rotation; ``pixels`` may be reduced, but not below the requested size.
    """

    pixels: Pixels
    width: int
    height: int
    perceptual_hash: str


@dataclass(frozen=True, slots=True)
class Crop:
    """A rectangle in a picture, as fractions of its width and height: 0 is the left or top edge, 1 the right or bottom edge."""

    left: float
    top: float
    right: float
    bottom: float


Part: TypeAlias = Crop | Literal["auto"] | None
"""Which part of a picture is embedded: a rectangle, the most salient object (``auto``), or the whole picture (None)."""


@dataclass(frozen=True, slots=True)
class Embedding:
    """A picture's vector, perceptual hash, and size in pixels."""

    vector: Vector
    perceptual_hash: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class IndexedPicture:
    """One document of the index, without its vector."""

    product_id: str
    image_url: str
    attributes: Attributes
    content_sha256: str
    perceptual_hash: str
    width: int
    height: int
    origin: Origin
    etag: str | None
    indexed_at: datetime

    @property
    def image_id(self) -> str:
        """The id of the picture's document in the index."""
        return image_id(self.product_id, self.image_url)


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """An indexed picture as a query uses it."""

    image_id: str
    product_id: str
    perceptual_hash: str
    vector: Vector


@dataclass(frozen=True, slots=True)
class Hit:
    """A picture that was found; ``score`` is ``1 / (1 + l2norm)`` on unit vectors, 1.0 for the same picture."""

    product_id: str
    image_id: str
    image_url: str
    score: float
    attributes: Attributes
    perceptual_hash: str = ""
