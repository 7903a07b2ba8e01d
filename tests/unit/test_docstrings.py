"""Public docstrings stand alone: each says what a thing is to a reader who sees nothing but the docstring."""

import ast
import re
from collections.abc import Iterator
from typing import TypeAlias

import pytest

from tests.unit.sam_template import ROOT

FOLDERS = ("layers/lookalike", "functions", "infra")
LEAST_WORDS = 4

NOT_ALONE = (
    "As there.",
    "As here.",
    "Adds them",
    "The use case.",
    "it can be had",
    "The same for",
    "who mends",
    "See above",
    "As above",
    "Ditto",
)
"""Phrases that make sense only beside something else."""

Documented: TypeAlias = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def public(node: ast.AST, name: str) -> Iterator[tuple[str, Documented]]:
    """A module, its public classes and functions, and their public methods, by dotted names."""
    if not isinstance(node, Documented):
        return
    yield name, node
    if isinstance(node, ast.Module | ast.ClassDef):
        for child in node.body:
            if isinstance(child, Documented) and not isinstance(child, ast.Module) and not child.name.startswith("_"):
                yield from public(child, f"{name}.{child.name}")


def docstrings(folder: str) -> dict[str, str]:
    """Every public docstring of a folder, by the dotted name of what it is about."""
    found = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for name, node in public(ast.parse(path.read_text()), module):
            docstring = ast.get_docstring(node)
            if docstring is not None:
                found[name] = docstring
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_docstring_has_words_enough_to_say_something(folder: str) -> None:
    assert {name: text for name, text in docstrings(folder).items() if len(re.findall(r"\w[\w'-]*", text)) < LEAST_WORDS} == {}


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_docstring_needs_nothing_beside_it(folder: str) -> None:
    phrases = re.compile("|".join(map(re.escape, NOT_ALONE)), re.IGNORECASE)

    assert {name: text for name, text in docstrings(folder).items() if phrases.search(text)} == {}
