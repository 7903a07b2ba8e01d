"""A live view of a backfill in the terminal: ``python -m infra.demo.backfill_watch [ID]``, until it has finished.

The backfill function is asked where the AWS CLI would ask it: on AWS, or wherever ``AWS_ENDPOINT_URL_LAMBDA`` says.
"""

import argparse
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, TypeAlias

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from infra.local.child_process import Failure, ended_by_signals
from infra.local.invocation import BACKFILL_FUNCTION, PATIENT, Json, command, through

EVERY_S = 2.0
ENDED = frozenset({"finished", "cancelled"})

Ask: TypeAlias = Callable[[Json], Json]


def watch(ask: Ask, backfill_id: str | None, console: Console) -> None:
    """Shows a backfill, by default the one that was started last, until it has ended.

    Raises:
        Failure: there is none.
    """
    if backfill_id is None:
        backfills = ask({"action": "list"})["backfills"]
        if not backfills:
            raise Failure("there is no backfill: start one, see the README")
        backfill_id = backfills[0]["backfill_id"]
    with Live(console=console, auto_refresh=False) as live:
        while True:
            status = ask({"action": "status", "backfill_id": backfill_id})
            live.update(view(status), refresh=True)
            if status["state"] in ENDED:
                return
            time.sleep(EVERY_S)


def view(status: Mapping[str, Any]) -> RenderableType:
    """A status as it is shown; what is not known, or does not occur, is left out."""
    failed = sorted(status["failed"].items(), key=lambda item: -item[1])
    rows = {
        "read": f"{status['read']:,}" + (f" of {status['total']:,}" if status["total"] is not None else ""),
        "indexed": f"{status['indexed']:,}",
        "unchanged": f"{status['unchanged']:,}",
        "deleted": f"{status['deleted']:,}" if status["deleted"] else None,
        "failed": f"{sum(status['failed'].values()):,}",
        **{f"  {code}": f"{count:,}" for code, count in failed},
        "dead letters": ", ".join(f"{count:,} of {queue}" for queue, count in status["dead_letters"].items() if count) or None,
        "rate": f"{status['rate']:,.1f} products a second",
        "time left": str(timedelta(seconds=status["time_left_s"])) if status["time_left_s"] is not None else None,
    }
    counts = Table.grid(padding=(0, 2))
    for name, value in rows.items():
        if value is not None:
            counts.add_row(Text(name, style="red" if name.startswith(("failed", "  ", "dead")) else ""), value)
    into = f" into {status['into']}" if status["into"] else ""
    percent = f", {status['percent']} %" if status["percent"] is not None else ""
    head = Text(f"{status['backfill_id']}{into}: {status['state']}{percent}", style="bold")
    return Group(head, ProgressBar(total=100, completed=status["percent"] or 0, width=60), Text(), counts)  # a bar does not end its line


def main() -> None:
    """The command ``python -m infra.demo.backfill_watch``."""
    parser = argparse.ArgumentParser(prog="python -m infra.demo.backfill_watch", description="A backfill, live, until it has finished.")
    parser.add_argument("backfill_id", nargs="?", help="default: the one that was started last")
    parser.add_argument("--function", default=BACKFILL_FUNCTION, help="name of the backfill function")
    given = parser.parse_args()
    with ended_by_signals(ClientError, BotoCoreError):
        watch(partial(command, through(boto3.client("lambda", config=PATIENT)), function=given.function), given.backfill_id, Console())


if __name__ == "__main__":
    main()
