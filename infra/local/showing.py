"""How a demonstration shows what was found: a table on the terminal, and a contact sheet."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, TypeAlias

from rich.table import Table

from infra.local.catalogue import CatalogueItem
from infra.local.contact_sheet import Row, Tile, contact_sheet
from infra.local.search_client import Found

SHEET_ROWS = 6
SHEET_HITS = 5

Json: TypeAlias = dict[str, Any]


def hits_table(found: Found, title: str) -> Table:
    """Hits with their scores; the milliseconds of each stage below."""
    timings = " · ".join(f"{stage} {milliseconds:.1f}" for stage, milliseconds in found.timings_ms.items())
    table = Table(title=title, title_justify="left", title_style="bold", caption=f"milliseconds: {timings}", caption_justify="left")
    for name, style in (("", "dim"), ("score", "green"), ("product", ""), ("category", ""), ("name", "dim"), ("price", "")):
        table.add_column(name, style=style, justify="right" if name in ("", "score", "price") else "left")
    for place, hit in enumerate(found.hits, 1):
        texts = [str(hit["attributes"].get(name, "")) for name in ("category", "name", "price")]
        table.add_row(str(place), f"{hit['score']:.4f}", hit["product_id"], *texts)
    return table


def queries(items: Sequence[CatalogueItem]) -> list[CatalogueItem]:
    """Products for the sheet: of as many different categories as there are, else spread over the catalogue."""
    firsts = {item.attributes.get("category", ""): item for item in reversed(items)}
    spread = list(reversed(firsts.values())) if len(firsts) > 1 else list(items)
    step = max(len(spread) / SHEET_ROWS, 1)
    return [spread[int(number * step)] for number in range(min(SHEET_ROWS, len(spread)))]


def sheet(found: Iterable[tuple[CatalogueItem, Found]], items: Sequence[CatalogueItem], title: str, subtitle: str) -> bytes:
    """A contact sheet of queries and what they found besides themselves, as a PNG."""
    known = {item.product_id: item for item in items}
    rows = [
        Row(_tile(query, query.product_id), [_tile(known[hit["product_id"]], f"{hit['score']:.3f}") for hit in _others(query, answer)])
        for query, answer in found
    ]
    return contact_sheet(rows, title, subtitle)


def _others(query: CatalogueItem, found: Found) -> list[Json]:
    return list(islice((hit for hit in found.hits if hit["product_id"] != query.product_id), SHEET_HITS))


def _tile(item: CatalogueItem, title: str) -> Tile:
    return Tile(item.path.read_bytes(), title, str(item.attributes.get("category", item.product_id)))
