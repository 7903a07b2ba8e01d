"""Queries and what was found for them side by side, as one picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont, ImageOps

MARGIN = 44
TILE = 196
GAP = 18
QUERY_GAP = 46
CAPTION = 50
HEADER = 92
PAPER, CARD, BORDER = "#faf9f7", "#ffffff", "#e2ded8"
TEXT, MUTED, ACCENT = "#262428", "#807a76", "#c85438"


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture in any format that Pillow reads, of any shape, and two lines below it."""

    content: bytes
    title: str
    subtitle: str = ""


def contact_sheet(rows: Sequence[Sequence[Tile]], title: str, subtitle: str = "") -> bytes:
    """A PNG with one row a query: the query, framed, then its hits, the best first.

    Pictures are shown whole. One that cannot be read is shown as an empty card.
    """
    hits = max((len(row) for row in rows), default=1) - 1
    width = 2 * MARGIN + TILE + (QUERY_GAP + hits * (TILE + GAP) - GAP if hits else 0)
    sheet = Image.new("RGB", (width, 2 * MARGIN + HEADER + len(rows) * (TILE + CAPTION + GAP) - GAP), PAPER)
    pen = ImageDraw.Draw(sheet)
    _write(pen, (MARGIN, MARGIN), title, 30, TEXT, width - 2 * MARGIN)
    _write(pen, (MARGIN, MARGIN + 42), subtitle, 15, MUTED, width - 2 * MARGIN)
    for number, row in enumerate(rows):
        for place, tile in enumerate(row):
            x = MARGIN + place * (TILE + GAP) + (QUERY_GAP - GAP if place else 0)
            y = MARGIN + HEADER + number * (TILE + CAPTION + GAP)
            sheet.paste(_card(tile.content, *((1, BORDER) if place else (3, ACCENT))), (x, y))
            _write(pen, (x + 2, y + TILE + 8), tile.title, 16, TEXT, TILE - 4)
            _write(pen, (x + 2, y + TILE + 28), tile.subtitle, 13, MUTED, TILE - 4)
    content = BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()


def _card(content: bytes, thickness: int, border: str) -> Image.Image:
    """The whole picture on a white square with a border."""
    inner = TILE - 2 * thickness
    card = Image.new("RGB", (inner, inner), CARD)
    try:
        with Image.open(BytesIO(content)) as image:
            image.draft("RGB", (2 * TILE, 2 * TILE))
            turned = ImageOps.exif_transpose(image).convert("RGBA")
        fitted = ImageOps.contain(turned, (inner, inner), Image.Resampling.LANCZOS)
        card.paste(fitted, ((inner - fitted.width) // 2, (inner - fitted.height) // 2), fitted)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        ImageDraw.Draw(card).text((inner / 2, inner / 2), "not a picture", MUTED, ImageFont.load_default(14), anchor="mm")
    return ImageOps.expand(card, thickness, border)


def _write(pen: ImageDraw.ImageDraw, corner: tuple[int, int], text: str, size: int, colour: str, width: int) -> None:
    """Cuts the text with an ellipsis where it is wider."""
    font = ImageFont.load_default(size)
    while font.getlength(text) > width:
        text = f"{text[:-2]}…"
    pen.text(corner, text, colour, font)
