"""What makes a source odd: its indices, and what their documents come to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lookalike.backfill.model import FieldNames

COUNT = 1000
HALF = range(COUNT // 2)
TEXT = {"type": "text"}
BOTH = {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}
SKU = FieldNames("sku")

Document = dict[str, Any]


@dataclass(frozen=True)
class Index:
    """One index of a source: its mapping, and the document with each number."""

    document: Callable[[int], Document]
    properties: Mapping[str, Any] = field(default_factory=dict)
    mappings: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    numbers: range = range(COUNT)
    alias: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Odd:
    """A source; what its documents come to; how many of them are failures. A ``refused`` one is not begun, for this reason.

    It is read by a pattern, or by the alias that its first index has.
    """

    indices: tuple[Index, ...]
    fields: FieldNames = SKU
    expected: Callable[[int], tuple[str, set[str]] | None] = lambda n: (f"p-{n}", {url(n)})
    query: Mapping[str, Any] = field(default_factory=lambda: {"match_all": {}})
    refused: str = ""


def url(number: int, name: str = "a") -> str:
    return f"http://a/{number}/{name}.jpg"


def plain(number: int) -> Document:
    return {"sku": f"p-{number}", "image_url": url(number), "name": "Hat", "price": "12,50"}


def half(name: str, sku: Callable[[int], Any] = lambda n: f"p-{n}") -> Callable[[int], Document]:
    return lambda n: {"sku": sku(n), "image_url": url(n, name)}


def one_of_two(n: int) -> Document:
    """Two documents of each product, five hundred apart."""
    return {"sku": f"p-{n % 500}", "image_url": url(n % 500, "ab"[n // 500])}


def all_but(every: int) -> Callable[[int], tuple[str, set[str]] | None]:
    """All but each ``every``-th, which describes no product."""
    return lambda n: (f"p-{n}", {url(n)}) if n % every else None


def both(n: int) -> tuple[str, set[str]]:
    return f"p-{n}", {url(n, "a"), url(n, "b")}
