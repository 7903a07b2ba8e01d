"""Which pictures many products share: ``python -m layers.quality.placeholders``. Most of these stand for "no image".

The backfill function is asked where the AWS CLI would ask it: on AWS, or wherever ``AWS_ENDPOINT_URL_LAMBDA`` says.
"""

import argparse
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from infra.local.child_process import ended_by_signals
from infra.local.invocation import BACKFILL_FUNCTION, PATIENT, command, through

_HELP = 'Those that stand for "no image" are left out of searches by the parameter PlaceholderHashes: their hashes, separated by commas.'


def show(answer: Mapping[str, Any], console: Console) -> None:
    """Prints what the command `report` answered: the numbers of each picture, the value for the parameter on its own line, the address."""
    if not answer["pictures"]:
        console.print(f"No two products in {answer['index']} share a picture.")
        return
    console.print(f"Pictures that products in {answer['index']} share:")
    for picture in answer["pictures"]:
        left_out = ", left out already" if picture["is_left_out"] else ""
        counts = f"{picture['products']:,} products, {picture['files']:,} different files{left_out}"
        text = f"\n{counts}\n{picture['perceptual_hash']}\n{picture['image_url']}"
        console.print(text, soft_wrap=True, markup=False, highlight=False)
    console.print()
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
