"""The steps of the demo, each told on the terminal."""

import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from elasticsearch import Elasticsearch
from lookalike.pictures.formats import media_type_of
from more_itertools import unique_everseen
from rich.console import Console
from rich.markup import escape
from rich.progress import MofNCompleteColumn, Progress
from rich.table import Table

from infra.demo import indexing, searching
from infra.demo.catalogue import Catalogue, CatalogueItem
from infra.demo.contact_sheet import Tile, contact_sheet
from infra.demo.image_server import ImageServer
from infra.demo.indexing import IndexedProducts
from infra.demo.searching import Judged, SearchClient
from infra.local import aws, invocation
from infra.local.running_system import RunningSystem

SOURCE_INDEX = "demo-products"
HITS = 6
SHEET_ROWS = 6


class Demonstration:
    """A running system and the catalogue that is shown on it; each method is one step."""

    def __init__(self, system: RunningSystem, images: ImageServer, catalogue: Catalogue, console: Console) -> None:
        self._system = system
        self._images = images
        self._catalogue = catalogue
        self._console = console
        self._uploads, self._products = catalogue.items[::2], catalogue.items[1::2]
        self._search = SearchClient(system.search_url)
        self._elasticsearch = Elasticsearch(system.elasticsearch_url, request_timeout=60)

    def index(self) -> tuple[IndexedProducts, float | None]:
        """Half of the catalogue by a backfill, half by the bucket at the same time; products that it no longer has are deleted first.

        Tells how many products were indexed, failed or lost. Returns that, and new pictures a second; None if none was new.
        """
        sqs, queues = aws.session().client("sqs", endpoint_url=self._system.aws_url), self._system.resources
        others = sorted(indexing.documents(self._elasticsearch, self._system.alias).keys() - {item.product_id for item in self._catalogue})
        if others:
            with self._bars() as bars:
                bar = bars.add_task("deleting what is no longer in the catalogue", total=len(others))
                indexing.wait_for(bars, {bar: indexing.delete(sqs, queues.products.url, others)})
        indexing.fill_source(self._elasticsearch, SOURCE_INDEX, self._products, self._address)
        began, uploads, products = datetime.now(UTC), len(self._uploads), len(self._products)
        with self._bars() as bars:
            by_backfill = bars.add_task("source index → backfill", total=products)
            by_upload = bars.add_task("bucket → on_upload", total=uploads)
            invoke = invocation.through(invocation.client(self._system.lambda_url))
            backfilled = indexing.backfill(invoke, self._source(), products)
            indexing.upload(aws.session().client("s3", endpoint_url=self._system.aws_url), self._system.bucket, self._uploads)
            uploaded = indexing.handled(sqs, queues.uploads.url, uploads)
            indexing.wait_for(bars, {by_backfill: backfilled, by_upload: uploaded})
        indexed = indexing.look_up(self._elasticsearch, self._system.alias, self._catalogue.items)
        self._account_for(indexed)
        return indexed, indexed.pictures_a_second(began)

    def _account_for(self, indexed: IndexedProducts) -> None:
        for product_id, reason in indexed.failed.items():
            self._console.print(f"  [red]failed[/] {product_id}: {escape(reason)}", highlight=False)
        ok, failed, lost = len(indexed.documents), len(indexed.failed), len(indexed.lost)
        self._say(f"{ok} indexed + {failed} failed = {ok + failed} of {len(self._catalogue.items)} products; {lost or 'none'} lost")
        if lost:
            self._console.print(f"  [red]lost[/] {', '.join(indexed.lost)}")

    def compare_speed(self, rate: float | None, bare: float) -> None:
        """Tells the speed of indexing beside that of the network alone, both in pictures a second; ``rate`` is None if nothing was new."""
        if rate is None:
            return self._say("nothing was new: every picture was indexed already, and none was embedded again")
        return self._say(f"indexing {rate:.1f} pictures a second, the bare network in batches {bare:.1f}: ratio {rate / bare:.2f}")

    def search(self, indexed: IndexedProducts) -> None:
        """Once by address, once by upload."""
        for items, how in ((self._products, "GET /search?image_url={}"), (self._uploads, "POST /search with the file {}")):
            if present := [item for item in items if item.product_id in indexed.documents]:
                query = present[len(present) // 3]
                title = how.format(self._address(query) if items is self._products else query.path.name)
                self._console.print("\n", hits_table(self._found(query), title), sep="")

    def write_sheet(self, indexed: IndexedProducts, path: Path) -> None:
        """A picture of some queries, each with what was found besides itself."""
        items = {item.product_id: item for item in self._catalogue if item.product_id in indexed.documents}
        rows, model = [], ""
        for query in sheet_queries(list(items.values())):
            found = self._found(query)
            model = found["model"]
            hits = [hit for hit in found["hits"] if hit["product_id"] != query.product_id][: HITS - 1]
            rows.append([_tile(query, query.product_id), *(_tile(items[hit["product_id"]], f"{hit['score']:.3f}") for hit in hits)])
        subtitle = f"{len(items):,} pictures · {model} · each query, framed, and the products nearest to it, with their scores"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contact_sheet(rows, "Look-alikes", subtitle))
        self._say(f"contact sheet: {path}")

    def evaluate(self, indexed: IndexedProducts) -> None:
        """P@1 and P@5 where there are categories."""
        hashes = {product_id: document["perceptual_hash"] for product_id, document in indexed.documents.items()}
        known = [item for item in self._catalogue if "category" in item.attributes and item.product_id in hashes]
        judged = {item.product_id: Judged(item.attributes["category"], hashes[item.product_id]) for item in known}
        with self._bars() as bars:
            if rankings := searching.rankings(self._search, judged, bars):
                first, five = (searching.precision_at(k, rankings) for k in (1, 5))
                self._say(f"P@1 {first:.3f} · P@5 {five:.3f} (same category, near duplicates left out, {len(rankings)} queries)")

    def show_addresses(self, indexed: IndexedProducts) -> None:
        """Where everything is, and what to try, with a picture that is indexed."""
        item = max(self._catalogue.items, key=lambda item: (item.product_id in indexed.documents, item.product_id))
        search = f"curl '{self._system.search_url}/search?size=3"
        lines = f"""{self._system.addresses(PICTURE_URL=self._address(item), PRODUCT_ID=item.product_id)}
Try:
  {search}&image_url={self._address(item)}'
  {search}' -H 'Content-Type: {media_type_of(item.path.name)}' --data-binary {shlex.quote(f"@{item.path}")}"""
        self._console.print(lines, highlight=False, markup=False, soft_wrap=True)

    def _found(self, item: CatalogueItem) -> invocation.Json:
        """What is found for a product's picture, sent the way that the product itself came."""
        by_url = item in self._products
        return self._search.by_url(self._address(item), HITS) if by_url else self._search.by_upload(item.path, HITS)

    def _source(self) -> invocation.Json:
        attributes = sorted({name for item in self._products for name in item.attributes})
        return {"index": SOURCE_INDEX, "fields": {"id": "id", "image_urls": "image_url", "attributes": attributes}}

    def _address(self, item: CatalogueItem) -> str:
        return self._images.url(item.file_name)

    def _bars(self) -> Progress:
        return Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=self._console)

    def _say(self, text: str) -> None:
        say_done(self._console, text)


def say_done(console: Console, text: str) -> None:
    """Tells a step that is done; the text is printed as it is."""
    console.print(f"[green]✓[/] {escape(text)}", highlight=False)


def hits_table(found: invocation.Json, title: str) -> Table:
    """Hits with their scores; the milliseconds of each stage below."""
    timings = " · ".join(f"{stage} {milliseconds:.1f}" for stage, milliseconds in found["timings_ms"].items())
    head = ("", "score", "product", "category", "name", "price")
    table = Table(*head, title=escape(title), title_justify="left", caption=f"milliseconds: {timings}", caption_justify="left")
    for place, hit in enumerate(found["hits"], 1):
        texts = [str(hit["attributes"].get(name, "")) for name in ("category", "name", "price")]
        table.add_row(str(place), f"{hit['score']:.4f}", hit["product_id"], *map(escape, texts))
    return table


def sheet_queries(items: Sequence[CatalogueItem]) -> list[CatalogueItem]:
    """Products for the contact sheet: the first of each category, then others."""
    firsts = list(unique_everseen(items, key=lambda item: item.attributes.get("category")))
    return [*firsts, *(item for item in items if item not in firsts)][:SHEET_ROWS]


def _tile(item: CatalogueItem, title: str) -> Tile:
    return Tile(item.path.read_bytes(), title, str(item.attributes.get("category", item.product_id)))
