"""The interfaces that indexing needs from adapters: a fetcher of pictures, and indices to write to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from lookalike.domain import Embedder, Embedding, IndexedPicture, Origin, PictureFile, Vector
from lookalike.errors import LookalikeError


class PictureFetcher(Protocol):
    """Fetches pictures by http(s), s3 or data: URL."""

    def fetch(self, url: str, unless: str | None = None) -> PictureFile:
        """Fetches a picture; without its bytes if its ETag is still ``unless``.

        Raises `LookalikeError`: `PictureRefused` or `TransientError`, as their docstrings say.
        """

    def head(self, url: str) -> PictureFile | None:
        """The current S3 object, without its bytes; None if there is none."""


class WritableIndex(Protocol):
    """One concrete index of pictures, as indexing uses it."""

    name: str

    def pictures(self, image_ids: Iterable[str]) -> dict[str, IndexedPicture]:
        """The existing documents by image id, read in real time, without waiting for a refresh."""

    def embedded(self, content_sha256s: Iterable[str]) -> dict[str, Embedding]:
        """Embeddings of pictures that are already indexed, by the SHA-256 of their bytes; new ones are found after the next refresh."""

    def images_of(self, product_ids: Iterable[str], origin: Origin) -> dict[str, str]:
        """Image id -> product id of the products' pictures that have this origin; new ones are found after the next refresh."""

    def write(self, put: Iterable[tuple[IndexedPicture, Vector]], delete: Iterable[str]) -> dict[str, LookalikeError]:
        """Writes documents, and deletes others by image id; returns the errors of those that were rejected, by image id."""

    def delete_products(self, as_of: Mapping[str, int]) -> None:
        """Deletes the pictures of products: those from the products queue, and uploads that were indexed before the deletion.

        ``as_of`` has the time of each deletion by product id, in milliseconds since 1970. Raises `TransientError` or `Misconfigured`.
        """


@dataclass(frozen=True, slots=True)
class WriteTarget:
    """An index to write to, and the network that computes its vectors."""

    index: WritableIndex
    embedder: Embedder
