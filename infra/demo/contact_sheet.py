"""Queries and what was found for them side by side, as one picture."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont, ImageOps

from infra.demo.assortment import Colour

MARGIN = 44
TILE = 196
GAP = 18
QUERY_GAP = 46
CAPTION = 50
HEADER = 92
RADIUS = 10
OVERSAMPLING = 4
"""Rounded corners are drawn this many times larger and averaged."""

PAPER: Colour = (250, 249, 247)
CARD: Colour = (255, 255, 255)
BORDER: Colour = (226, 222, 216)
TEXT: Colour = (38, 36, 40)
MUTED: Colour = (128, 122, 118)
ACCENT: Colour = (200, 84, 56)


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture in any format that Pillow reads, of any shape, and two lines below it."""

    content: bytes
    title: str
    subtitle: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A query and its hits, the best first."""

    query: Tile
    hits: Sequence[Tile]


def contact_sheet(rows: Sequence[Row], title: str, subtitle: str = "") -> bytes:
    """A PNG with one row a query: the query, framed, then its hits.

    Pictures are shown whole. One that cannot be read is shown as an empty card.
    """
    columns = max((len(row.hits) for row in rows), default=0)
    width = 2 * MARGIN + TILE + (QUERY_GAP + columns * (TILE + GAP) - GAP if columns else 0)
    sheet = Image.new("RGB", (width, 2 * MARGIN + HEADER + len(rows) * (TILE + CAPTION + GAP) - GAP), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((MARGIN, MARGIN), _fitted(title, _font(30), width - 2 * MARGIN), TEXT, _font(30))
    pen.text((MARGIN, MARGIN + 42), _fitted(subtitle, _font(15), width - 2 * MARGIN), MUTED, _font(15))
    for number, row in enumerate(rows):
        y = MARGIN + HEADER + number * (TILE + CAPTION + GAP)
        _place(sheet, row.query, (MARGIN, y), ACCENT, 3)
        _mark(pen, (MARGIN, y))
        for place, hit in enumerate(row.hits):
            _place(sheet, hit, (MARGIN + TILE + QUERY_GAP + place * (TILE + GAP), y), BORDER, 1)
    content = BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()


def _place(sheet: Image.Image, tile: Tile, corner: tuple[int, int], border: Colour, thickness: int) -> None:
    x, y = corner
    card = Image.new("RGB", (TILE, TILE), border)
    inner = TILE - 2 * thickness
    card.paste(_thumbnail(tile.content, inner), (thickness, thickness), _rounded(inner, RADIUS - thickness))
    sheet.paste(card, corner, _rounded(TILE, RADIUS))
    pen = ImageDraw.Draw(sheet)
    pen.text((x + 2, y + TILE + 8), _fitted(tile.title, _font(16), TILE - 4), TEXT, _font(16))
    pen.text((x + 2, y + TILE + 28), _fitted(tile.subtitle, _font(13), TILE - 4), MUTED, _font(13))


def _mark(pen: ImageDraw.ImageDraw, corner: tuple[int, int]) -> None:
    """The word that tells the query from what was found."""
    x, y = corner
    pen.rounded_rectangle((x + 14, y - 11, x + 76, y + 11), 11, ACCENT)
    pen.text((x + 45, y), "QUERY", CARD, _font(12), anchor="mm")


def _thumbnail(content: bytes, size: int) -> Image.Image:
    """The whole picture on a white square."""
    card = Image.new("RGB", (size, size), CARD)
    try:
        with Image.open(BytesIO(content)) as image:
            image.draft("RGB", (2 * size, 2 * size))
            turned = ImageOps.exif_transpose(image).convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        ImageDraw.Draw(card).text((size / 2, size / 2), "not a picture", MUTED, _font(14), anchor="mm")
        return card
    fitted = ImageOps.contain(turned, (size, size), Image.Resampling.LANCZOS)
    card.paste(fitted, ((size - fitted.width) // 2, (size - fitted.height) // 2), fitted)
    return card


def _rounded(size: int, radius: int) -> Image.Image:
    mask = Image.new("L", (size * OVERSAMPLING, size * OVERSAMPLING))
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, mask.width - 1, mask.height - 1), radius * OVERSAMPLING, 255)
    return mask.reduce(OVERSAMPLING)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _fitted(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float) -> str:
    """The text, cut with an ellipsis where it is wider."""
    if font.getlength(text) <= width:
        return text
    letters = bisect_right(range(len(text)), width, key=lambda length: font.getlength(f"{text[:length]}…")) - 1
    return f"{text[: max(letters, 0)]}…"
