"""Drawn products whose names say what they are."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from lookalike.domain import Pixels
from PIL import Image, ImageDraw

COLOURS = {"red": "#c82020", "green": "#208a3a", "blue": "#2040c8", "yellow": "#e0c020", "black": "#202024", "pink": "#e878a8"}
THINGS = ("plate", "box", "tent", "ring", "cross", "pole")


@dataclass(frozen=True)
class Drawn:
    """A product: its picture is another one for each seed."""

    thing: str
    colour: str
    is_dotted: bool
    seed: int

    @property
    def name(self) -> str:
        """As a shop would call it."""
        return f"{self.colour.capitalize()} {self.thing}{' with dots' if self.is_dotted else ''}"

    @property
    def pixels(self) -> Pixels:
        """128 x 128 of them: size, place and background are drawn by lot."""
        drawn = np.random.default_rng(self.seed)
        image = Image.new("RGB", (128, 128), tuple(int(each) for each in drawn.integers(205, 256, 3)))
        edge, (x, y), draw = int(drawn.integers(56, 88)), drawn.integers(8, 36, 2).tolist(), ImageDraw.Draw(image)
        colour, (right, bottom), middle = COLOURS[self.colour], (x + edge, y + edge), (x + edge // 2, y + edge // 2)
        match self.thing:
            case "plate":
                draw.ellipse((x, y, right, bottom), fill=colour)
            case "box":
                draw.rectangle((x, y, right, bottom), fill=colour)
            case "tent":
                draw.polygon(((middle[0], y), (right, bottom), (x, bottom)), fill=colour)
            case "ring":
                draw.ellipse((x, y, right, bottom), outline=colour, width=edge // 5)
            case "cross":
                draw.line((x, y, right, bottom), fill=colour, width=edge // 4)
                draw.line((x, bottom, right, y), fill=colour, width=edge // 4)
            case "pole":
                draw.rectangle((middle[0] - edge // 8, y, middle[0] + edge // 8, bottom), fill=colour)
        for left, top in drawn.integers((x, y), (right - 8, bottom - 8), (14, 2)).tolist() if self.is_dotted else ():
            draw.ellipse((left, top, left + 8, top + 8), fill="white")
        return np.asarray(image)


def products(count: int, seed: int) -> list[Drawn]:
    """Every kind in turn."""
    kinds = list(product(THINGS, COLOURS, (False, True)))
    return [Drawn(*kinds[number % len(kinds)], seed * 100_000 + number) for number in range(count)]
