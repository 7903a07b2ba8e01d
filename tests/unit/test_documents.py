"""Pages are true in what a program can check: links lead somewhere, and the walks of CONTRIBUTING name what is there."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(ROOT / name for name in subprocess.check_output(["git", "ls-files", "*.md"], cwd=ROOT, text=True).split())
LINK = re.compile(r"\]\(([^)#:\s]+)(#[^)\s]+)?\)")
STEP = re.compile(r"^\d+\. (.+(?:\n   .+)*)", re.MULTILINE)
QUOTED = re.compile(r"`([^`]+)`")


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_link_of_a_page_leads_to_a_file_and_its_heading(page: Path) -> None:
    for target, heading in LINK.findall(page.read_text()):
        file = page.parent / target
        assert file.exists(), f"{page}: {target}"
        if heading:
            headings = {re.sub(r"[^\w-]", "", line.lstrip("# ").lower().replace(" ", "-")) for line in file.read_text().splitlines()}
            assert heading.removeprefix("#") in headings, f"{page}: {target}{heading}"


@pytest.mark.parametrize("step", STEP.findall((ROOT / "CONTRIBUTING.md").read_text()))
def test_a_step_of_contributing_names_files_that_exist_and_what_is_in_them(step: str) -> None:
    file: Path | None = None
    for quoted in QUOTED.findall(step):
        if "/" in quoted or quoted.endswith((".py", ".yaml", ".md")):
            file = ROOT / quoted
            assert file.exists(), quoted
        elif file and file.is_file():
            assert quoted in file.read_text(), f"{quoted} in {file.relative_to(ROOT)}"
