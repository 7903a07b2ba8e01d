"""One fault against all four ways in at once, and the verdict when all is at rest."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.chaos.faults import Fault
from tests.chaos.rig import Rig, wait_until_quiet
from tests.chaos.ways import Backfill, Cell, Searches, begin, post, upload

HEADER = f"lost/wrong/without a reason\n{'':42}" + "".join(
    f"{title:>{width}}"
    for title, width in {
        "uploads": 10,
        "products": 10,
        "backfill": 10,
        "search": 10,
        "503s": 8,
        "returned": 10,
        "slowest": 10,
        "at rest": 10,
    }.items()
)
WAYS = ("uploads", "products", "backfill", "search")
QUIET_WITHIN_S = 150


@dataclass
class Row:
    """The verdicts of a fault, by way in; ``refused`` searches and ``returned`` messages show that it was felt."""

    fault: Fault
    cells: dict[str, Cell]
    refused: int
    returned: int
    slowest_s: float
    quiet_s: float

    def __str__(self) -> str:
        marks = (f"{len(cell.lost)}/{len(cell.wrong)}/{len(cell.untold)}" for cell in self.cells.values())
        told = sum(cell.told for cell in self.cells.values())
        line = f"{self.fault.name:42}" + "".join(f"{mark:>10}" for mark in marks) + f"{self.refused:8}{self.returned:10}"
        line += f"{self.slowest_s:8.1f} s{self.quiet_s:8.1f} s"
        return line + (f"  ({told} among the failures)" if told else "")

    @property
    def faults(self) -> list[str]:
        """What went wrong, a line each."""
        return [
            f"    {way}, {kind}: {each}"
            for way, cell in self.cells.items()
            for kind, several in (("lost", cell.lost), ("wrong", cell.wrong), ("without a reason", cell.untold))
            for each in several
        ]


def prepare(rig: Rig, faults: Sequence[Fault]) -> None:
    """Indexes what is there before each of the faults."""
    for number in range(len(faults)):
        begin(rig, _prefix(number), number * 100)
    wait_until_quiet(rig, QUIET_WITHIN_S)


def tried(rig: Rig, fault: Fault, number: int) -> Row:
    """Tries a fault and prints its row."""
    prefix, first, offsets = _prefix(number), number * 100, rig.log_offsets()
    letters = rig.dead_letters()
    searches = Searches(rig, prefix, first, fault.allowed, is_kept=not fault.forgets)
    with fault.holds(rig):
        uploaded, posted = upload(rig, prefix, first), post(rig, prefix, first)
        backfill = Backfill(rig, prefix, first, fault.seconds)
        time.sleep(fault.seconds)
    cells = {way: Cell() for way in WAYS} | {"search": searches.cell}
    quiet_s = _rest(rig, backfill, cells)
    searches.end()
    found, told = rig.found(prefix), rig.told(prefix)
    for way, truth in (("uploads", uploaded), ("products", posted), ("backfill", backfill.truth)):
        kept = {id_: wanted for id_, wanted in truth.items() if not fault.forgets or id_[-1] not in "45" or way == "backfill"}
        cells[way].judge(kept, found, told)
    cells["products"].wrong += rig.wrong_mappings()
    returns = rig.returns(offsets)
    cells["products"].untold += [f"{returned} messages came back" for returned, reasons in returns if not reasons]
    if (given_up := rig.dead_letters() - letters) > 0:
        cells["products"].untold.append(f"{given_up} dead letters")
    row = Row(fault, cells, searches.refused, sum(returned for returned, _ in returns), searches.slowest_s, quiet_s)
    print("\n".join([str(row), *row.faults]), flush=True)
    return row


def _rest(rig: Rig, backfill: Backfill, cells: dict[str, Cell]) -> float:
    """Seconds until the backfill has finished and no message is left; what does not come to its end is lost."""
    began = time.monotonic()
    if status := backfill.finish():
        cells["backfill"].lost.append(f"not finished: {status}")
    try:
        wait_until_quiet(rig, QUIET_WITHIN_S)
    except TimeoutError as error:
        cells["products"].lost.append(str(error))
    return time.monotonic() - began


def _prefix(number: int) -> str:
    return f"f{number:02}"
