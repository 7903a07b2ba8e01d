"""Prints how large each top folder is: ``python -m tests.figures``. `tests/unit/test_figures.py` holds the limits below."""

import ast
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("layers/lookalike", "layers/models", "layers/quality", "functions", "infra", "tests")

MAX_LINES: Mapping[str, int] = {"layers/lookalike": 10460, "infra": 3600}
"""Lines of Python of a folder; whoever needs more says why."""

MAX_MEDIAN_LINES = 6
"""Lines of the median function of all folders."""

MAX_FUNCTION_LINES = 35
MAX_MODULE_LINES = 300


@dataclass(frozen=True, slots=True)
class Length:
    """The number of lines of a module or function, and where it is."""

    lines: int
    place: str


@dataclass(frozen=True, slots=True)
class Figures:
    """The sizes of a folder's modules and functions, the longest first; blank lines and docstrings are counted."""

    folder: str
    modules: tuple[Length, ...]
    functions: tuple[Length, ...]

    @property
    def lines(self) -> int:
        """Lines of all modules together."""
        return sum(module.lines for module in self.modules)

    @property
    def median_lines(self) -> float:
        """Lines of the median function."""
        return statistics.median(function.lines for function in self.functions)


def figures_of(folder: str) -> Figures:
    """Counts the Python files of a folder; a function is counted from ``def`` to its last line."""
    texts = {str(path.relative_to(ROOT)): path.read_text() for path in (ROOT / folder).rglob("*.py")}
    modules = [Length(len(text.splitlines()), place) for place, text in texts.items()]
    functions = [
        Length((node.end_lineno or node.lineno) - node.lineno + 1, f"{place}:{node.lineno} {node.name}")
        for place, text in texts.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return Figures(folder, _longest_first(modules), _longest_first(functions))


def _longest_first(lengths: Iterable[Length]) -> tuple[Length, ...]:
    return tuple(sorted(lengths, key=lambda length: (-length.lines, length.place)))


def _table() -> str:
    rows = [("folder", "lines", "modules", "functions", "median", "longest function", "longest module")]
    for figures in map(figures_of, FOLDERS):
        function, module = figures.functions[0], figures.modules[0]
        numbers = (f"{figures.lines:,}", str(len(figures.modules)), str(len(figures.functions)), f"{figures.median_lines:g}")
        rows.append((figures.folder, *numbers, f"{function.lines:3} {function.place}", f"{module.lines:3} {module.place}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


if __name__ == "__main__":
    print(_table())
