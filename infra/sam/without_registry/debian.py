"""What Debian's own tools are used for: installing commands, and a root file system to build images from."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from layers.models.export import Say

RELEASE = "trixie"
"""It has Python 3.13, OpenJDK 25, and Docker's compose and buildx as plugins."""

PACKAGES = {"docker": "docker.io", "dockerd": "docker.io", "iptables": "iptables", "debootstrap": "debootstrap"}
"""Command -> the package that brings it."""

INSTALL = """
no_service_starts=/usr/sbin/policy-rc.d
if [ ! -e "$no_service_starts" ]; then
    trap 'rm "$no_service_starts"' EXIT
    printf '#!/bin/sh\\nexit 101\\n' > "$no_service_starts"
    chmod 755 "$no_service_starts"
fi
apt-get -qq update && apt-get -qq install --yes --no-install-recommends "$@"
"""
"""A shell script. Debian's packages start the services that they install, unless that file says no."""

ENDS_WITH_US = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--kill-child"]
"""Before a command: it, its children and its mounts are gone when it or this process is killed."""


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
    command = ["sh", "-c", INSTALL, "sh", *missing]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # In a session of its own, which Ctrl-C does not reach: an installation is not broken off halfway.
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, start_new_session=True) as process:  # noqa: S603
        code = process.wait()
    if code:
        raise subprocess.CalledProcessError(code, ["apt-get", "install", *missing])


def bootstrap(folder: Path, say: Say) -> None:
    """Unpacks a minimal Debian into a folder, from the mirror that this machine's apt uses.

    Raises:
        subprocess.CalledProcessError: debootstrap failed; what it said is on standard error.
    """
    say(f"Making a minimal Debian {RELEASE} with debootstrap (about a minute)")
    command = [*ENDS_WITH_US, "debootstrap", "--variant=minbase", "--include=ca-certificates", RELEASE, str(folder), *mirror()]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    for rest in ("var/cache/apt/archives", "var/lib/apt/lists"):
        shutil.rmtree(folder / rest)
        (folder / rest / "partial").mkdir(parents=True)


def mirror() -> list[str]:
    """Where this machine's apt gets Debian's main archive from, as one argument; none where apt does not say (debootstrap knows one)."""
    command = ["apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)", "Created-By: Packages"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()  # noqa: S603
    return [line.rpartition("|")[2] for line in listed if line.startswith("Debian|Debian|main|")][:1]
