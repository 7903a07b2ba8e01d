"""``python -m tests.smoke --url … --key … --bucket …``: checks a running stack. Ends with 1 if a check fails.

All that it leaves is the record of its backfill.
"""

import argparse
import os
import sys
import time
from functools import partial

from tests.smoke import checks
from tests.smoke.stack import Stack


def run(stack: Stack, picture_url: str = "") -> list[str]:
    """Runs all checks and says how each ended; returns the names of those that failed."""
    failed = []
    with checks.sample(stack) as made:
        for check in checks.CHECKS:
            began = time.monotonic()
            try:
                (partial(check, picture_url=picture_url) if check is checks.address else check)(stack, made)
                ending = "ok"
            except Exception as error:  # whatever AWS refuses too: the other checks are made, and all is cleaned up
                failed.append(check.__name__)
                ending = f"FAILED: {type(error).__name__} {error}"
            print(f"{check.__name__.replace('_', ' '):18} {time.monotonic() - began:6.1f} s  {ending}", flush=True)
    print("cleaned up")
    return failed


def main() -> None:
    """Reads the command line; what the local systems print as variables is taken from there."""
    parser = argparse.ArgumentParser(prog="python -m tests.smoke", description="Checks a running stack.")
    parser.add_argument("--url", default=os.environ.get("SEARCH_URL"), help="of the API; default: SEARCH_URL")
    parser.add_argument("--key", default="", help="for x-api-key")
    parser.add_argument("--bucket", default=os.environ.get("BUCKET"), help="default: BUCKET")
    parser.add_argument("--stack", default="lookalike", help="the stack's name")
    parser.add_argument(
        "--picture-url", default=os.environ.get("PICTURE_URL", ""), help="to search by; default: PICTURE_URL, else the upload's link"
    )
    parser.add_argument("--sam-local", action="store_true", help="the gateway is that of sam local, which has no gateway responses")
    given = parser.parse_args()
    if not given.url or not given.bucket:
        parser.error("give --url and --bucket: the stack's outputs ApiUrl and Bucket")
    stack = Stack(given.url, given.key, given.bucket, given.stack, has_gateway_responses=not given.sam_local)
    if failed := run(stack, given.picture_url):
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
