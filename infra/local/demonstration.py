"""The steps of a demonstration, each told on the terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from mimetypes import guess_type
from pathlib import Path

from elasticsearch import Elasticsearch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from infra.local import aws, evaluation, invocation, loading, measurements, shop, showing
from infra.local.catalogue import Catalogue, CatalogueItem
from infra.local.image_server import ImageServer
from infra.local.running_system import RunningSystem
from infra.local.search_client import Found, SearchClient

SOURCE_INDEX = "demo-products"
HITS = 6


class Demonstration:
    """A running system and the catalogue that is shown on it; each method is one step, told on the terminal."""

    def __init__(self, system: RunningSystem, images: ImageServer, catalogue: Catalogue, alias: str, console: Console) -> None:
        self._system = system
        self._images = images
        self._catalogue = catalogue
        self._alias = alias
        self._console = console
        self._uploads, self._products = catalogue.items[::2], catalogue.items[1::2]
        self._search = SearchClient(system.search_url)
        self._elasticsearch = Elasticsearch(system.elasticsearch_url, request_timeout=60)

    def index(self) -> tuple[loading.Account, float | None]:
        """Half of the catalogue by a backfill, half by the bucket at the same time.

        Returns what became of it, and new pictures a second; None if none was new.
        """
        sqs = aws.session().client("sqs", endpoint_url=self._system.aws_url)
        queues = self._system.resources
        if gone := loading.delete_others(sqs, queues.products.url, self._elasticsearch, self._alias, self._catalogue.items):
            self._say(f"{gone} products of an earlier run are not in the catalogue any more: deleted")
        shop.fill_source(self._elasticsearch, SOURCE_INDEX, self._products, self._address)
        began = datetime.now(UTC)
        with _bars(self._console) as bar:
            invoke = invocation.through(invocation.client(self._system.lambda_url))
            backfilled = loading.backfilled(
                invoke, self._source(), len(self._products), bar("source index → backfill", len(self._products))
            )
            uploaded = loading.emptied(sqs, queues.uploads.url, len(self._uploads), bar("bucket → on_upload", len(self._uploads)))
            shop.upload(aws.session().client("s3", endpoint_url=self._system.aws_url), self._system.bucket, self._uploads)
            loading.wait_for(backfilled, uploaded)
        account = loading.account(self._elasticsearch, self._alias, self._catalogue.items)
        return account, account.pictures_a_second(began)

    def report(self, account: loading.Account, rate: float | None, bare: float) -> None:
        """Every product accounted for, and the speed beside the bare network's."""
        for product_id, reason in account.failed.items():
            self._console.print(f"  [red]failed[/] {product_id}: {reason}", highlight=False)
        indexed, failed, lost = len(account.documents), len(account.failed), len(account.lost)
        self._say(f"{indexed} indexed + {failed} failed = {indexed + failed} of {len(self._catalogue)} products; {lost or 'none'} lost")
        if lost:
            self._console.print(f"  [red]lost[/] {', '.join(account.lost)}")
        if rate is None:
            self._say("nothing was new: every picture was indexed already, and none was embedded again")
        else:
            self._say(f"indexing {rate:.1f} pictures a second, the bare network in batches {bare:.1f}: ratio {rate / bare:.2f}")

    def search(self, account: loading.Account) -> None:
        """Once by address, once by upload."""
        for items, how in ((self._products, "GET /search?image_url={}"), (self._uploads, "POST /search with the file {}")):
            if indexed := [item for item in items if item.product_id in account.documents]:
                query = indexed[len(indexed) // 3]
                found = self._found(query)
                self._console.print()
                self._console.print(
                    showing.hits_table(found, how.format(self._address(query) if items is self._products else query.path.name))
                )

    def write_sheet(self, account: loading.Account, path: Path) -> None:
        """Queries and hits side by side."""
        indexed = [item for item in self._catalogue if item.product_id in account.documents]
        found = [(query, self._found(query)) for query in showing.queries(indexed)]
        model = found[0][1].model if found else ""
        subtitle = f"{len(indexed):,} pictures · {model} · each query and the products nearest to it, with their scores"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(showing.sheet(found, indexed, "Look-alikes", subtitle))
        self._say(f"contact sheet: {path}")

    def evaluate(self, account: loading.Account) -> None:
        """P@1 and P@5 where there are categories."""
        judged = [item for item in self._catalogue if "category" in item.attributes and item.product_id in account.documents]
        if not judged:
            return
        with _bars(self._console) as bar:
            done = bar("search by each product", len(judged))
            rankings = measurements.rankings(self._search, judged, account.documents, done)
        first, five = (evaluation.precision_at(k, rankings) for k in (1, 5))
        self._say(f"P@1 {first:.3f} · P@5 {five:.3f} (same category, near duplicates left out, {len(judged)} queries)")

    def invite(self) -> None:
        """Where everything is, and what to try."""
        addresses = {
            "search": self._system.search_url,
            "Lambda API": self._system.lambda_url,
            "S3 and SQS": f"{self._system.aws_url} (bucket {self._system.bucket})",
            "Elasticsearch": f"{self._system.elasticsearch_url} (alias {self._alias})",
            "pictures": f"http://{self._images.origin}",
        }
        self._console.print(f"\nOpen {self._system.search_url}/ in a browser: the gallery", style="bold", highlight=False)
        self._console.print()
        for name, address in addresses.items():
            self._print(f"  {name:14} {address}")
        self._console.print("\nPaste these lines into another terminal to run the README's examples:", style="bold")
        for name, value in self.variables().items():
            self._print(f"  export {name}={value}")
        item = self._example
        self._console.print("\nTry:", style="bold")
        self._print(f"  curl '{self._system.search_url}/search?size=3&image_url={self._address(item)}'")
        upload = f"-H 'Content-Type: {_content_type(item)}' --data-binary '@{item.path}'"
        self._print(f"  curl '{self._system.search_url}/search?size=3' {upload}")

    def variables(self) -> dict[str, str]:
        """What the README's examples need in their environment."""
        return self._system.client_environment | {"PICTURE_URL": self._address(self._example), "PRODUCT_ID": self._example.product_id}

    @property
    def _example(self) -> CatalogueItem:
        return self._catalogue.items[-1]

    def _print(self, line: str) -> None:
        """A line that can be copied: neither coloured nor wrapped."""
        self._console.print(line, highlight=False, soft_wrap=True)

    def _found(self, item: CatalogueItem) -> Found:
        """What is found for a product's picture, sent the way that the product itself came."""
        if item in self._products:
            return self._search.by_url(self._address(item), HITS)
        return self._search.by_upload(item.path, _content_type(item), HITS)

    def _source(self) -> loading.Json:
        attributes = sorted({name for item in self._products for name in item.attributes})
        return {"index": SOURCE_INDEX, "fields": {"id": "id", "image_urls": "image_url", "attributes": attributes}}

    def _address(self, item: CatalogueItem) -> str:
        return self._images.url(picture_name(item))

    def _say(self, text: str) -> None:
        self._console.print(f"[green]✓[/] {text}", highlight=False)


def picture_name(item: CatalogueItem) -> str:
    """Under which name the image server has a product's picture."""
    return f"{item.product_id}{item.path.suffix.lower()}"


def _content_type(item: CatalogueItem) -> str:
    return guess_type(item.path.name)[0] or "application/octet-stream"


@contextmanager
def _bars(console: Console) -> Iterator[Callable[[str, int], loading.Progress]]:
    """Makes progress bars by a description and a total."""
    columns = (TextColumn("  {task.description:24}"), BarColumn(), MofNCompleteColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:

        def bar(description: str, total: int) -> loading.Progress:
            task = progress.add_task(description, total=total)
            return lambda done: progress.update(task, completed=done)

        yield bar
