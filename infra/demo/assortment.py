"""The products of the drawn catalogue: what each looks like and its attributes, computed from its number."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

from lookalike.domain import Attributes

TABLES = Path(__file__).with_suffix(".toml")
ASSORTMENT: dict[str, Any] = tomllib.loads(TABLES.read_text())
"""Categories with their lowest and highest prices; names of patterns and of colours; brands. Colours are as in CSS."""

OPENED = date(2025, 1, 1)


@dataclass(frozen=True, slots=True)
class Design:
    """One drawn product; its number also seeds the angle, size and place that it is drawn at."""

    number: int
    category: str
    shape: int
    pattern: str
    colour: str
    background: str
    attributes: Attributes

    @property
    def product_id(self) -> str:
        """Unique, and safe in an address."""
        return f"{self.category}-{self.number:04d}"


def designs(count: int) -> Iterator[Design]:
    """The first products, the categories in turn; the same ones every time."""
    categories = list(ASSORTMENT["categories"])
    for number in range(count):
        yield _design(number, categories[number % len(categories)])


def _design(number: int, category: str) -> Design:
    """The attributes are text, a number, a truth value and a date, so that each form of filter has something to find."""
    random = Random(number)
    colour, pattern = random.choice(list(ASSORTMENT["colours"])), random.choice(ASSORTMENT["patterns"])
    low, high = ASSORTMENT["categories"][category]
    attributes: Attributes = {
        "name": f"{colour.capitalize()} {category}{'' if pattern == 'plain' else f' with {pattern}'}",
        "category": category,
        "colour": colour,
        "pattern": pattern,
        "brand": random.choice(ASSORTMENT["brands"]),
        "price": round(low + (high - low) * random.random() ** 2) - 0.05,
        "in_stock": random.random() < 0.8,
        "added": (OPENED + timedelta(days=random.randrange(540))).isoformat(),
    }
    return Design(number, category, random.randrange(2), pattern, colour, random.choice(ASSORTMENT["backgrounds"]), attributes)
