"""A shop, its bucket, its catalogue and two workers in memory, with a clock that the history moves and queues that deliver in any order."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from lookalike.adapters.sqs import messages
from lookalike.backfill.fan_out import REFRESH_MS
from lookalike.backfill.model import IndexSpec, Position, SourceDocument, SourcePage, SourceSpec
from lookalike.domain import Attributes, PictureFile, Product
from lookalike.errors import DownloadFailed, IndexUnavailable
from lookalike.indexing.indexer import Indexer
from lookalike.indexing.messages import DeleteProducts, ItemKey, Message, PutProducts, SyncObjects
from lookalike.indexing.ports import WriteTarget
from lookalike.indexing.product_updates import ProductUpdates
from lookalike.indexing.products_queue import ProductsQueue
from lookalike.indexing.uploads import Uploads
from lookalike.keys import DEFAULT_KEYS
from lookalike.pictures.decoding import content_sha256

from tests.fakes import BackfillUseCases, FakeEmbedder, FakeFetcher, FakeIndex, FakeProductStates, FakeSource, picture

STEP_MS = 7001
"""Not a divisor of `REFRESH_MS`, so that no two truths have the same time."""

MAX_RECEIVES = 3
PICTURES = {name: picture(seed) for seed, name in enumerate("abcd")}
NO_PICTURE = "no picture"
FILES = PICTURES | {NO_PICTURE: NO_PICTURE.encode()}
"""What an object may hold, by a name that a report of a history can print."""

GONE = "http://shop/gone.png"
"""Listed by products, and never there."""

SPEC = IndexSpec("catalogue")

Stored = tuple[str, str, str, str]
"""Product id, address, digest of the bytes, and attributes, of a picture that is indexed."""


@dataclass(frozen=True)
class Parcel:
    """A message on its way: an object's address, JSON of the products queue, or the number of a slice."""

    queue: Literal["uploads", "products", "backfill"]
    body: str
    sent_ms: int
    receives: int = 0


class Hosts(FakeFetcher):
    """The bucket with its objects' metadata, and the shop's picture host; ``busy`` addresses fail for a while."""

    def __init__(self) -> None:
        super().__init__({f"http://shop/{name}.png": content for name, content in PICTURES.items()})
        self.metadata: dict[str, Attributes] = {}
        self.busy: set[str] = set()
        self.during_fetch: Callable[[], None] | None = None

    def fetch(self, url: str, unless: str | None = None) -> PictureFile:
        if url in self.busy:
            raise DownloadFailed("busy")
        file = self._with_metadata(url, super().fetch(url, unless))
        if self.during_fetch:
            other_worker, self.during_fetch = self.during_fetch, None
            other_worker()
        return file

    def head(self, url: str) -> PictureFile | None:
        found = super().head(url)
        return found and self._with_metadata(url, found)

    def _with_metadata(self, url: str, file: PictureFile) -> PictureFile:
        return replace(file, attributes=self.metadata[url]) if url in self.metadata else file


class Catalogue(FakeSource):
    """The shop's own index; whatever a backfill reads of it was true a refresh ago."""

    def __init__(self, seen: Callable[[Product], None]) -> None:
        super().__init__(0)
        self._seen = seen

    def page(self, spec: SourceSpec, position: Position, size: int) -> SourcePage:
        page = super().page(spec, position, size)
        for document in page.documents:
            if document.product:
                self._seen(document.product)
        return page


class World(BackfillUseCases):
    """Everything that a history happens to."""

    def __init__(self) -> None:
        self.now_ms = 1_700_000_000_000
        self.truths: dict[str, tuple[int, Product | None]] = {}
        super().__init__(Catalogue(lambda product: self._learn(product.product_id, self.now_ms - REFRESH_MS, product)))
        self.fan_out = self.make_fan_out(now=self._now)
        self.retry_failures = self.make_retry_failures(now_ms=lambda: self.now_ms)
        self.hosts, self.index, self.product_states = Hosts(), FakeIndex(is_delayed=True), FakeProductStates()
        self.parcels: list[Parcel] = []
        self.given_up: list[Parcel] = []
        self._workers = [self._worker(), self._worker()]

    # --- what the shop does ---

    def put_object(self, key: str, file: str, metadata: Attributes) -> None:
        url = f"s3://bucket/{key}"
        self.hosts.files[url], self.hosts.metadata[url] = FILES[file], metadata
        self._send("uploads", url)

    def change_metadata(self, key: str, metadata: Attributes) -> None:
        url = f"s3://bucket/{key}"
        if url not in self.hosts.metadata:
            return
        self.hosts.metadata[url] = metadata
        self._send("uploads", url)

    def delete_object(self, key: str) -> None:
        url = f"s3://bucket/{key}"
        self.hosts.files.pop(url, None)
        self.hosts.metadata.pop(url, None)
        self._send("uploads", url)

    def change_product(self, product_id: str, product: Product | None, as_of: int | None = None) -> None:
        message: Message = PutProducts((product,), as_of=as_of) if product else DeleteProducts((product_id,), as_of=as_of)
        self._learn(product_id, self.now_ms if as_of is None else as_of, product)
        self._send("products", messages.encode(message))

    def change_catalogue(self, product: Product) -> None:
        others = [document for document in self.source.documents if document.key != product.product_id]
        self.source.documents = [*others, SourceDocument(product.product_id, product)]

    def start_backfill(self) -> None:
        self.fan_out.start(SPEC, force=True)
        self._post()

    def sync_bucket(self) -> None:
        objects = tuple(sorted(self.hosts.metadata))
        if objects:
            self._send("products", messages.encode(SyncObjects(objects)))

    # --- what the queues do ---

    def deliver(self, parcels: list[Parcel], worker: int, *, is_acknowledged: bool = True) -> None:
        """Has a worker receive a batch; what it does not settle, and everything if its answer is lost, comes back."""
        self.now_ms += STEP_MS
        by_id = {str(number): parcel for number, parcel in enumerate(parcels)}
        returned = self._workers[worker](by_id)
        self._post()
        for id_, parcel in by_id.items():
            self.parcels.remove(parcel)
            if id_ in returned or not is_acknowledged:
                again = replace(parcel, receives=parcel.receives + 1)
                (self.given_up if again.receives >= MAX_RECEIVES else self.parcels).append(again)

    def keys_of(self, parcel: Parcel) -> set[ItemKey]:
        """The products and objects that a message is about."""
        if parcel.queue == "products":
            return {key for message in messages.decode(parcel.body) for key in message.keys}
        return {("object", parcel.body)} if parcel.queue == "uploads" else set()

    def redrive(self) -> None:
        """As `lookalike.backfill.dead_letters.DeadLetters.redrive`: as old as they were."""
        self.parcels += [replace(parcel, receives=0) for parcel in self.given_up]
        self.given_up = []

    def come_to_rest(self) -> None:
        """Mends what passes, and delivers until nothing waits and no failure is left that a retry may mend."""
        self.hosts.busy.clear()
        self.index.away = None
        for _ in range(3):
            while self.parcels or self.given_up:
                self.redrive()
                self.deliver(self.parcels[:1], 0)
                self.index.refresh()
            for backfill in self.store.backfills(1):
                self.retry_failures.retry(backfill.backfill_id, "download_failed")
                self._post()

    # --- what must hold ---

    def expected(self) -> set[Stored]:
        """What the newest truth says."""
        found = {_stored(_product_of(url), url, content, self.hosts.metadata[url]) for url, content in self._objects()}
        for _, product in self.truths.values():
            for url in product.image_urls if product else ():
                content = self.hosts.files.get(url)
                if product and isinstance(content, bytes):
                    found.add(_stored(product.product_id, url, content, product.attributes))
        return found

    def indexed(self) -> set[Stored]:
        return {
            (indexed.product_id, indexed.image_url, indexed.content_sha256, str(indexed.attributes))
            for indexed, _ in self.index.documents.values()
        }

    def bad_objects(self) -> set[str]:
        return {url for url in self.hosts.metadata if self.hosts.files[url] == FILES[NO_PICTURE]}

    def _objects(self) -> Iterator[tuple[str, bytes]]:
        for url in self.hosts.metadata:
            content = self.hosts.files[url]
            if isinstance(content, bytes) and content != FILES[NO_PICTURE]:
                yield url, content

    def _learn(self, product_id: str, as_of: int, product: Product | None) -> None:
        if as_of > self.truths.get(product_id, (0, None))[0]:
            self.truths[product_id] = as_of, product

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.now_ms / 1000, UTC)

    def _send(self, queue: Literal["uploads", "products"], body: str) -> None:
        self.parcels.append(Parcel(queue, body, self.now_ms))

    def _post(self) -> None:
        """What functions sent is on its way."""
        self.parcels += [Parcel("products", messages.encode(message), self.now_ms) for message, _ in self.queues.products]
        self.parcels += [Parcel("backfill", str(number), self.now_ms) for _, number in self.queues.slices]
        self.queues.products.clear()
        self.queues.slices.clear()

    def _worker(self) -> Callable[[Mapping[str, Parcel]], set[str]]:
        """A process of each function."""
        indexer = Indexer(lambda: [WriteTarget(self.index, FakeEmbedder())], self.hosts, self._now)
        updates = ProductUpdates(indexer, self.product_states)
        products = ProductsQueue(indexer, updates, self.outcomes, self.queues, draw=lambda: 0.0, now_ms=lambda: self.now_ms)
        uploads = Uploads(indexer, self.outcomes)

        def receive(parcels: Mapping[str, Parcel]) -> set[str]:
            objects = {id_: parcel.body for id_, parcel in parcels.items() if parcel.queue == "uploads"}
            not_synced = uploads.sync({url: _product_of(url) for url in objects.values()}).returned if objects else {}
            sent = {id_: messages.decode(each.body, each.sent_ms) for id_, each in parcels.items() if each.queue == "products"}
            returned = set(products.receive(sent).returned) if sent else set()
            for parcel in parcels.values():
                if parcel.queue == "backfill":
                    self.fan_out.read_slice(self.store.backfills(1)[0].backfill_id, int(parcel.body))
            return returned | {id_ for id_, url in objects.items() if url in not_synced}

        return receive


def away() -> IndexUnavailable:
    return IndexUnavailable("Elasticsearch cannot be reached")


def _product_of(url: str) -> str:
    return DEFAULT_KEYS.product_of_url(url) or ""


def _stored(product_id: str, url: str, content: bytes, attributes: Attributes) -> Stored:
    return product_id, url, content_sha256(content), str(attributes)
