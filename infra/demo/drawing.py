"""The products of the drawn catalogue, each computed from its number: its attributes, and its picture, a shape of products.svg."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import resvg_py
from lookalike.domain import Attributes
from PIL import Image
from PIL.ImageColor import getrgb

TABLES = Path(__file__).with_name("assortment.toml")
ASSORTMENT: dict[str, Any] = tomllib.loads(TABLES.read_text())
"""Categories with their lowest and highest prices; names of patterns and of colours; brands. Colours are as in CSS."""

OPENED = date(2025, 1, 1)
SHAPES = Path(__file__).with_name("products.svg")
SIZE = 420
"""Width and height of a picture in pixels."""

DARK = "#302e34"


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


def draw(design: Design) -> bytes:
    """The product's picture, a JPEG of 420 x 420 pixels; the same bytes each time for one version of the renderer and of Pillow."""
    rendered = resvg_py.svg_to_bytes(svg_string=_svg(design), skip_system_fonts=True)
    content = BytesIO()
    Image.open(BytesIO(bytes(rendered))).convert("RGB").save(content, "JPEG", quality=88, subsampling=0)
    return content.getvalue()


@cache
def shapes(category: str) -> list[str]:
    """The parts of each shape of a category, as SVG."""
    return re.findall(rf'<g class="{category}"[^>]*>(.*?)</g>', SHAPES.read_text(), re.DOTALL)


@cache
def _definitions() -> str:
    """The patterns, filters and common styles of products.svg."""
    return "".join(re.findall(r"<(?:style|defs)>.*?</(?:style|defs)>", SHAPES.read_text(), re.DOTALL))


def _svg(design: Design) -> str:
    random = Random(design.number)
    shape = shapes(design.category)[design.shape % len(shapes(design.category))]
    stands = 'class="shadow"' in shape
    turn = random.uniform(-3, 3) if stands else random.uniform(-25, 25)
    scale, mirror = random.uniform(0.8, 1.06), random.choice((-1, 1))
    x, y, horizon = random.uniform(-0.09, 0.09), random.uniform(-0.07, 0.07), random.uniform(0.25, 0.65)
    spot, wall = f'cx="{random.uniform(-1.1, 1.1):.2f}" cy="{random.uniform(-1.1, 0.6):.2f}"', design.background
    floor = f'<path fill="{_mixed(design.background, DARK, 0.07)}" d="M-1.2 {horizon:.2f}H1.2V1.2H-1.2Z"/>' if stands else ""
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{SIZE}" height="{SIZE}" viewBox="-1.2 -1.2 2.4 2.4">{_definitions()}
  <style>{_styles(design)}</style>
  <radialGradient id="spot" gradientUnits="userSpaceOnUse" {spot} r="2" href="#spotlight"/>
  <path fill="{wall}" d="M-1.2 -1.2H1.2V1.2H-1.2Z"/>{floor}
  <path fill="url(#spot)" d="M-1.2 -1.2H1.2V1.2H-1.2Z"/>
  <g{"" if stands else ' filter="url(#lifted)"'}>
    <g id="thing" transform="translate({x:.3f} {y:.3f}) rotate({turn:.2f}) scale({mirror * scale:.3f} {scale:.3f})">{shape}</g>
  </g>
  <mask id="cover" mask-type="alpha"><use href="#thing"/></mask>
  <path fill="url(#light)" mask="url(#cover)" d="M-1 -1H1V1H-1Z"/>
</svg>"""


def _styles(design: Design) -> str:
    """The paints of a product: its colour, and on it cream, or navy on cream and other pale colours."""
    first = ASSORTMENT["colours"][design.colour]
    second = ASSORTMENT["colours"]["navy" if design.colour in ("cream", "blush", "mustard") else "cream"]
    paints = {
        "body": first if design.pattern == "plain" else f"url(#{design.pattern})",
        "shade": _mixed(first, DARK, 0.16),
        "deep": _mixed(first, DARK, 0.5),
        "trim": _mixed(first, DARK, 0.3) if design.pattern == "plain" else second,
        "metal": ("#be985c", "#acb0b6")[design.number % 2],
        "wood": ("#a87a52", "#6e4e3a")[design.number // 2 % 2],
    }
    styles = (f".{paint} {{fill: {value}}} .{paint}.line {{fill: none; stroke: {value}}}" for paint, value in paints.items())
    return " ".join([f".first {{fill: {first}}} .second {{fill: {second}}}", *styles])


def _mixed(first: str, second: str, share: float) -> str:
    """A colour between two, as CSS writes it."""
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(getrgb(first), getrgb(second), strict=True))
