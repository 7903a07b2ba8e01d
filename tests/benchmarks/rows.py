"""What every benchmark measures: rows, each a figure beside another of the same run, whose ratio says more than either.

A benchmark's module has a function that yields its rows, and ends with `command`, which prints them as a table and keeps them as JSON.
"""

import argparse
import json
import os
import platform
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

FILE_WIDTH = 180
"""Columns of a table that is not printed on a terminal."""

INSTRUCTION_SETS = ("amx_int8", "avx512_bf16", "avx512_vnni", "avx512f", "avx_vnni", "avx2")
"""From the fastest on, by the names that Linux gives them."""


@dataclass(frozen=True, slots=True)
class Row:
    """A figure and what it is compared with, in the same unit.

    ``most`` and ``least`` are what the ratio shall be; a row without either is told and not judged. ``note`` says more, such as the recall.
    """

    what: str
    measured: float
    unit: str
    beside: str
    reference: float
    most: float | None = None
    least: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float:
        """Measured to reference."""
        return self.measured / self.reference if self.reference else float("nan")

    @property
    def reach(self) -> str:
        """What the ratio shall be, and whether it is."""
        if self.most is None and self.least is None:
            return ""
        is_reached = (self.most is None or self.ratio <= self.most) and (self.least is None or self.ratio >= self.least)
        bound = f"≤ {self.most:g}" if self.most is not None else f"≥ {self.least:g}"
        return f"{bound} {'reached' if is_reached else 'NOT reached'}"

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as text, in the order of `HEAD`."""
        unit = f" {self.unit}"
        return (
            self.what,
            number(self.measured) + unit,
            self.beside,
            number(self.reference) + unit,
            f"{self.ratio:.2f}",
            self.reach,
            self.note,
        )


HEAD = ("what", "measured", "beside", "which takes or makes", "ratio", "reach", "")


def number(value: float) -> str:
    """Three digits that count, thousands apart."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def machine() -> str:
    """What the figures were measured on."""
    cpu = Path("/proc/cpuinfo")
    flags = set(cpu.read_text().split()) if cpu.exists() else set()
    best = next((name for name in INSTRUCTION_SETS if name in flags), "an unknown instruction set")
    return f"{os.cpu_count()} cores, {best}, {platform.machine()}, Python {platform.python_version()}"


def commit() -> str:
    """Which code it was, ``+`` behind it if that was changed since; empty outside a repository."""
    told = subprocess.run(["git", "describe", "--always", "--exclude=*", "--dirty=+"], capture_output=True, text=True, check=False)
    return told.stdout.strip()


def command(parser: argparse.ArgumentParser, measure: Callable[[argparse.Namespace], Iterable[Row]]) -> None:
    """The command line of a benchmark: its own options, and ``--json FILE`` to keep the rows."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to keep the rows")
    given = parser.parse_args()
    begun = {"machine": machine(), "date": f"{datetime.now(UTC):%Y-%m-%d}", "load": round(os.getloadavg()[0], 1), "commit": commit()}
    rows = list(measure(given))
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps({**begun, "rows": [asdict(row) for row in rows]}, indent=2) + "\n")
    print_table(parser.prog or "", rows)


def read(path: Path) -> list[Row]:
    """The rows that a benchmark kept."""
    kept: dict[str, Any] = json.loads(path.read_text())
    return [Row(**row) for row in kept["rows"]]


def print_table(title: str, rows: Sequence[Row]) -> None:
    """Prints the rows, as wide as the terminal is; those that miss what they shall reach are red."""
    console = Console()
    if not console.is_terminal:
        console.width = FILE_WIDTH
    made = Table(*HEAD, title=title, title_justify="left")
    for row in rows:
        made.add_row(*row.cells, style="red" if "NOT" in row.reach else None)
    console.print(made)


def markdown(rows: Sequence[Row]) -> str:
    """The rows for a README."""
    lines = [HEAD, ("---", "--:", "---", "--:", "--:", "---", "---"), *(row.cells for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
