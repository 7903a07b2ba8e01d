"""What indexing needs from outside: where pictures are fetched from, and the indices that are written."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from lookalike.domain import Embedder, Embedding, IndexedPicture, Origin, PictureFile, Vector
from lookalike.errors import LookalikeError


class PictureFetcher(Protocol):
    """Fetches pictures by http(s) or s3 address."""

    def fetch(self, url: str, unless: str | None = None) -> PictureFile:
        """Fetches a picture, unless its ETag is still ``unless``.

        Raises:
            LookalikeError: `PictureRefused` or `TransientError`, as their docstrings say.
        """

    def head(self, url: str) -> PictureFile | None:
        """The S3 object that is there now, without its bytes; None if there is none."""


class WritableIndex(Protocol):
    """One concrete index of pictures, as indexing reads and writes it."""

    def pictures(self, image_ids: Iterable[str]) -> dict[str, IndexedPicture]:
        """The documents that exist, by image id, read in real time (no refresh needed)."""

    def embedded(self, content_sha256s: Iterable[str]) -> dict[str, Embedding]:
        """Embeddings of pictures that are already indexed, by the SHA-256 of their bytes; new ones are found after the next refresh."""

    def images_of(self, product_ids: Iterable[str], origin: Origin) -> dict[str, str]:
        """Image id -> product id of the products' pictures that have this origin; new ones are found after the next refresh."""

    def write(self, put: Iterable[tuple[IndexedPicture, Vector]], delete: Iterable[str]) -> dict[str, LookalikeError]:
        """Writes and deletes documents by image id; returns those that were rejected, each with its error."""

    def delete_products(self, as_of: Mapping[str, int]) -> None:
        """Deletes the pictures of products: those from the products queue, and uploads that were indexed by then.

        ``as_of`` is product id -> when it was deleted, in milliseconds since 1970. Raises `TransientError` or `Misconfigured`.
        """


@dataclass(frozen=True, slots=True)
class WriteTarget:
    """An index to write, and the network whose vectors it holds."""

    index: WritableIndex
    embedder: Embedder
