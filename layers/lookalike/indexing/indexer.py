"""Indexing: writes pictures to the indices, and deletes those that are gone.

Uploads and the products queue both use it: `Indexer.sync` for objects of the bucket, `Indexer.put` for products with image URLs.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from math import inf

import numpy as np

from lookalike.domain import IndexedPicture, Product, image_id
from lookalike.errors import Misconfigured, PictureRefused, PictureUnreachable, RequestInvalid, TransientError
from lookalike.indexing.outcomes import OutcomeState, PictureOutcome
from lookalike.indexing.pipeline import IndexingPipeline, PictureTask
from lookalike.indexing.ports import PictureFetcher, WritableIndex, WriteTarget

DOWNLOADS = 24
"""Concurrent downloads: more than one host is allowed, so that a slow host does not block the others."""

SYNC_ATTEMPTS = 5
"""How often an object or picture is indexed again if it changes meanwhile."""

NO_URLS: Mapping[str, Collection[str]] = {}


class Indexer:
    """Puts, deletes, copies and syncs pictures.

    Args:
        targets: returns the indices to write to (cached for seconds): one, or two while a new index is being filled.
        pictures: fetches pictures.
        now: returns the current time.
        targets_now: returns the same as ``targets``, bypassing the cache.
        named: returns an index by its name.
    """

    def __init__(
        self,
        targets: Callable[[], Sequence[WriteTarget]],
        pictures: PictureFetcher,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        targets_now: Callable[[], Sequence[WriteTarget]] | None = None,
        named: Callable[[str], WriteTarget] | None = None,
    ) -> None:
        self._targets = targets
        self._pictures = pictures
        self._now = now
        self._targets_now = targets_now or targets
        self._named = named
        self._downloads = ThreadPoolExecutor(DOWNLOADS, thread_name_prefix="download")
        self._pipeline = IndexingPipeline(pictures, self._downloads, now)

    def put(
        self, products: Iterable[Product], into: str | None = None, unlisted: Mapping[str, Collection[str]] = NO_URLS, stop_at: float = inf
    ) -> Iterator[PictureOutcome]:
        """Indexes the products' pictures, and deletes those that a product no longer lists.

        Yields an outcome for each picture as it is done, and a failure for a product without pictures.

        Args:
            products: of two with the same id, the later one counts.
            into: the name of the only index to write to; by default the one that is searched and the one that is being filled.
            unlisted: by product id, former image URLs of the product, whose pictures a search may not find yet.
            stop_at: as `IndexingPipeline.run` takes it.

        Raises `TransientError` or `Misconfigured`: the index cannot be written to, or a new index appeared meanwhile: repeat the call.
        """
        latest = {product.product_id: product for product in products}
        if not latest:
            return
        for product in latest.values():
            if not product.image_urls:
                yield PictureOutcome(product.product_id, "", "failed", RequestInvalid("the product has no image URL", field="image_urls"))
        tasks = [PictureTask(p.product_id, url, "products", p.attributes) for p in latest.values() for url in dict.fromkeys(p.image_urls)]
        targets = self._targets_of(into)
        yield from self._pipeline.run(tasks, targets, stop_at)
        listed = {task.image_id for task in tasks}
        for target in targets:
            _delete(target.index, _indexed(target.index, latest, unlisted) - listed)
        self._check_that_all_were_written(targets, into)

    def delete(self, as_of: Mapping[str, int], into: str | None = None, unlisted: Mapping[str, Collection[str]] = NO_URLS) -> None:
        """Deletes the pictures of products, except those that were uploaded later.

        Args:
            as_of: product id -> when it was deleted, in milliseconds since 1970.
            into: as `put` takes it.
            unlisted: as `put` takes it.

        Raises as `put`.
        """
        if not as_of:
            return
        targets = self._targets_of(into)
        for target in targets:
            _delete(target.index, _indexed(target.index, as_of.keys(), unlisted))
            target.index.delete_products(as_of)
        self._check_that_all_were_written(targets, into)

    def copy(self, image_ids: Iterable[str], source_index: str, into: str, stop_at: float = inf) -> Iterator[tuple[str, PictureOutcome]]:
        """Copies pictures from one index to another.

        If the model of ``into`` can compute its vectors from those of the source, no picture is fetched; else each is fetched and embedded.
        The source's documents are read again after the write, and copied again if they changed meanwhile: whoever changed them may have
        written to ``into`` before us. Yields (image id, outcome).

        Raises as `put`.
        """
        from_, target = self._named_target(source_index), self._named_target(into)
        source = from_.index
        pending = list(dict.fromkeys(image_ids))
        for attempt in range(SYNC_ATTEMPTS):
            before = source.pictures(pending)
            outcomes = self._copied(before, from_, target)
            tasks = [
                PictureTask(p.product_id, p.image_url, p.origin, p.attributes if p.origin == "products" else None, p.indexed_at)
                for image, p in before.items()
                if image not in outcomes
            ]
            indexed = self._pipeline.run(tasks, [target], inf if attempt else stop_at)
            outcomes |= {image_id(outcome.product_id, outcome.image_url): outcome for outcome in indexed}
            after = source.pictures(pending)
            settled = [image for image in pending if before.get(image) == after.get(image)]
            _delete(target.index, [image for image in settled if image not in after])
            yield from ((image, outcomes.get(image) or PictureOutcome("", "", "deleted")) for image in settled)
            pending = [image for image in pending if image not in set(settled)]
            if not pending:
                return
        yield from (
            (image, PictureOutcome("", "", "failed", TransientError("the picture changes faster than it can be indexed")))
            for image in pending
        )

    def sync(self, objects: Mapping[str, str], into: str | None = None, stop_at: float = inf) -> Iterator[PictureOutcome]:
        """Brings the index to the current state of objects in the bucket, independent of the order and number of events.

        Each object is checked again (HEAD) after the write, and indexed again if it changed meanwhile. If an object is a bad picture, its
        document is deleted, because the earlier picture is no longer in the bucket.

        Args:
            objects: product ids by ``s3://`` URL.
            into: as `put` takes it.
            stop_at: as `put` takes it.

        Raises as `put`.
        """
        if not objects:
            return
        targets = self._targets_of(into)
        pending = dict(objects)
        for attempt in range(SYNC_ATTEMPTS):
            tasks = [PictureTask(product_id, url, "upload", None) for url, product_id in pending.items()]
            outcomes = self._pipeline.run(tasks, targets, inf if attempt else stop_at)  # what we overwrote is mended however late
            checks = [(outcome, self._downloads.submit(self._is_current, outcome)) for outcome in outcomes]
            for outcome, check in checks:
                if check.result():
                    del pending[outcome.image_url]
                    yield outcome
            if not pending:
                break
        for url, product_id in pending.items():
            yield PictureOutcome(product_id, url, "failed", TransientError("the object changes faster than it can be indexed"))
        self._check_that_all_were_written(targets, into)

    def _copied(self, pictures: Mapping[str, IndexedPicture], source: WriteTarget, target: WriteTarget) -> dict[str, PictureOutcome]:
        """Writes the pictures whose vectors can be computed from the source's; returns their outcomes by image id."""
        known = source.index.embedded({picture.content_sha256 for picture in pictures.values()})
        vectors = np.array([embedding.vector for embedding in known.values()])
        made = target.embedder.from_vectors(vectors, source.embedder.model) if known else None
        if made is None:
            return {}
        vector_of, there = dict(zip(known, made, strict=True)), target.index.pictures(pictures)
        copied = {image: picture for image, picture in pictures.items() if picture.content_sha256 in vector_of}
        same = {image for image, p in copied.items() if image in there and replace(there[image], indexed_at=p.indexed_at) == p}
        put = [(p, vector_of[p.content_sha256]) for image, p in copied.items() if image not in same]
        rejected = target.index.write(put, ())
        return {
            image: PictureOutcome(p.product_id, p.image_url, _state_of_copy(image in same, image in rejected), rejected.get(image))
            for image, p in copied.items()
        }

    def target_names(self) -> list[str]:
        """The names of the indices that are written to by default."""
        return [target.index.name for target in self._targets()]

    def _targets_of(self, into: str | None) -> Sequence[WriteTarget]:
        targets = [self._named_target(into)] if into else self._targets()
        if not targets:
            raise Misconfigured("there is no index to write to")
        return targets

    def _named_target(self, name: str) -> WriteTarget:
        if self._named is None:
            raise Misconfigured(f"the index {name!r} cannot be resolved here")
        return self._named(name)

    def _check_that_all_were_written(self, targets: Sequence[WriteTarget], into: str | None) -> None:
        """A new index's backfill reads what was written before the index appeared; later writes must reach the index too."""
        written = [target.index for target in targets]
        if into is None and not all(target.index in written for target in self._targets_now()):
            raise TransientError("a new index, which must be written to as well, appeared meanwhile")

    def _is_current(self, outcome: PictureOutcome) -> bool:
        """Whether an outcome is about the current object and metadata; true for one that will be retried anyway."""
        if outcome.error is not None and (outcome.error.ending != "drop" or isinstance(outcome.error, PictureUnreachable)):
            return True  # an archived object exists, but cannot be read again either
        try:
            head = self._pictures.head(outcome.image_url)
        except (PictureRefused, RequestInvalid):
            return True
        return (head.etag, head.attributes) == (outcome.etag, outcome.attributes) if head else outcome.etag is None


def _state_of_copy(is_same: bool, is_rejected: bool) -> OutcomeState:
    return "failed" if is_rejected else "unchanged" if is_same else "indexed"


def _delete(index: WritableIndex, image_ids: Iterable[str]) -> None:
    """Deletes documents. Raises the first error, because a delete may not be acknowledged while the document exists."""
    for error in index.write((), image_ids).values():
        raise error


def _indexed(index: WritableIndex, product_ids: Collection[str], urls: Mapping[str, Collection[str]]) -> set[str]:
    """Image ids of the products' pictures from the products queue: those that a search finds, and those at the given URLs."""
    at_urls = index.pictures({image_id(product_id, url) for product_id in product_ids for url in urls.get(product_id, ())})
    return {id_ for id_, picture in at_urls.items() if picture.origin == "products"} | index.images_of(product_ids, "products").keys()
