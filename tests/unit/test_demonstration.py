"""What the demo prints: names are shown as they are, also those that look like rich's markup."""

from io import StringIO

import pytest
from rich.console import Console

from infra.demo.demonstration import hits_table, say_done

NAMES = ["shirt [final]", "[/old] shirt", "[red]"]


def _printed(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


@pytest.fixture
def console() -> Console:
    return Console(file=StringIO(), width=200)


@pytest.mark.parametrize("name", NAMES)
def test_a_step_is_told_with_names_as_they_are(console: Console, name: str) -> None:
    say_done(console, f"1 products in {name}")

    assert f"1 products in {name}" in _printed(console)


@pytest.mark.parametrize("name", NAMES)
def test_a_table_of_hits_has_names_as_they_are(console: Console, name: str) -> None:
    hit = {"score": 1.0, "product_id": "shirt-1", "attributes": {"category": name, "name": name}}

    console.print(hits_table({"hits": [hit], "timings_ms": {"search": 1.0}}, f"POST /search with the file {name}"))

    assert _printed(console).count(name) == 3
