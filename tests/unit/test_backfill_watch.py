"""The live view of a backfill: it ends when the backfill has, and shows what is to be known."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from infra.demo import backfill_watch

STATUS: dict[str, Any] = {
    "backfill_id": "b1",
    "state": "reading",
    "run": 1,
    "into": None,
    "total": 12_000,
    "read": 5_000,
    "indexed": 1_000,
    "unchanged": 20,
    "deleted": 0,
    "failed": {"picture_unusable": 3, "picture_unreachable": 7},
    "percent": 8.6,
    "rate": 25.5,
    "time_left_s": 430,
    "dead_letters": {"products": 2, "backfill": 0},
}


def _shown(*statuses: dict[str, Any], backfill_id: str | None = None) -> tuple[str, list[dict[str, Any]]]:
    answers, asked = iter(statuses), []

    def ask(command: dict[str, Any]) -> dict[str, Any]:
        asked.append(command)
        return {"backfills": [{"backfill_id": "newest"}]} if command["action"] == "list" else next(answers)

    console = Console(file=StringIO(), width=100)
    backfill_watch.watch(ask, backfill_id, console)
    file = console.file
    assert isinstance(file, StringIO)
    return file.getvalue(), asked


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill_watch, "EVERY_S", 0)


@pytest.mark.parametrize("state", ["finished", "cancelled"])
def test_it_asks_until_the_backfill_has_ended(state: str) -> None:
    shown, asked = _shown(STATUS, STATUS, STATUS | {"state": state}, backfill_id="b1")

    assert asked == [{"action": "status", "backfill_id": "b1"}] * 3
    assert f"b1: {state}" in shown


def test_without_an_id_it_shows_the_newest() -> None:
    _, asked = _shown(STATUS | {"state": "finished"})

    assert [command["action"] for command in asked] == ["list", "status"]
    assert asked[1]["backfill_id"] == "newest"


def test_counts_failures_dead_letters_and_time_left_are_shown() -> None:
    shown, _ = _shown(STATUS | {"state": "finished", "into": "lookalike-2"})

    for text in (
        "into lookalike-2",
        "8.6 %",
        "5,000 of 12,000",
        "picture_unreachable",
        "2 of products",
        "25.5 products a second",
        "0:07:10",
    ):
        assert text in shown


def test_what_is_not_known_yet_is_left_out() -> None:
    unknown = {"total": None, "percent": None, "time_left_s": None, "state": "finished", "failed": {}, "dead_letters": {"products": 0}}
    shown, _ = _shown(STATUS | unknown)

    assert "5,000" in shown
    assert "time left" not in shown
    assert "dead letters" not in shown


def test_the_numbers_are_below_the_bar_and_whole() -> None:
    console = Console(file=StringIO(), width=80)
    console.print(backfill_watch.view(STATUS | {"read": 302, "total": 302, "percent": 100.0}))
    file = console.file
    assert isinstance(file, StringIO)

    assert ["read", "302", "of", "302"] in [line.split() for line in file.getvalue().splitlines()]
