"""Which pictures many products share, as a table: ``python -m layers.quality.placeholders``. Most of these stand for "no image".

The backfill function is asked where the AWS CLI would ask it: on AWS, or wherever ``AWS_ENDPOINT_URL_LAMBDA`` says.
"""

import argparse
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table

from infra.local.child_process import ended_by_signals
from infra.local.invocation import BACKFILL_FUNCTION, PATIENT, command, through

_HELP = 'Those that stand for "no image" are left out of searches by the parameter PlaceholderHashes: their hashes, separated by commas.'


def show(answer: Mapping[str, Any], console: Console) -> None:
    """Prints what the command `report` answered: a row for each picture, its address and the value for the parameter below it."""
    if not answer["pictures"]:
        console.print(f"No two products in {answer['index']} share a picture.")
        return
    table = Table(
        "products", "files", "left out", "perceptual hash and an example", title=f"Pictures that products in {answer['index']} share"
    )
    for picture in answer["pictures"]:
        named = f"{picture['perceptual_hash']}\n{picture['image_url']}"
        table.add_row(f"{picture['products']:,}", f"{picture['files']:,}", "yes" if picture["is_left_out"] else "", named)
    console.print(table)
    console.print(_HELP)


def main() -> None:
    """The command ``python -m layers.quality.placeholders``."""
    parser = argparse.ArgumentParser(prog="python -m layers.quality.placeholders", description="Which pictures many products share.")
    parser.add_argument("--size", type=int, default=20, help="how many pictures, 100 at most")
    parser.add_argument("--function", default=BACKFILL_FUNCTION, help="name of the backfill function")
    given = parser.parse_args()
    console = Console()
    with ended_by_signals(ClientError, BotoCoreError):
        with console.status("Counting the pictures of the index"):
            answer = command(through(boto3.client("lambda", config=PATIENT)), {"action": "report", "size": given.size}, given.function)
        show(answer, console)


if __name__ == "__main__":
    main()
