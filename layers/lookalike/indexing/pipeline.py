"""The indexing pipeline: look up, fetch, decode, embed and write pictures, in batches that overlap."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from math import inf
from typing import TypeAlias

from more_itertools import batched, constrained_batches

from lookalike.concurrency import map_unordered, prefetch
from lookalike.domain import (
    Attributes,
    Embedder,
    Embedding,
    IndexedPicture,
    Model,
    Origin,
    Picture,
    PictureFile,
    image_id,
    without_credentials,
)
from lookalike.errors import LookalikeError, OutOfTime, PictureRefused, PictureUnreachable
from lookalike.indexing.outcomes import OutcomeState, PictureOutcome, most_severe
from lookalike.indexing.ports import PictureFetcher, WriteTarget
from lookalike.pictures import decoding
from lookalike.pictures.decoding import content_sha256

MAX_FETCHED = 48
"""The most pictures that are being downloaded or waiting to be decoded, which bounds the memory."""

BATCH = 16
"""Pictures that are embedded and written together."""

MAX_BATCH_BYTES = 64_000_000
"""The most bytes of the files of a batch."""

LOOKUPS = 50
"""Documents that are looked up with one request."""


@dataclass(frozen=True, slots=True)
class PictureTask:
    """One picture to index.

    ``attributes`` None means the attributes of the fetched file (S3 user metadata), ``indexed_at`` None the time at which it is indexed; a
    copy keeps that of its original.
    """

    product_id: str
    image_url: str
    origin: Origin
    attributes: Attributes | None
    indexed_at: datetime | None = None

    @property
    def image_id(self) -> str:
        """The id of the picture's document in the index."""
        return image_id(self.product_id, self.image_url)


@dataclass(frozen=True, slots=True)
class _Fetched:
    """A task with its picture's file or error; ``known`` has each target's current document of the picture."""

    task: PictureTask
    known: Sequence[IndexedPicture | None]
    file: PictureFile
    content_sha256: str = ""
    error: LookalikeError | None = None

    @property
    def attributes(self) -> Attributes:
        if self.task.attributes is not None:
            return self.task.attributes
        return self.file.attributes or {}


_LookedUp: TypeAlias = tuple[PictureTask, Sequence[IndexedPicture | None]]


@dataclass(slots=True)
class _Job:
    """The state of a fetched picture for one target; each stage of the pipeline fills in its part."""

    fetched: _Fetched
    error: LookalikeError | None
    unchanged: bool = False
    picture: Picture | None = None
    embedding: Embedding | None = None


@dataclass(frozen=True, slots=True)
class _Batch:
    """Jobs for one target."""

    target: WriteTarget
    jobs: Sequence[_Job]


@dataclass(frozen=True, slots=True)
class IndexingPipeline:
    """Indexes pictures into one or several targets.

    Args:
        fetcher: fetches the pictures.
        downloads: the threads that call the fetcher.
        now: returns the current time, for ``indexed_at``.
    """

    fetcher: PictureFetcher
    downloads: Executor
    now: Callable[[], datetime]

    def run(self, tasks: Iterable[PictureTask], targets: Sequence[WriteTarget], stop_at: float = inf) -> Iterator[PictureOutcome]:
        """Indexes the pictures and yields an outcome for each as it is done.

        Args:
            tasks: the pictures.
            targets: the indices to write to.
            stop_at: the time, by `time.monotonic`, after which no picture is started; the rest end with `OutOfTime`.

        Raises `TransientError` or `Misconfigured`: an index cannot be read or written to.
        """
        looked_up = _looked_up(tasks, targets, stop_at)
        fetched = map_unordered(self.downloads, partial(self._fetch, stop_at=stop_at), looked_up, window=MAX_FETCHED)
        batches = constrained_batches(fetched, MAX_BATCH_BYTES, BATCH, get_len=lambda one: len(one.file.content), strict=False)
        prepared = prefetch([self._prepare(number, target, batch) for number, target in enumerate(targets)] for batch in batches)
        embedded = prefetch([_embed(batch) for batch in of_targets] for of_targets in prepared)
        for of_targets in embedded:
            outcomes = [self._write(batch) for batch in of_targets]
            yield from (most_severe(of_one_picture) for of_one_picture in zip(*outcomes, strict=True))

    def _fetch(self, looked_up: _LookedUp, stop_at: float = inf) -> _Fetched:
        task, known = looked_up
        if time.monotonic() > stop_at:
            return _Fetched(task, known, PictureFile(b""), error=OutOfTime("there was no time left to fetch the picture"))
        try:
            file = self.fetcher.fetch(task.image_url, _common_etag(known))
        except LookalikeError as error:
            return _Fetched(task, known, PictureFile(b""), error=error)
        if file.is_unmodified and known[0]:
            return _Fetched(task, known, file, known[0].content_sha256)
        return _Fetched(task, known, file, content_sha256(file.content))

    def _prepare(self, number: int, target: WriteTarget, fetched: Sequence[_Fetched]) -> _Batch:
        """Finds the pictures that a target has already, by URL or by bytes, and decodes the others."""
        jobs = [_Job(item, item.error) for item in fetched]
        present = [job for job in jobs if job.error is None]
        for job in present:
            job.unchanged = _is_unchanged(job.fetched, job.fetched.known[number])
        changed = [job for job in present if not job.unchanged]
        known = target.index.embedded({job.fetched.content_sha256 for job in changed})
        for job in changed:
            job.embedding = known.get(job.fetched.content_sha256)
            if job.embedding is None and job.fetched.file.is_unmodified:  # indexed, but not refreshed yet: its vector cannot be read
                job.fetched = self._fetch((job.fetched.task, (None,) * len(job.fetched.known)))
                job.error = job.fetched.error
            if job.embedding is None and job.error is None:
                _decode(job, target.embedder.model)
        return _Batch(target, jobs)

    def _write(self, batch: _Batch) -> list[PictureOutcome]:
        put = [(_document(job.fetched, job.embedding, self.now()), job.embedding.vector) for job in batch.jobs if job.embedding]
        rejected = batch.target.index.write(put, [job.fetched.task.image_id for job in batch.jobs if _is_to_be_deleted(job)])
        return [_outcome(job, rejected.get(job.fetched.task.image_id)) for job in batch.jobs]


def _looked_up(tasks: Iterable[PictureTask], targets: Sequence[WriteTarget], stop_at: float) -> Iterator[_LookedUp]:
    """Each task with the document that each target has of it."""
    for some in batched(tasks, LOOKUPS):
        in_time = time.monotonic() <= stop_at
        known = [target.index.pictures(task.image_id for task in some) if in_time else {} for target in targets]
        yield from ((task, [of_target.get(task.image_id) for of_target in known]) for task in some)


def _common_etag(known: Sequence[IndexedPicture | None]) -> str | None:
    """The ETag of the file if all targets have the same one, else None."""
    seen = {(picture.etag, picture.content_sha256) if picture else (None, "") for picture in known}
    [(etag, _), *others] = seen or {(None, "")}
    return None if others else etag


def _decode(job: _Job, model: Model) -> None:
    try:
        picture = decoding.decode(job.fetched.file.content, at_least=model.input_size)
        job.picture = replace(picture, pixels=decoding.scale(picture.pixels, model))
    except LookalikeError as error:
        job.error = error


def _embed(batch: _Batch) -> _Batch:
    """Embeds the pictures that were decoded, those with the same bytes once."""
    decoded = {job.fetched.content_sha256: job.picture for job in batch.jobs if job.picture}
    made = _embeddings(decoded, batch.target.embedder) if decoded else {}
    for job in batch.jobs:
        if job.picture:
            found, job.picture = made[job.fetched.content_sha256], None
            if isinstance(found, Embedding):
                job.embedding = found
            else:
                job.error = found
    return batch


def _embeddings(pictures: Mapping[str, Picture], embedder: Embedder) -> dict[str, Embedding | PictureRefused]:
    """The embeddings by key; a picture that a remote model refuses fails alone."""
    try:
        vectors = embedder.embed([picture.pixels for picture in pictures.values()])
    except PictureRefused as error:
        if len(pictures) == 1:
            return dict.fromkeys(pictures, error)
        return {key: found for one in pictures.items() for key, found in _embeddings(dict([one]), embedder).items()}
    return {
        key: Embedding(vector, picture.perceptual_hash, picture.width, picture.height)
        for (key, picture), vector in zip(pictures.items(), vectors, strict=True)
    }


def _is_unchanged(fetched: _Fetched, indexed: IndexedPicture | None) -> bool:
    """Not if the same file was uploaded again: a delete that was sent before that must spare it, however late it comes."""
    if indexed and fetched.file.modified and fetched.file.modified > indexed.indexed_at:
        return False
    return indexed is not None and (indexed.content_sha256, indexed.attributes, indexed.origin) == (
        fetched.content_sha256,
        fetched.attributes,
        fetched.task.origin,
    )


def _is_to_be_deleted(job: _Job) -> bool:
    """Whether the document must go because the bucket has no such picture any more; at other origins an error may be temporary."""
    return job.error is not None and job.error.ending == "drop" and job.fetched.task.origin == "upload"


def _document(fetched: _Fetched, embedding: Embedding, now: datetime) -> IndexedPicture:
    return IndexedPicture(
        product_id=fetched.task.product_id,
        image_url=without_credentials(fetched.task.image_url),
        attributes=fetched.attributes,
        content_sha256=fetched.content_sha256,
        perceptual_hash=embedding.perceptual_hash,
        width=embedding.width,
        height=embedding.height,
        origin=fetched.task.origin,
        etag=fetched.file.etag,
        indexed_at=fetched.task.indexed_at or now,
    )


def _outcome(job: _Job, rejected: LookalikeError | None) -> PictureOutcome:
    task = job.fetched.task
    error = rejected or job.error
    state: OutcomeState = "unchanged" if job.unchanged else "indexed"
    if error is not None:
        gone = task.origin == "upload" and isinstance(error, PictureUnreachable) and error.status == 404
        state = "deleted" if gone else "failed"
    file = job.fetched.file
    return PictureOutcome(task.product_id, task.image_url, state, error if state == "failed" else None, file.etag, file.attributes)
