"""Every benchmark, one after the other: ``python -m tests.benchmarks [PART …]``; one table, JSON and plots of it in ``build/bench``.

Absolute times move from machine to machine, the ratios little. With ``--readme`` the tables replace those in README.md beside this.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from matplotlib import pyplot

from tests.benchmarks import price
from tests.benchmarks.rows import Row, markdown, print_table, read

PARTS: Mapping[str, Sequence[str]] = {
    "embedding": (),
    "start": (),
    "container": (),
    "search": (),
    "filtered_search": (),
    "retrieval": ("--types", "bbq_hnsw", "int8_hnsw", "hnsw"),
    "indexing": ("inception_resnet_v2", "efficientnet_lite2"),
    "fanout": ("--shuffled",),
    "power": (),
}
"""Each with its arguments."""

OUTPUT = Path("build/bench")
README = Path(__file__).with_name("README.md")
TABLES = re.compile("(<!-- tables -->\n).*(<!-- end -->)", re.DOTALL)


def main() -> int:
    """Runs the parts; the exit code is 1 if one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Every benchmark as one table.")
    parser.add_argument("parts", nargs="*", default=list(PARTS), help=f"some of {', '.join(PARTS)}; each has options when it is run alone")
    parser.add_argument("--readme", action="store_true", help="write the tables into tests/benchmarks/README.md")
    parser.add_argument("--kept", action="store_true", help="run nothing: take what was measured last")
    given = parser.parse_args()
    failed = [] if given.kept else [part for part in given.parts if not _run(part)]
    measured = {part: read(OUTPUT / f"{part}.json") for part in given.parts if (OUTPUT / f"{part}.json").exists()}
    measured["price"] = list(price.rows(measured))
    for part, rows in measured.items():
        print_table(part, rows)
        _plot(part, rows)
    if given.readme:
        README.write_text(TABLES.sub(lambda found: found[1] + _tables(measured) + found[2], README.read_text()))
    print(f"JSON and plots are in {OUTPUT}" + (f"; failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


def _run(part: str) -> bool:
    command = [sys.executable, "-m", f"tests.benchmarks.{part}", *PARTS[part], "--json", str(OUTPUT / f"{part}.json")]
    print(f"{datetime.now(UTC):%H:%M} {part}", flush=True)
    begun = time.monotonic()
    is_done = subprocess.run(command, check=False).returncode == 0
    print(f"{part} {'took' if is_done else 'failed after'} {(time.monotonic() - begun) / 60:.0f} minutes", flush=True)
    return is_done


def _plot(part: str, rows: Sequence[Row]) -> None:
    """A bar for each row's ratio, as SVG."""
    figure, axes = pyplot.subplots(figsize=(10, 1 + 0.3 * len(rows)), layout="constrained")
    axes.barh([f"{row.what} / {row.beside}" for row in rows], [row.ratio for row in rows])
    axes.axvline(1, color="black", linewidth=0.8)
    axes.invert_yaxis()
    axes.set_xlabel("ratio")
    figure.savefig(OUTPUT / f"{part}.svg")
    pyplot.close(figure)


def _tables(measured: Mapping[str, Sequence[Row]]) -> str:
    return _note([part for part in measured if part != "price"]) + "".join(
        f"### {part}\n\n{markdown(rows)}\n\n" for part, rows in measured.items() if rows
    )


def _note(parts: Sequence[str]) -> str:
    """On what, when and with which code the parts were measured, and how busy the machine was before each of them."""
    kept = [json.loads((OUTPUT / f"{part}.json").read_text()) for part in parts]
    places: dict[str, list[str]] = {}
    for part, each in zip(parts, kept, strict=True):
        places.setdefault(f"{each['date']}, commit {each['commit']}, {each['machine']}", []).append(part)
    loads = [each["load"] for each in kept]
    lines = [f"{', '.join(names)}: {place}." for place, names in places.items()]
    busy = f"Processes that ran or waited for a core before a part began: {min(loads)} to {max(loads)}.\n\n" if loads else ""
    return "Measured:\n\n" + "".join(f"- {line}\n" for line in lines) + f"\n{busy}"


if __name__ == "__main__":
    sys.exit(main())
