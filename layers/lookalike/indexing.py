"""Indexing: pictures become documents that can be found, and stop being so when they are gone.

Both doors end here: `Indexing.mirror` for objects of the bucket, `Indexing.put` for products that say where their pictures are.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, Protocol, TypeAlias

from lookalike import pictures
from lookalike.domain import (
    Attributes,
    Embedded,
    Embedder,
    IndexedPicture,
    Model,
    Origin,
    Picture,
    PictureFile,
    Product,
    Vector,
    image_id,
)
from lookalike.errors import LookalikeError, Misconfigured, PictureUnreachable, RequestInvalid, Unavailable
from lookalike.pictures import content_sha256
from lookalike.pipeline import as_ready, batched, run_ahead

DOWNLOADS = 24
"""More than one host gets at once, so that a slow one does not hold up the others."""

WINDOW = 48
BATCH = 16
LOOKUPS = 50
MIRROR_ATTEMPTS = 5

State = Literal["indexed", "unchanged", "deleted", "failed"]
_GRAVITY: dict[State, int] = {"unchanged": 0, "deleted": 1, "indexed": 2, "failed": 3}
_KEY = re.compile(r"images/(?P<product>[^/]+?)(?:/.+|\.[^./]+)")


class Pictures(Protocol):
    """Where pictures are had from."""

    def fetch(self, url: str, unless: str | None = None) -> PictureFile:
        """The bytes, unless the picture's etag is still this one; raises a `LookalikeError`."""

    def etag(self, url: str) -> str | None:
        """The ETag of the object that is there now, None if there is none."""


class Index(Protocol):
    """One index, filled by one model."""

    def pictures(self, image_ids: Iterable[str]) -> dict[str, IndexedPicture]:
        """Those of the documents that exist, as they are at this moment."""

    def embedded(self, content_sha256s: Iterable[str]) -> dict[str, Embedded]:
        """What is known of these bytes from pictures that were indexed, a moment's delay allowed."""

    def images_of(self, product_ids: Iterable[str], origin: Origin) -> dict[str, str]:
        """The products' pictures that came in by a door: image id -> product id, a moment's delay allowed."""

    def write(self, put: Iterable[tuple[IndexedPicture, Vector]], delete: Iterable[str]) -> dict[str, LookalikeError]:
        """Puts and deletes documents by their ids; answers with the ids that were refused and why."""

    def delete_products(self, product_ids: Iterable[str]) -> None:
        """Deletes every picture of these products."""


@dataclass(frozen=True, slots=True)
class Target:
    """An index that is to be written, and the network whose vectors it holds."""

    index: Index
    embedder: Embedder


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one picture; ``etag`` is that of the bytes that were looked at, None if there were none."""

    product_id: str
    image_url: str
    state: State
    error: LookalikeError | None = None
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class _Task:
    """One picture that is to be indexed; without attributes it has those that its place keeps."""

    product_id: str
    image_url: str
    origin: Origin
    attributes: Attributes | None

    @property
    def image_id(self) -> str:
        return image_id(self.product_id, self.image_url)


@dataclass(frozen=True, slots=True)
class _Fetched:
    """A task with its picture's file; an empty one, and the error that came instead.

    ``known`` is what each target has as this picture.
    """

    task: _Task
    known: Sequence[IndexedPicture | None]
    file: PictureFile
    content_sha256: str = ""
    error: LookalikeError | None = None

    @property
    def attributes(self) -> Attributes:
        if self.task.attributes is not None:
            return self.task.attributes
        return self.file.attributes or {}


_LookedUp: TypeAlias = tuple[_Task, Sequence[IndexedPicture | None]]


@dataclass(slots=True)
class _Job:
    """A fetched picture on its way into one index; each stage of the pipeline fills in its part."""

    fetched: _Fetched
    error: LookalikeError | None
    unchanged: bool = False
    picture: Picture | None = None
    embedded: Embedded | None = None


@dataclass(frozen=True, slots=True)
class _Batch:
    """Jobs for one target."""

    target: Target
    jobs: Sequence[_Job]


def product_of_key(key: str) -> str | None:
    """The product of a key of the bucket: ``images/PRODUCT_ID/NAME.jpg`` or ``images/PRODUCT_ID.jpg``; None for other keys."""
    match = _KEY.fullmatch(key)
    return match["product"] if match else None


class Indexing:
    """The use case.

    Args:
        targets: the indices to write, asked for at the begin of a call: one, or two while an index with another model is being filled.
        pictures: where pictures are fetched.
        now: the clock.
        targets_now: the same, asked for at the end of a call, when nothing remembered will do.
        named: an index by its name, for what is to be written to that one alone.
    """

    def __init__(
        self,
        targets: Callable[[], Sequence[Target]],
        pictures: Pictures,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        targets_now: Callable[[], Sequence[Target]] | None = None,
        named: Callable[[str], Target] | None = None,
    ) -> None:
        self._targets = targets
        self._pictures = pictures
        self._now = now
        self._targets_now = targets_now or targets
        self._named = named
        self._downloads = ThreadPoolExecutor(DOWNLOADS, thread_name_prefix="download")

    def put(self, products: Iterable[Product], into: str | None = None) -> Iterator[Outcome]:
        """Makes the products' pictures findable, and those that a product no longer lists unfindable.

        Yields an outcome for each picture, in the order they are done; one for a product that has none.

        Args:
            products: of two of the same id, the later one counts.
            into: the name of the one index to write; by default all.

        Raises:
            Unavailable, Misconfigured: nothing more can be indexed now, or an index appeared that has not got the pictures: all of it
                is to be done again.
        """
        latest = {product.product_id: product for product in products}
        if not latest:
            return
        for product in latest.values():
            if not product.image_urls:
                yield Outcome(product.product_id, "", "failed", RequestInvalid("the product has no image URL", field="image_urls"))
        tasks = [_Task(p.product_id, url, "products", p.attributes) for p in latest.values() for url in dict.fromkeys(p.image_urls)]
        targets = self._written(into)
        yield from self._index(tasks, targets)
        listed = {task.image_id for task in tasks}
        for target in targets:
            indexed = target.index.images_of(latest, "products")
            target.index.write((), [image for image in indexed if image not in listed])
        self._check_that_all_were_written(targets, into)

    def delete(self, product_ids: Iterable[str], into: str | None = None) -> None:
        """Makes the products unfindable, whichever door their pictures came in by.

        Raises:
            Unavailable, Misconfigured: try again.
        """
        deleted = list(product_ids)
        if not deleted:
            return
        targets = self._written(into)
        for target in targets:
            target.index.delete_products(deleted)
        self._check_that_all_were_written(targets, into)

    def copy(self, image_ids: Iterable[str], copy_from: str, into: str) -> Iterator[tuple[str, Outcome]]:
        """Makes an index hold pictures of another as that one has them now, each fetched and embedded again.

        They are looked at again after they were written, and taken again if they changed meanwhile: whoever changed them may have been
        quicker in the new index than we were. Yields ids with outcomes.

        Raises:
            Unavailable, Misconfigured: as `put`.
        """
        source, target = self._by_name(copy_from).index, self._by_name(into)
        pending = list(dict.fromkeys(image_ids))
        for _ in range(MIRROR_ATTEMPTS):
            before = source.pictures(pending)
            tasks = [_Task(p.product_id, p.image_url, p.origin, p.attributes if p.origin == "products" else None) for p in before.values()]
            outcomes = {image_id(outcome.product_id, outcome.image_url): outcome for outcome in self._index(tasks, [target])}
            after = source.pictures(pending)
            settled = [image for image in pending if before.get(image) == after.get(image)]
            gone = [image for image in settled if image not in after]
            target.index.write((), gone)
            yield from ((image, outcomes.get(image) or Outcome("", "", "deleted")) for image in settled)
            pending = [image for image in pending if image not in set(settled)]
            if not pending:
                return
        yield from (
            (image, Outcome("", "", "failed", Unavailable("the picture changes faster than it can be indexed"))) for image in pending
        )

    def mirror(self, objects: Mapping[str, str], into: str | None = None) -> Iterator[Outcome]:
        """Makes the index hold what the bucket holds now: the event that led here may be old, repeated or one of several.

        An object is looked at again after it was written, and taken again if it changed meanwhile. A bad picture is deleted from
        the index: what the index held is not in the bucket any more.

        Args:
            objects: s3 address -> product id.
            into: as `put` takes it.

        Raises:
            Unavailable, Misconfigured: as `put`.
        """
        if not objects:
            return
        targets = self._written(into)
        pending = dict(objects)
        for _ in range(MIRROR_ATTEMPTS):
            tasks = [_Task(product_id, url, "upload", None) for url, product_id in pending.items()]
            looks = [(outcome, self._downloads.submit(self._is_settled, outcome)) for outcome in self._index(tasks, targets)]
            for outcome, look in looks:
                if look.result():
                    del pending[outcome.image_url]
                    yield outcome
            if not pending:
                break
        for url, product_id in pending.items():
            yield Outcome(product_id, url, "failed", Unavailable("the object changes faster than it can be indexed"))
        self._check_that_all_were_written(targets, into)

    def _written(self, into: str | None) -> Sequence[Target]:
        return [self._by_name(into)] if into else self._targets()

    def _by_name(self, name: str) -> Target:
        if self._named is None:
            raise Misconfigured(f"there is nobody to ask for the index {name!r}")
        return self._named(name)

    def _check_that_all_were_written(self, targets: Sequence[Target], into: str | None) -> None:
        """What we wrote before an index appeared, that index's backfill reads; what we wrote after, we must write there too."""
        written = [target.index for target in targets]
        if into is None and not all(target.index in written for target in self._targets_now()):
            raise Unavailable("an index appeared meanwhile that is to be written too")

    def _is_settled(self, outcome: Outcome) -> bool:
        """Whether the outcome is that of the object which is there now; one that will be tried again needs no second look."""
        is_retried = outcome.error is not None and outcome.error.ending != "drop"
        return is_retried or self._pictures.etag(outcome.image_url) == outcome.etag

    def _index(self, tasks: Iterable[_Task], targets: Sequence[Target]) -> Iterator[Outcome]:
        looked_up = _looked_up(tasks, targets)
        fetched = batched(as_ready(self._downloads, self._fetch, looked_up, window=WINDOW), BATCH)
        prepared = run_ahead([self._prepare(number, target, batch) for number, target in enumerate(targets)] for batch in fetched)
        embedded = run_ahead([_embed(batch) for batch in batches] for batches in prepared)
        for batches in embedded:
            outcomes = [self._write(batch) for batch in batches]
            yield from (max(of_one_picture, key=lambda outcome: _GRAVITY[outcome.state]) for of_one_picture in zip(*outcomes, strict=True))

    def _fetch(self, looked_up: _LookedUp) -> _Fetched:
        task, known = looked_up
        try:
            file = self._pictures.fetch(task.image_url, _common_etag(known))
        except LookalikeError as error:
            return _Fetched(task, known, PictureFile(b""), error=error)
        if file.is_unmodified and known[0]:
            return _Fetched(task, known, file, known[0].content_sha256)
        return _Fetched(task, known, file, content_sha256(file.content))

    def _prepare(self, number: int, target: Target, fetched: Sequence[_Fetched]) -> _Batch:
        """Finds out which of the pictures a target knows, by their place or by their bytes, and decodes the others."""
        jobs = [_Job(item, item.error) for item in fetched]
        present = [job for job in jobs if job.error is None]
        for job in present:
            job.unchanged = _is_unchanged(job.fetched, job.fetched.known[number])
        changed = [job for job in present if not job.unchanged]
        known = target.index.embedded({job.fetched.content_sha256 for job in changed})
        for job in changed:
            job.embedded = known.get(job.fetched.content_sha256)
            if job.embedded is None and job.fetched.file.is_unmodified:  # the index is not refreshed yet: its vector cannot be had
                job.fetched = self._fetch((job.fetched.task, (None,) * len(job.fetched.known)))
                job.error = job.fetched.error
            if job.embedded is None and job.error is None:
                _decode(job, target.embedder.model)
        return _Batch(target, jobs)

    def _write(self, batch: _Batch) -> list[Outcome]:
        put = [(_document(job.fetched, job.embedded, self._now()), job.embedded.vector) for job in batch.jobs if job.embedded]
        refused = batch.target.index.write(put, [job.fetched.task.image_id for job in batch.jobs if _is_to_be_deleted(job)])
        return [_outcome(job, refused.get(job.fetched.task.image_id)) for job in batch.jobs]


def _looked_up(tasks: Iterable[_Task], targets: Sequence[Target]) -> Iterator[_LookedUp]:
    """Each task with what the targets have as its picture."""
    for some in batched(tasks, LOOKUPS):
        known = [target.index.pictures(task.image_id for task in some) for target in targets]
        yield from ((task, [of_target.get(task.image_id) for of_target in known]) for task in some)


def _common_etag(known: Sequence[IndexedPicture | None]) -> str | None:
    """The etag of the bytes that every target has; None if one of them has others, or none."""
    seen = {(picture.etag, picture.content_sha256) if picture else (None, "") for picture in known}
    [(etag, _), *others] = seen or {(None, "")}
    return None if others else etag


def _decode(job: _Job, model: Model) -> None:
    try:
        picture = pictures.decode(job.fetched.file.content, at_least=model.input_size)
        job.picture = replace(picture, pixels=pictures.scale(picture.pixels, model))
    except LookalikeError as error:
        job.error = error


def _embed(batch: _Batch) -> _Batch:
    """Embeds the pictures that were decoded, those with the same bytes once."""
    decoded = {job.fetched.content_sha256: job.picture for job in batch.jobs if job.picture}
    vectors = batch.target.embedder.embed([picture.pixels for picture in decoded.values()]) if decoded else ()
    made = {
        sha256: Embedded(vector, picture.perceptual_hash, picture.width, picture.height)
        for (sha256, picture), vector in zip(decoded.items(), vectors, strict=True)
    }
    for job in batch.jobs:
        if job.picture:
            job.embedded, job.picture = made[job.fetched.content_sha256], None
    return batch


def _is_unchanged(fetched: _Fetched, indexed: IndexedPicture | None) -> bool:
    return indexed is not None and (indexed.content_sha256, indexed.attributes, indexed.origin) == (
        fetched.content_sha256,
        fetched.attributes,
        fetched.task.origin,
    )


def _is_to_be_deleted(job: _Job) -> bool:
    """A picture that is gone from the bucket, or bad there now, must not be found; elsewhere the fault may be the network's."""
    return job.error is not None and job.error.ending == "drop" and job.fetched.task.origin == "upload"


def _document(fetched: _Fetched, embedded: Embedded, now: datetime) -> IndexedPicture:
    return IndexedPicture(
        product_id=fetched.task.product_id,
        image_url=fetched.task.image_url,
        attributes=fetched.attributes,
        content_sha256=fetched.content_sha256,
        perceptual_hash=embedded.perceptual_hash,
        width=embedded.width,
        height=embedded.height,
        origin=fetched.task.origin,
        etag=fetched.file.etag,
        indexed_at=now,
    )


def _outcome(job: _Job, refused: LookalikeError | None) -> Outcome:
    task = job.fetched.task
    error = refused or job.error
    state: State = "unchanged" if job.unchanged else "indexed"
    if error is not None:
        gone = task.origin == "upload" and isinstance(error, PictureUnreachable) and error.status == 404
        state = "deleted" if gone else "failed"
    return Outcome(task.product_id, task.image_url, state, error if state == "failed" else None, job.fetched.file.etag)
