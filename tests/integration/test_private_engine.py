"""What the private container engine and its stand-ins' tools leave behind when they are stopped: nothing."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.sam.without_registry import debian

SUPERVISOR = """
import contextlib, os, pathlib, signal, sys
from infra.sam.without_registry import engine

@contextlib.contextmanager
def firewall():
    if moment == "early":
        os.kill(os.getpid(), signal.SIGTERM)
    yield
    print("firewall as before", flush=True)

moment, run = sys.argv.pop(1), pathlib.Path(sys.argv.pop(1))
engine.RUN, engine._firewall_as_before = run, firewall
engine.main()
"""
DOCKERD = ["sh", "-c", "echo $$ started; exec sleep 60"]
USER = """
import subprocess, sys
from infra.sam.without_registry import debian
subprocess.run([*debian.ENDS_WITH_US, "sh", "-c", "mount -t tmpfs none /mnt && readlink /proc/self/ns/mnt; sleep 60; true"])
"""


@pytest.mark.parametrize("moment", ["early", "running"])
def test_a_supervisor_that_is_told_to_end_takes_dockerd_its_rules_and_its_folder_along(moment: str, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    command = [sys.executable, "-c", SUPERVISOR, moment, str(run), *DOCKERD]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout
        if moment == "running":
            assert supervisor.stdout.readline().endswith("started\n")
            supervisor.send_signal(signal.SIGTERM)
        said = supervisor.stdout.read()  # ends when dockerd, which has the other end too, is gone
        assert supervisor.wait(10) == 0
    assert said.endswith("firewall as before\n")
    assert not run.exists()


@pytest.mark.skipif(not debian.is_usable(), reason="debootstrap is run as root on Debian only")
def test_debootstrap_and_its_mounts_end_with_the_command_that_was_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", USER], stdout=subprocess.PIPE, text=True) as user:
        assert user.stdout
        namespace = user.stdout.readline().strip()
        assert _users_of(namespace)
        user.kill()
        _eventually(lambda: not _users_of(namespace))


def _users_of(namespace: str) -> list[Path]:
    """The processes that have this namespace of mounts."""
    return [link for link in Path("/proc").glob("[0-9]*/ns/mnt") if _target(link) == namespace]


def _target(link: Path) -> str | None:
    try:
        return str(link.readlink())
    except OSError:
        return None


def _eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
