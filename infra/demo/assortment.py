"""The products of the drawn catalogue: what each looks like and its attributes, computed from its number."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import TypeAlias

from lookalike.domain import Attributes

Colour: TypeAlias = tuple[int, int, int]
"""RGB, 0 to 255."""

CATEGORIES = {
    "bag": (35, 260),
    "bottle": (12, 48),
    "chair": (60, 320),
    "cup": (8, 34),
    "dress": (45, 220),
    "hat": (15, 90),
    "lamp": (40, 280),
    "shoe": (50, 240),
    "t-shirt": (14, 60),
    "umbrella": (18, 85),
    "vase": (16, 140),
    "watch": (70, 480),
}
"""Each category with its lowest and its highest price."""

COLOURS: dict[str, Colour] = {
    "terracotta": (200, 98, 68),
    "mustard": (224, 168, 58),
    "sage": (142, 164, 128),
    "teal": (32, 122, 124),
    "navy": (40, 58, 98),
    "blush": (232, 172, 164),
    "plum": (116, 62, 94),
    "charcoal": (66, 68, 74),
    "cream": (240, 228, 206),
    "red": (196, 56, 52),
}
PATTERNS = ("plain", "plain", "stripes", "pinstripes", "dots", "checks", "zigzag")
BACKGROUNDS: tuple[Colour, ...] = ((248, 248, 246), (236, 226, 212), (214, 226, 230), (240, 216, 208), (214, 228, 210), (244, 232, 196))
BRANDS = ("Nordlys", "Åsgård", "Maré", "Kiln & Co", "Fable", "Otto Vey", "Halcyon")
OPENED = date(2025, 1, 1)


@dataclass(frozen=True, slots=True)
class Design:
    """One drawn product; its number also seeds the angle, size and place that it is drawn at."""

    number: int
    category: str
    shape: int
    pattern: str
    colour: str
    background: Colour
    attributes: Attributes

    @property
    def product_id(self) -> str:
        """Unique, and safe in an address."""
        return f"{self.category}-{self.number:04d}"


def designs(count: int) -> Iterator[Design]:
    """The first products, the categories in turn; the same ones every time."""
    categories = list(CATEGORIES)
    for number in range(count):
        yield _design(number, categories[number % len(categories)])


def _design(number: int, category: str) -> Design:
    """The attributes are text, a number, a truth value and a date, so that each form of filter has something to find."""
    random = Random(number)
    colour, pattern = random.choice(list(COLOURS)), random.choice(PATTERNS)
    low, high = CATEGORIES[category]
    attributes: Attributes = {
        "name": f"{colour.capitalize()} {category}{'' if pattern == 'plain' else f' with {pattern}'}",
        "category": category,
        "colour": colour,
        "pattern": pattern,
        "brand": random.choice(BRANDS),
        "price": round(low + (high - low) * random.random() ** 2) - 0.05,
        "in_stock": random.random() < 0.8,
        "added": (OPENED + timedelta(days=random.randrange(540))).isoformat(),
    }
    return Design(number, category, random.randrange(2), pattern, colour, random.choice(BACKGROUNDS), attributes)
