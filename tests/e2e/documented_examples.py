"""The shell examples of the pages that a user reads."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "functions/README.md", "functions/search/README.md", "functions/backfill/README.md")

EXAMPLES: tuple[str, ...] = tuple(
    block
    for page in PAGES
    for block in re.findall(r"```sh\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    if not block.startswith("make ")
)
"""In the order of the pages; those of the development's own commands are left out."""
