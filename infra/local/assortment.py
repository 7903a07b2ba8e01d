"""What a drawn shop sells: for each product what it looks like and what the shop says of it, computed from its number."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from lookalike.domain import Attributes

from infra.local.shapes import SHAPES
from infra.local.surfaces import BACKDROPS, PATTERNS, Colour

COLOURS: Mapping[str, Colour] = {
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
    "sky": (122, 176, 212),
    "forest": (46, 94, 68),
}
"""The colours of a product, by the names that a filter knows."""

PARTNERS: Mapping[str, tuple[str, ...]] = {
    "terracotta": ("cream", "navy"),
    "mustard": ("cream", "charcoal"),
    "sage": ("cream", "forest"),
    "teal": ("cream", "mustard"),
    "navy": ("cream", "sky"),
    "blush": ("cream", "plum"),
    "plum": ("blush", "cream"),
    "charcoal": ("cream", "mustard"),
    "cream": ("navy", "terracotta"),
    "red": ("cream", "navy"),
    "sky": ("cream", "navy"),
    "forest": ("cream", "mustard"),
}
"""Which second colours go with a first one."""

TINTS: tuple[Colour, ...] = (
    (236, 226, 212),
    (220, 230, 232),
    (240, 220, 214),
    (222, 232, 218),
    (230, 224, 238),
    (244, 234, 204),
    (208, 216, 226),
)
"""Pale colours of what lies behind a product."""

BRANDS = ("Nordlys", "Åsgård", "Maré", "Kiln & Co", "Fable", "Otto Vey", "Halcyon")

PRICES: Mapping[str, tuple[int, int]] = {
    "armchair": (240, 900),
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
"""The least and the greatest price of each kind."""

OPENED = date(2025, 1, 1)


@dataclass(frozen=True, slots=True)
class Design:
    """One product of the drawn shop.

    ``number`` also seeds what the picture leaves to chance: angle, place, size, light.
    """

    number: int
    category: str
    shape: int
    pattern: str
    colour: str
    second_colour: str
    backdrop: str
    tint: Colour
    price: float
    in_stock: bool
    brand: str
    added: date

    @property
    def product_id(self) -> str:
        """Unique, and safe in an address."""
        return f"{self.category}-{self.number:04d}"

    @property
    def attributes(self) -> Attributes:
        """What the shop says of it: text, a number, a truth value and a date, so that each form of filter has something to find."""
        pattern = "" if self.pattern == "plain" else f" with {self.pattern}"
        return {
            "name": f"{self.colour.capitalize()} {self.category}{pattern}",
            "category": self.category,
            "colour": self.colour,
            "pattern": self.pattern,
            "brand": self.brand,
            "price": self.price,
            "in_stock": self.in_stock,
            "added": self.added.isoformat(),
        }


def designs(count: int) -> Iterator[Design]:
    """The shop's first products, as many of each category as of any other; the same ones every time."""
    categories = list(SHAPES)
    for number in range(count):
        yield _design(number, categories[number % len(categories)])


def _design(number: int, category: str) -> Design:
    random = Random(number)
    colour = random.choice(list(COLOURS))
    low, high = PRICES[category]
    return Design(
        number=number,
        category=category,
        shape=random.randrange(len(SHAPES[category])),
        pattern=random.choices(list(PATTERNS), weights=[3] + [1] * (len(PATTERNS) - 1))[0],
        colour=colour,
        second_colour=random.choice(PARTNERS[colour]),
        backdrop=random.choice(list(BACKDROPS)),
        tint=random.choice(TINTS),
        price=round(low + (high - low) * random.random() ** 2) - 0.05,
        in_stock=random.random() < 0.8,
        brand=random.choice(BRANDS),
        added=OPENED + timedelta(days=random.randrange(540)),
    )
