"""A product of the drawn shop as a photograph would show it: turned, lit, on something, as a JPEG."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from infra.local.assortment import COLOURS, Design
from infra.local.shapes import SHAPES, Outline, Part, Shape
from infra.local.surfaces import BACKDROPS, PATTERNS, Colour, Plane, Surface, fraction, mix

SIZE = 420
"""Width and height of a picture in pixels."""

OVERSAMPLING = 3
"""Outlines are drawn this many times larger and averaged, so that their edges are smooth."""

PATTERN_REPEATS = 3.6
"""How often a pattern repeats between 0 and 1 of a shape's coordinates."""


def draw(design: Design) -> bytes:
    """The product's picture, a JPEG of 420 x 420 pixels; the same bytes each time for one version of Pillow."""
    random = np.random.default_rng(design.number)
    shape = SHAPES[design.category][design.shape]
    view = View.chosen(shape, random)
    drawn = _Drawn.of(shape, view, design)
    picture = BACKDROPS[design.backdrop](SIZE, design.tint, random)
    picture = picture * (1 - _shadow(shape, drawn.cover))[:, :, None]
    picture = picture * (1 - drawn.cover[:, :, None]) + _lit(shape, view, drawn, design)
    return _jpeg(_with_vignette(picture))


@dataclass(frozen=True, slots=True)
class View:
    """From where a thing is seen: a homography from the shape's coordinates to pixels."""

    matrix: NDArray[np.float64]

    @classmethod
    def chosen(cls, shape: Shape, random: np.random.Generator) -> "View":
        """A view left to chance: things that stand are turned a little, things that lie a good deal."""
        turn = np.radians(random.uniform(-3, 3) if shape.stands else random.uniform(-28, 28))
        scale = SIZE * random.uniform(0.33, 0.42)
        wide, tall = random.uniform(0.93, 1.06, 2) * (random.choice([-1, 1]), 1)
        tilt = np.eye(3)
        tilt[2, :2] = random.uniform(-0.07, 0.07, 2)
        stretch = np.diag([scale * wide, scale * tall, 1])
        rotation = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
        place = np.eye(3)
        place[:2, 2] = SIZE / 2 + random.uniform(-0.04, 0.04, 2) * SIZE
        return cls(place @ rotation @ stretch @ tilt)

    def pixels(self, outline: Outline) -> Outline:
        """Points of the shape as places in the picture."""
        return _project(self.matrix, outline)

    def coordinates(self) -> tuple[Plane, Plane]:
        """For each pixel, the shape's x and y there."""
        across = np.arange(SIZE, dtype=np.float32) + 0.5
        x, y, w = (a * across + (b * across[:, None] + c) for a, b, c in np.linalg.inv(self.matrix).astype(np.float32))
        return x / w, y / w

    @property
    def scale(self) -> float:
        """About how many pixels one unit of the shape's coordinates is."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix[:2, :2]))))


def _project(matrix: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    homogeneous = points @ matrix[:, :2].T + matrix[:, 2]
    return homogeneous[:, :2] / homogeneous[:, 2:]


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A thing's parts as planes from 0 to 1; ``colours`` are multiplied by their cover already."""

    colours: Surface
    cover: Plane
    patterned: Plane
    ink: Plane
    shine: Plane

    @classmethod
    def of(cls, shape: Shape, view: View, design: Design) -> "_Drawn":
        paints = _paints(design)
        large = SIZE * OVERSAMPLING
        colours = Image.new("RGB", (large, large))
        cover, patterned, ink, shine = (Image.new("L", (large, large)) for _ in range(4))
        for part in shape.parts:
            if part.paint in ("ink", "shine"):
                _paint(ink if part.paint == "ink" else shine, part, view, 255)
                continue
            _paint(colours, part, view, paints.get(part.paint, (0, 0, 0)))
            _paint(cover, part, view, 255)
            for plane, fill in ((patterned, 255 * (part.paint == "body")), (ink, 0), (shine, 0)):
                _paint(plane, part, view, fill)
        return cls(*(_averaged(plane) for plane in (colours, cover, patterned, ink, shine)))


def _paints(design: Design) -> dict[str, Colour]:
    first, second = COLOURS[design.colour], COLOURS[design.second_colour]
    return {
        "shade": mix(first, (30, 24, 36), 0.16),
        "deep": mix(first, (30, 24, 36), 0.5),
        "trim": second if design.pattern != "plain" else mix(first, (30, 24, 36), 0.3),
        "light": (246, 242, 234),
        "dark": (48, 46, 52),
        "metal": ((190, 152, 92), (172, 176, 182))[design.number % 2],
        "wood": ((168, 122, 82), (110, 78, 58))[design.number // 2 % 2],
        "leaf": (96, 128, 92),
        "glow": (255, 240, 196),
    }


def _paint(plane: Image.Image, part: Part, view: View, fill: int | Colour) -> None:
    pen = ImageDraw.Draw(plane)
    points = [tuple(point) for point in (view.pixels(part.outline) * OVERSAMPLING).tolist()]
    if part.width is None:
        pen.polygon(points, fill=fill)
        return
    width = part.width * view.scale * OVERSAMPLING
    pen.line(points, fill=fill, width=round(width), joint="curve")
    for end in (points[0], points[-1]):
        pen.circle(end, width / 2, fill=fill)


def _averaged(plane: Image.Image) -> Plane:
    return np.asarray(plane.reduce(OVERSAMPLING), np.float32) / 255


def _lit(shape: Shape, view: View, drawn: _Drawn, design: Design) -> Surface:
    """The thing with its pattern and the light on it, multiplied by its cover."""
    x, y = view.coordinates()
    first, second = fraction(COLOURS[design.colour]), fraction(COLOURS[design.second_colour])
    share = PATTERNS[design.pattern](x * PATTERN_REPEATS, y * PATTERN_REPEATS, 1.2 * PATTERN_REPEATS / view.scale)[:, :, None]
    colours = drawn.colours + drawn.patterned[:, :, None] * (first + (second - first) * share)
    colours = colours * (_light(shape, x, y) * (1 - 0.34 * drawn.ink))[:, :, None]
    shine = 0.42 * _blurred(drawn.shine, 2.2)[:, :, None]
    lit: Surface = np.clip(colours + shine * (drawn.cover[:, :, None] - colours), 0, 1)
    return lit


def _light(shape: Shape, x: Plane, y: Plane) -> Plane:
    """How bright each place is, around 1; it comes from the upper left."""
    light: Plane = 1.03 - 0.09 * x - 0.1 * y
    if shape.relief == "round":
        light = 1.08 - 0.42 * np.clip(np.abs(x + 0.22), 0, 1) ** 2 - 0.05 * y
    elif shape.relief == "cloth":
        folds = np.sin(7 * x + 1.4 * np.sin(2.3 * y)) + 0.6 * np.sin(13 * x - 3 * y)
        light = 1.01 - 0.045 * folds - 0.05 * (x + y)
    return light


def _shadow(shape: Shape, cover: Plane) -> Plane:
    """How much darker the ground is: a pool at the foot of what stands, the outline moved and softened of what lies."""
    if not shape.stands:
        return 0.34 * _blurred(np.roll(cover, (round(0.022 * SIZE), round(0.018 * SIZE)), (0, 1)), 0.016 * SIZE)
    rows = np.flatnonzero(cover.max(axis=1) > 0.5)
    foot = int(rows[-1])
    columns = np.flatnonzero(cover[max(foot - SIZE // 8, 0) : foot + 1].max(axis=0) > 0.5)
    middle, reach = columns.mean(), (columns[-1] - columns[0]) / 2
    pool = Image.new("L", (SIZE, SIZE))
    pen = ImageDraw.Draw(pool)
    height = 0.035 * SIZE
    pen.ellipse((middle - reach * 1.05, foot - height * 1.1, middle + reach * 1.25, foot + height * 0.7), fill=255)
    soft = np.asarray(pool, np.float32) / 255
    return 0.3 * _blurred(soft, 0.03 * SIZE) + 0.38 * _blurred(soft, 0.01 * SIZE)


def _blurred(plane: Plane, radius: float) -> Plane:
    image = Image.fromarray((plane * 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), np.float32) / 255


def _with_vignette(picture: Surface) -> Surface:
    across = np.linspace(-1, 1, SIZE, dtype=np.float32) ** 2
    return picture * (1 - 0.05 * (across[:, None] + across[None, :]))[:, :, None]


def _jpeg(picture: Surface) -> bytes:
    content = BytesIO()
    Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)).save(content, "JPEG", quality=88, subsampling=0)
    return content.getvalue()
