"""What Debian's own tools are used for: installing commands, and a root file system to build images from."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.elasticsearch.distribution import Say

RELEASE = "trixie"
"""It has Python 3.13, OpenJDK 25, and Docker's compose and buildx as plugins."""

PACKAGES = {"docker": "docker.io", "dockerd": "docker.io", "iptables": "iptables", "debootstrap": "debootstrap"}
"""Command -> the package that brings it."""

_NO_SERVICE_STARTS = Path("/usr/sbin/policy-rc.d")


def is_usable() -> bool:
    """Whether this is Debian and we may install packages."""
    return os.geteuid() == 0 and Path("/etc/debian_version").exists() and shutil.which("apt-get") is not None


def install(commands: Iterable[str], say: Say) -> None:
    """Installs the packages of those commands that are missing; none of their services is started.

    Raises:
        subprocess.CalledProcessError: apt-get failed; what it said is on standard error.
    """
    missing = sorted({PACKAGES[command] for command in commands if shutil.which(command) is None})
    if not missing:
        return
    say(f"Installing Debian's {', '.join(missing)} with apt-get")
    with _services_stay_as_they_are():
        for step in (["update"], ["install", "--yes", "--no-install-recommends", *missing]):
            environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            subprocess.run(["apt-get", "-qq", *step], env=environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603, S607


@contextmanager
def _services_stay_as_they_are() -> Iterator[None]:
    """Debian's packages start what they install unless this file says no."""
    if _NO_SERVICE_STARTS.exists():
        yield
        return
    _NO_SERVICE_STARTS.write_text("#!/bin/sh\nexit 101\n")
    _NO_SERVICE_STARTS.chmod(0o755)
    try:
        yield
    finally:
        _NO_SERVICE_STARTS.unlink()


def bootstrap(folder: Path, say: Say) -> None:
    """Unpacks a minimal Debian into a folder, from the mirror that this machine's apt uses.

    Raises:
        subprocess.CalledProcessError: debootstrap failed; what it said is on standard error.
    """
    say(f"Making a minimal Debian {RELEASE} with debootstrap (about a minute)")
    command = ["debootstrap", "--variant=minbase", "--include=ca-certificates", RELEASE, str(folder), *mirror()]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    for rest in ("var/cache/apt/archives", "var/lib/apt/lists"):
        shutil.rmtree(folder / rest)
        (folder / rest / "partial").mkdir(parents=True)


def mirror() -> list[str]:
    """Where this machine's apt gets Debian's main archive from, as one argument; none where apt does not say (debootstrap knows one)."""
    command = ["apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)", "Created-By: Packages"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()  # noqa: S603
    return [line.rpartition("|")[2] for line in listed if line.startswith("Debian|Debian|main|")][:1]
