"""The four ways in, each with what it acknowledged and what must therefore be found in the end."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import cycle
from threading import Event, Thread
from typing import TypeAlias

import requests

from infra.local.child_process import Failure
from tests.chaos.rig import Rig, picture, sha256

Truth: TypeAlias = dict[str, set[tuple[str, str]]]
"""Product id -> SHA-256 and revision of each of its pictures; none for one that was deleted."""

BASE = 6
"""Products of a way in that are indexed before the fault: 0 and 1 get another picture, 2 another revision, 3 is deleted."""

DEADLINE_S = 29.0
FINISHED_WITHIN_S = 90


@dataclass
class Cell:
    """What went wrong; all is well where the lists are empty."""

    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)
    told: int = 0
    """Products that are not as they should be, and stand among the failures with the reason."""

    @property
    def is_well(self) -> bool:
        """Whether nothing went wrong."""
        return not (self.lost or self.wrong or self.untold)

    def judge(self, truth: Truth, found: Truth, told: Mapping[str, str]) -> None:
        """Compares what was acknowledged with what the index holds."""
        for product_id, wanted in truth.items():
            have = found.get(product_id, set())
            if have == wanted:
                continue
            if product_id in told:
                self.told += 1
            elif wanted and not have:
                self.lost.append(product_id)
            else:
                self.wrong.append(f"{product_id}: {have} in place of {wanted}")


def _one(number: int, revision: str) -> set[tuple[str, str]]:
    return {(sha256(number), revision)}


def begin(rig: Rig, prefix: str, first: int) -> None:
    """Uploads and posts what is there before the fault, and makes the source of the backfill; pictures are numbered from ``first``."""
    for i in range(BASE):
        rig.upload(f"{prefix}-u{i}", first + i, "1")
    rig.post({"put": [rig.product(f"{prefix}-p{i}", first + 20 + i, "1") for i in range(BASE)]})
    rig.fill_source(f"shop-{prefix}", [rig.product(f"{prefix}-b{i}", first + 40 + i, "1") for i in range(12)])


def upload(rig: Rig, prefix: str, first: int) -> Truth:
    """Overwrites, changes metadata, deletes and adds objects."""
    for i, number in ((0, 10), (1, 11), (2, 2), (6, 6), (7, 7), (8, 8)):
        rig.upload(f"{prefix}-u{i}", first + number, "2")
    rig.remove_upload(f"{prefix}-u3")
    new = {f"{prefix}-u{i}": _one(first + number, "2") for i, number in ((0, 10), (1, 11), (2, 2), (6, 6), (7, 7), (8, 8))}
    return new | {f"{prefix}-u3": set(), **{f"{prefix}-u{i}": _one(first + i, "1") for i in (4, 5)}}


def post(rig: Rig, prefix: str, first: int) -> Truth:
    """Replaces, changes, deletes and adds products, in several messages."""
    for i, number in ((0, 30), (1, 31), (2, 22), (6, 26), (7, 27), (8, 28)):
        rig.post({"put": [rig.product(f"{prefix}-p{i}", first + number, "2")]})
    rig.post({"delete": [f"{prefix}-p3"]})
    new = {f"{prefix}-p{i}": _one(first + number, "2") for i, number in ((0, 30), (1, 31), (2, 22), (6, 26), (7, 27), (8, 28))}
    return new | {f"{prefix}-p3": set(), **{f"{prefix}-p{i}": _one(first + 20 + i, "1") for i in (4, 5)}}


class Backfill:
    """A backfill that an engineer starts: the same command until it is answered."""

    def __init__(self, rig: Rig, prefix: str, first: int, fault_s: float) -> None:
        self._rig, self._prefix, self._within_s = rig, prefix, fault_s + FINISHED_WITHIN_S
        self.truth: Truth = {f"{prefix}-b{i}": _one(first + 40 + i, "1") for i in range(12)}
        self._id = ""
        self._thread = Thread(target=self._start, daemon=True)
        self._thread.start()

    def finish(self) -> str | None:
        """Waits until it has finished; says what its status is if it does not."""
        self._thread.join(self._within_s)
        deadline, status = time.monotonic() + FINISHED_WITHIN_S, "it was never started"
        while self._id and time.monotonic() < deadline:
            try:
                answer = self._rig.command("status", backfill_id=self._id)
            except Failure as error:
                answer = {"state": str(error)}
            status = str(answer)
            if answer["state"] == "finished":
                return None
            time.sleep(0.3)
        return status

    def _start(self) -> None:
        source = {"index": f"shop-{self._prefix}", "fields": {"id": "product_id", "image_urls": "image_urls", "attributes": "attributes"}}
        deadline = time.monotonic() + self._within_s
        while not self._id and time.monotonic() < deadline:
            try:
                self._id = str(self._rig.command("start", source=source)["backfill_id"])
            except Failure:
                time.sleep(0.5)


@dataclass(frozen=True)
class Question:
    """A request, and whether an answer of 200 is right."""

    name: str
    ask: Callable[[], requests.Response]
    is_right: Callable[[requests.Response], bool]


def _questions(rig: Rig, product: str, number: int) -> list[list[Question]]:
    """What is asked about a product that does not change, by client."""
    url = rig.system.search_url
    found = Question(
        "a picture",
        lambda: requests.post(f"{url}/search?size=1", data=picture(number), headers={"Content-Type": "image/jpeg"}, timeout=60),
        lambda answer: [hit["product_id"] for hit in answer.json()["hits"]] == [product],
    )
    return [
        [
            found,
            Question(
                "a picture's address",
                lambda: requests.get(f"{url}/search", {"size": "1", "image_url": rig.url(number)}, timeout=60),
                found.is_right,
            ),
        ],
        [
            Question(
                "a product",
                lambda: requests.get(f"{url}/products/{product}", timeout=60),
                lambda answer: answer.json()["attributes"] == {"revision": "1"},
            ),
            Question(
                "what is similar",
                lambda: requests.get(f"{url}/products/{product}/similar", timeout=60),
                lambda answer: product not in [hit["product_id"] for hit in answer.json()["hits"]],
            ),
            Question("health", lambda: requests.get(f"{url}/health", timeout=60), lambda answer: answer.json()["status"] == "ok"),
        ],
    ]


class Searches:
    """Clients that search for what does not change, from before the fault until all is at rest.

    As many as the search function has processes: a request that waits for one is not the function's delay.
    """

    def __init__(self, rig: Rig, prefix: str, first: int, allowed: frozenset[int], *, is_kept: bool) -> None:
        self._allowed = allowed
        self._is_kept = is_kept
        self.cell = Cell()
        self.slowest_s = 0.0
        self.refused = 0
        self._stopping = Event()
        self._questions = _questions(rig, f"{prefix}-p4", first + 24)
        self._threads = [Thread(target=self._run, args=(questions,), daemon=True) for questions in self._questions]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Stops; then each question must be answered rightly, if what it is about is kept."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        for question in (each for questions in self._questions for each in questions):
            answer = question.ask()
            if self._is_kept and not (answer.ok and question.is_right(answer)):
                self.cell.lost.append(f"{question.name} at rest: {answer.status_code} {answer.text[:200]}")

    def _run(self, questions: list[Question]) -> None:
        for question in cycle(questions):
            if self._stopping.wait(0.05):
                return
            began = time.monotonic()
            answer = question.ask()
            self._judge(question, answer, time.monotonic() - began)

    def _judge(self, question: Question, answer: requests.Response, took_s: float) -> None:
        self.refused += answer.status_code == 503
        self.slowest_s = max(self.slowest_s, took_s)
        if took_s > DEADLINE_S or answer.status_code == 504:
            self.cell.lost.append(f"{question.name} after {took_s:.1f} s: {answer.status_code}")
        elif answer.status_code == 200 and self._is_kept and not question.is_right(answer):
            self.cell.wrong.append(f"{question.name}: {answer.text[:200]}")
        elif answer.status_code != 200 and not self._is_told(question, answer):
            self.cell.untold.append(f"{question.name}: {answer.status_code} {answer.text[:300]}")

    def _is_told(self, question: Question, answer: requests.Response) -> bool:
        """Whether an error says what is the matter, and that it passes."""
        if answer.status_code in self._allowed:
            return bool(answer.json()["error"]["message"])
        if question.name == "health":
            return answer.status_code == 503 and bool(answer.json()["fault"])
        return answer.status_code == 503 and bool(answer.json()["error"]["message"]) and "Retry-After" in answer.headers
