"""The Chromium in which tests open the gallery and the API's documentation.

``python -m tests.e2e.chromium`` prints its path, and installs one first if there is none. Where that is not possible it prints why, and
exits with 0 all the same: the tests that need a browser are skipped then, and all others run.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_TIMEOUT_S = 60
INSTALL_TIMEOUT_S = 900

DOWNLOAD = [sys.executable, "-m", "playwright", "install", "chromium", "--no-shell"]
PACKAGE = [
    "sh",
    "-c",
    'test "$(id -u)" = 0 || { echo "only root can install it" >&2; exit 1; }; '
    "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium",
]


class ChromiumMissing(Exception):
    """No Chromium that starts could be found or installed; the message says why."""


@contextmanager
def running() -> Iterator[Browser]:
    """Chromium without a window for as long as the ``with`` block; skips the test, with the reason, where there is none."""
    with sync_playwright() as playwright:
        try:
            browser = launch(playwright)
        except ChromiumMissing as missing:
            pytest.skip(str(missing))
        yield browser
        browser.close()


def launch(playwright: Playwright) -> Browser:
    """Starts Chromium without a window; it is for the caller to close it.

    Raises:
        ChromiumMissing: there is none, and nothing is installed here.
    """
    return playwright.chromium.launch(executable_path=find(playwright), args=ARGUMENTS)


def find(playwright: Playwright) -> Path:
    """The executable: the one that Playwright downloaded, else the system's.

    Raises:
        ChromiumMissing: there is neither.
    """
    downloaded = Path(playwright.chromium.executable_path)
    installed = [Path(path) for path in map(shutil.which, COMMANDS) if path]
    problems = {path: _problem_of([str(path), "--version"], START_TIMEOUT_S) for path in (downloaded, *installed) if path.exists()}
    for path, problem in problems.items():
        if problem is None:
            return path
    reasons = _joined(problems) or "Playwright has downloaded none, and the system has none"
    raise ChromiumMissing(f"There is no Chromium ({reasons}); `python -m tests.e2e.chromium` installs it where it can")


def install(playwright: Playwright) -> Path:
    """Installs Chromium: Playwright's download, or Debian's package where that fails.

    Raises:
        ChromiumMissing: neither gave one that starts.
    """
    problems: dict[str, str | None] = {}
    for name, command in _installers().items():
        print(f"There is no Chromium yet: trying {name}", flush=True)
        problems[name] = _problem_of(command, INSTALL_TIMEOUT_S)
        try:
            return find(playwright)
        except ChromiumMissing as missing:
            problems[name] = problems[name] or str(missing)
    raise ChromiumMissing(f"There is no Chromium ({_joined(problems)})")


def _installers() -> dict[str, Sequence[str]]:
    has_packages = shutil.which("apt-get") is not None
    return {"Playwright's download": DOWNLOAD, **({"Debian's package chromium": PACKAGE} if has_packages else {})}


def _problem_of(command: Sequence[str], timeout_s: float) -> str | None:
    """Runs a command; returns what it said of its failure, in one line."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    said = [line for line in done.stderr.splitlines() if "rror" in line] or done.stderr.splitlines() or [f"exit code {done.returncode}"]
    return said[0].strip() if done.returncode else None


def _joined(problems: Mapping[Path, str | None] | Mapping[str, str | None]) -> str:
    return "; ".join(f"{name}: {problem}" for name, problem in problems.items())


def main() -> None:
    """Prints where Chromium is, or why there is none."""
    with sync_playwright() as playwright:
        try:
            print(f"Chromium: {_find_or_install(playwright)}")
        except ChromiumMissing as missing:
            print(f"{missing}: the tests that need it are skipped")


def _find_or_install(playwright: Playwright) -> Path:
    try:
        return find(playwright)
    except ChromiumMissing:
        return install(playwright)


if __name__ == "__main__":
    main()
