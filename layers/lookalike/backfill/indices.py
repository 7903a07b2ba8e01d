"""The interface to the indices of pictures that backfills need: they fill a new one, switch the alias to it, and merge it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lookalike.backfill.model import Into


@dataclass(frozen=True, slots=True)
class SharedPicture:
    """A picture that several documents of the index have, equal by perceptual hash.

    Args:
        perceptual_hash: 64 hex digits.
        products: how many products have it; a close estimate above 40,000.
        files: the approximate number of different files.
        image_url: the address of one of them.
    """

    perceptual_hash: str
    products: int
    files: int
    image_url: str


class Indices(Protocol):
    """The indices of pictures, and the alias."""

    def searched(self) -> str:
        """The name of the index behind the alias, refreshed. Raises `IndexMissing`."""

    def shared_pictures(self, index: str, limit: int) -> Sequence[SharedPicture]:
        """The ``limit`` perceptual hashes that most pictures of the index have, except those of a single picture."""

    def begin_dual_write(self, into: Into) -> str:
        """Creates the index unless it exists, and has all pictures written to it too from now on; returns its name.

        Raises:
            RequestInvalid: another index is being filled; or this one has another model or other options; or there is no such model; or
                the server's licence does not cover the index type.
        """

    def end_dual_write(self, name: str) -> None:
        """Stops writing to the index unless it is the one that is searched; the index is kept."""

    def switch(self, name: str) -> str | None:
        """Moves the alias to the index, atomically; returns the index that it pointed to before, which is kept."""

    def begin_merge(self, name: str | None) -> str | None:
        """Starts to merge the index, by default the one that is searched, into few segments.

        Returns the id of Elasticsearch's task; None if there is nothing to merge, or no such index.
        """

    def is_merged(self, task: str) -> bool:
        """Whether the task has ended. Raises `Misconfigured` if it failed."""
