"""The nouns: products, pictures, models, and what a search gives back."""

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
"""What a shop says of a product: any JSON, kept and returned as given."""

Origin = Literal["upload", "products"]
"""Where a picture came from: the bucket, or the products queue."""


def image_id(product_id: str, image_url: str) -> str:
    """The document id of a product's picture: computed, so that every write can be repeated. 32 hex digits."""
    return blake2b(f"{product_id}\0{without_credentials(image_url)}".encode(), digest_size=16).hexdigest()


def without_credentials(url: str) -> str:
    """A URL without the user and password before its host: what is stored with a picture and shown, and what makes its id."""
    return _CREDENTIALS.sub(r"\1", url)


def displayed(url: str) -> str:
    """A URL as it is told in failures: without credentials, and of a data: URL its beginning."""
    public = without_credentials(url)
    return public if len(public) <= MAX_DISPLAYED else f"{public[:MAX_DISPLAYED]}…"


MAX_DISPLAYED = 2000

_CREDENTIALS = re.compile(r"^(\s*https?://)[^/?#]*@", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Product:
    """A product as its source describes it; ``image_urls`` are http(s) or s3 addresses."""

    product_id: str
    image_urls: tuple[str, ...]
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture as it was fetched: its bytes, and what the place where it was says of it.

    ``etag`` is the ETag, or where there is none the date of the last change. ``attributes`` is the user metadata of an S3 object, None
    where the place keeps none. A picture that ``is_unmodified`` was not fetched, because the fetcher has it.
    """

    content: bytes
    etag: str | None = None
    attributes: Attributes | None = None
    is_unmodified: bool = False


Resize = Literal["stretch", "centre_crop", "pad"]
"""How a picture of another shape is brought to a network's: out of proportion, without its edges, or with white edges."""


@dataclass(frozen=True, slots=True)
class Model:
    """A network as its manifest describes it; two vectors can be compared only if they come from the same one.

    ``input_size`` is (width, height) in pixels; ``interpolation`` is Pillow's name of the filter that scales a picture to it.
    ``precision`` is ``f32`` where the CPU's faster arithmetic turns vectors too far. ``crop_share`` is how much of the edge a
    ``centre_crop`` keeps. ``adapted_from`` is the SHA-256 of the weights of the
    model whose vectors this one transforms, if its vectors can be had from those without the pictures. ``remote`` is the service that
    is asked, ``bedrock/…`` or ``elasticsearch/…`` with the model's name there, None for a network that runs here.
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
"""Elasticsearch's own limit is that of the candidates, 10,000."""


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """How an index is cut, stored and searched.

    Args:
        shards: primary shards.
        replicas: copies of each; None for one where there are two nodes, none on a single node (``auto_expand_replicas``).
        type: quantisation and graph; ``bbq_disk`` needs an Enterprise licence.
        oversample: a search rescores that many times k candidates with the full vectors.
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
        """The vectors of the same pictures, from those that another model made; None if that takes the pictures."""

    def embed_text(self, text: str) -> Vector:
        """The unit vector of words, to be compared with those of pictures. Raises `RequestInvalid` if the model knows pictures alone."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was decoded and checked.

    ``width`` and ``height`` are those of the file after its EXIF turn; ``pixels`` may be smaller, never smaller than was asked for.
    """

    pixels: Pixels
    width: int
    height: int
    perceptual_hash: str


@dataclass(frozen=True, slots=True)
class Crop:
    """A part of a picture, its edges as fractions of the width and of the height: 0 is left and top, 1 right and bottom."""

    left: float
    top: float
    right: float
    bottom: float


Part: TypeAlias = Crop | Literal["auto"] | None
"""Of a picture: the part in a box, the thing that stands out most, or the whole."""


@dataclass(frozen=True, slots=True)
class Embedding:
    """A picture's vector, perceptual hash, and size in pixels."""

    vector: Vector
    perceptual_hash: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class IndexedPicture:
    """One document of the index; its vector travels beside it."""

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
    """A picture of the index, as a search begins with it."""

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
