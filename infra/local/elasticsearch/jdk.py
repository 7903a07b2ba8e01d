"""Finds a JDK that can run Elasticsearch: the first `java` on PATH is often too old."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

LEAST_VERSION = 21

USUAL_FOLDERS = (
    "/usr/lib/jvm/*",
    "/opt/*jdk*",
    "/opt/java/*",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "/opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home",
    "~/.sdkman/candidates/java/*",
    "~/.jdks/*",
)


def find(environment: Mapping[str, str]) -> Path | None:
    """The home of the first JDK that is recent enough and whole: ES_JAVA_HOME, JAVA_HOME, PATH, then the usual folders, newest first."""
    return next((home for home in _candidates(environment) if _is_usable(home / "bin" / "java")), None)


def _candidates(environment: Mapping[str, str]) -> Iterator[Path]:
    yield from (Path(environment[name]) for name in ("ES_JAVA_HOME", "JAVA_HOME") if environment.get(name))
    on_path = shutil.which("java", path=environment.get("PATH"))
    if on_path and not (sys.platform == "darwin" and on_path == "/usr/bin/java"):  # macOS's is a stub that opens a dialogue
        yield Path(on_path).resolve().parent.parent
    for pattern in USUAL_FOLDERS:
        found = Path("/").glob(str(Path(pattern).expanduser().relative_to("/")))
        yield from sorted(found, key=_version_in_name, reverse=True)


def _version_in_name(home: Path) -> int:
    """The first number in a folder's name that looks like a version: 25 for ``temurin-25-jdk-amd64``, 17 for ``java-1.17.0``."""
    return max((int(number) for number in re.findall(r"\d{1,2}", home.name)[:2]), default=0)


def _is_usable(java: Path) -> bool:
    if not java.is_file():
        return False
    listed = subprocess.run([java, "--list-modules"], capture_output=True, text=True, check=False)  # noqa: S603
    version = re.search(r"^jdk\.jlink@(\d+)", listed.stdout, re.MULTILINE)
    return version is not None and int(version[1]) >= LEAST_VERSION
