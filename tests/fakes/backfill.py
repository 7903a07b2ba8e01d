"""A source, and the stores of backfills, in memory."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count, pairwise

from lookalike.backfill.indices import SharedPicture
from lookalike.backfill.model import Backfill, IndexSpec, Into, Position, Slice, SourceDocument, SourcePage, SourceSpec
from lookalike.backfill.outcomes import OutcomeCounts, StoredOutcome
from lookalike.domain import Product
from lookalike.errors import RequestInvalid
from lookalike.indexing.outcomes import ItemOutcome


class FakeOutcomeStore:
    """Keeps the last outcome of each product in each backfill, and failures of those that came without one."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], ItemOutcome] = {}

    def record(self, outcomes: Iterable[ItemOutcome]) -> None:
        for outcome in outcomes:
            key = outcome.backfill_id or outcome.origin, outcome.key
            if outcome.backfill_id and key in self._kept and self._kept[key].run > outcome.run:
                continue
            self._kept.pop(key, None)
            if outcome.backfill_id or outcome.state == "failed":
                self._kept[key] = outcome

    def mark_queued(self, queued: Iterable[ItemOutcome]) -> None:
        for outcome in queued:
            there = self._kept.get((outcome.backfill_id or "", outcome.key))
            if there is None or there.run < outcome.run:
                self.record([outcome])

    def record_dead_letters(self, failures: Iterable[ItemOutcome]) -> None:
        for failure in failures:
            there = self._kept.get((failure.backfill_id or "", failure.key))
            if there is None or there.run < failure.run or (there.run, there.state) == (failure.run, "queued"):
                self.record([failure])

    def remove(self, backfill_id: str, keys: Iterable[str]) -> None:
        for each in keys:
            self._kept.pop((backfill_id, each), None)

    def counts(self, backfill_id: str, run: int, full_run: int) -> OutcomeCounts:
        of_run = self._of(backfill_id, lambda outcome: outcome.run == run)
        of_backfill = self._of(backfill_id, lambda outcome: outcome.run >= full_run)
        count = Counter(outcome.state for outcome in of_run)
        return OutcomeCounts(
            indexed=count["indexed"],
            unchanged=count["unchanged"],
            failed=_by_code(of_run),
            last_at=datetime.now(UTC) if of_run else None,
            deleted=count["deleted"],
            queued=sum(outcome.state == "queued" for outcome in of_backfill),
            recent=len(of_run) - count["queued"],
            failures=_by_code(of_backfill),
        )

    def failures(
        self, backfill_id: str, full_run: int, *, code: str | None = None, after: str | None = None, size: int, with_queued: bool = False
    ) -> Sequence[StoredOutcome]:
        states = {"failed", "queued"} if with_queued else {"failed"}
        found = self._of(backfill_id, lambda o: o.run >= full_run and o.state in states and code in (None, o.code))
        return self._listed(found, after, size)

    def of_earlier_runs(self, backfill_id: str, run: int, *, after: str | None = None, size: int) -> Sequence[StoredOutcome]:
        return self._listed(self._of(backfill_id, lambda outcome: outcome.run < run), after, size)

    def count_of_earlier_runs(self, backfill_id: str, run: int) -> int:
        return len(self._of(backfill_id, lambda outcome: outcome.run < run))

    @property
    def known(self) -> dict[str, ItemOutcome]:
        """What is stored, by the outcomes' keys."""
        return {key: outcome for (_, key), outcome in self._kept.items()}

    def _of(self, backfill_id: str, passes: Callable[[ItemOutcome], bool]) -> list[ItemOutcome]:
        return [outcome for outcome in self._kept.values() if outcome.backfill_id == backfill_id and passes(outcome)]

    def _listed(self, outcomes: list[ItemOutcome], after: str | None, size: int) -> list[StoredOutcome]:
        listed = sorted((outcome for outcome in outcomes if outcome.key > (after or "")), key=lambda outcome: outcome.key)
        return [StoredOutcome(o.key, o.product_id, o.state, o.image_url, o.code, o.reason, "now", o.run) for o in listed[:size]]


def _by_code(outcomes: Iterable[ItemOutcome]) -> dict[str, int]:
    return dict(Counter(outcome.code or "" for outcome in outcomes if outcome.state == "failed"))


class FakeSource:
    """A list of products, read by number; ``faults`` are documents that describe none, ``changed`` what a run with ``since`` reads."""

    unique = True
    parts = 2

    def __init__(self, count: int, faults: int = 0) -> None:
        self.changed: list[SourceDocument] = []
        self.documents = [SourceDocument(f"p-{n}", Product(f"p-{n}", (f"http://a/{n}",))) for n in range(count)]
        self.documents += [SourceDocument(f"fault-{n}", fault="it has no id") for n in range(faults)]

    def resolved(self, spec: IndexSpec) -> IndexSpec:
        return spec

    def count(self, spec: SourceSpec) -> int | None:
        return len(self._read_by(spec))

    def is_unique(self, spec: SourceSpec) -> bool:
        return self.unique

    def sample(self, spec: IndexSpec, size: int) -> Sequence[SourceDocument]:
        return self.documents[:size]

    def slices(self, spec: SourceSpec, most: int) -> Sequence[Position]:
        bounds = [len(self._read_by(spec)) * part // self.parts for part in range(self.parts + 1)]
        return [{"from": start, "to": end} for start, end in pairwise(bounds)]

    def page(self, spec: SourceSpec, position: Position, size: int) -> SourcePage:
        start, end = position["from"], min(position["from"] + size, position["to"])
        return SourcePage(self._read_by(spec)[start:end], {"from": end, "to": position["to"]} if end < position["to"] else None)

    def find(self, spec: SourceSpec, keys: Sequence[str]) -> Sequence[SourceDocument]:
        return [document for document in self.documents if keys and {document.key, document.item_key} & set(keys)]

    def _read_by(self, spec: SourceSpec) -> list[SourceDocument]:
        return self.changed if isinstance(spec, IndexSpec) and spec.since else self.documents


class FakeBackfillStore:
    """Backfills in memory, with versions as the real one has."""

    def __init__(self) -> None:
        self._backfills: dict[str, Backfill] = {}
        self._slices: dict[tuple[str, int], Slice] = {}
        self._versions = count()

    def backfill(self, backfill_id: str) -> Backfill | None:
        return self._backfills.get(backfill_id)

    def backfills(self, most: int) -> Sequence[Backfill]:
        return sorted(self._backfills.values(), key=lambda backfill: backfill.started_at, reverse=True)[:most]

    def begin(self, backfill: Backfill, positions: Sequence[Position]) -> None:
        self._backfills[backfill.backfill_id] = backfill
        for number, position in enumerate(positions):
            self._slices[backfill.backfill_id, number] = Slice(backfill.backfill_id, number, position, 0, next(self._versions))

    def slices(self, backfill_id: str) -> Sequence[Slice]:
        backfill = self._backfills.get(backfill_id)
        return [self._slices[backfill_id, number] for number in range(backfill.slices)] if backfill else []

    def slice(self, backfill_id: str, number: int) -> Slice:
        return self._slices[backfill_id, number]

    def advance(self, slice_: Slice, position: Position | None, read: int) -> Slice | None:
        key = slice_.backfill_id, slice_.number
        if self._slices[key].version != slice_.version:
            return None
        self._slices[key] = Slice(*key, position, read, next(self._versions))
        return self._slices[key]

    def set_cancelled(self, backfill_id: str, is_cancelled: bool) -> None:
        for each in self.slices(backfill_id):
            marked = replace(each, is_cancelled=is_cancelled, version=next(self._versions))
            self._slices[backfill_id, each.number] = marked


class FakeIndices:
    """Names of indices: the one that is searched, and one that is being filled."""

    def __init__(self) -> None:
        self.current = "lookalike-fake-1"
        self.next: str | None = None
        self.shared: list[SharedPicture] = []
        self.merged: list[str] = []
        self.ended_tasks: set[str] = set()

    def searched(self) -> str:
        return self.current

    def shared_pictures(self, index: str, limit: int) -> Sequence[SharedPicture]:
        return self.shared[:limit]

    def begin_dual_write(self, into: Into) -> str:
        name = into.index or self.next or f"lookalike-{into.model}-1"
        if self.next not in (None, name):
            raise RequestInvalid(f"the index {self.next!r} is being filled", field="into")
        self.next = None if name == self.current else name
        return name

    def end_dual_write(self, name: str) -> None:
        self.next = None if self.next == name else self.next

    def switch(self, name: str) -> str | None:
        previous, self.current, self.next = self.current, name, None
        return None if previous == name else previous

    def begin_merge(self, name: str | None) -> str | None:
        self.merged.append(name or self.current)
        return f"task of {name or self.current}"

    def is_merged(self, task: str) -> bool:
        return task in self.ended_tasks
