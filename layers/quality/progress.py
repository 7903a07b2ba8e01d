"""Progress bars of commands."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import track

T = TypeVar("T")


def shown(items: Sequence[T], what: str) -> Iterable[T]:
    """The items, with a bar on standard error while they are gone through; without one where that is no terminal."""
    console = Console(stderr=True)
    return track(items, what, transient=True, console=console, disable=not console.is_terminal)
