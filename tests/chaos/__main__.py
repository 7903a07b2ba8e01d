"""Every fault against every way in: ``python -m tests.chaos [PART OF A FAULT'S NAME …]``.

Prints a row a fault: products that were lost, that are wrong, and what went wrong without a reason, for uploads, products, a backfill and
searches; how many searches were refused and how many messages came back; how slow the slowest search was; how long it took until all was
at rest. Ends with an error if any of it is not 0.
"""

import argparse
import logging
import sys
from dataclasses import replace

from tests.chaos.faults import FAULTS
from tests.chaos.rig import running
from tests.chaos.trial import HEADER, WAYS, prepare, tried
from tests.server_folder import server_folder


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Every fault against every way in.")
    parser.add_argument("names", nargs="*", help="parts of the names of faults; all of them by default")
    parser.add_argument("--seconds", type=float, help="how long each of them holds")
    given = parser.parse_args()
    faults = [fault for fault in FAULTS if not given.names or any(part in fault.name for part in given.names)]
    if given.seconds is not None:
        faults = [replace(fault, seconds=given.seconds) for fault in faults]
    logging.getLogger("infra.local").setLevel(logging.CRITICAL)  # that messages come back is what is tried here
    with server_folder("chaos") as folder, running(folder / "rig") as rig:
        prepare(rig, faults)
        print(HEADER, flush=True)
        rows = [tried(rig, fault, number) for number, fault in enumerate(faults)]
    cells = [cell for row in rows for cell in row.cells.values()]
    bad = sum(not cell.is_well for cell in cells)
    print(f"{len(faults)} faults x {len(WAYS)} ways in: {bad} of {len(cells)} cells are not as promised")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
