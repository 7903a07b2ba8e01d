"""What the private container engine and its stand-ins' tools leave behind when they are stopped: nothing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.sam.without_registry.engine import SCRIPTS, is_debian_and_root

BEFORE = """\
*filter
:INPUT ACCEPT [10:20]
:FORWARD ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
"""
AFTER = """\
*filter
:INPUT ACCEPT [10:20]
:FORWARD DROP [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT
-A FORWARD -j DOCKER-USER
-A FORWARD -i docker0 -o docker0 -j ACCEPT
-A FORWARD -i br-a999fcf8ea3b ! -o br-a999fcf8ea3b -j ACCEPT
COMMIT
"""
IPTABLES_SAVE = """#!/bin/sh
if [ "$MOMENT" = early ] && [ ! -e restored ]; then kill -TERM "$(cat supervisor)"; fi
cat rules
"""
IPTABLES_RESTORE = """#!/bin/sh
cat > restored
"""
SUPERVISOR = 'echo $$ > supervisor; exec bash "$@"'
DOCKERD = "cp after rules; echo started; exec sleep 60"
USER = """
import subprocess
from infra.sam.without_registry.stand_ins import ENDS_WITH_US
subprocess.run([*ENDS_WITH_US, "sh", "-c", "mount -t tmpfs none /mnt && readlink /proc/self/ns/mnt; sleep 60; true"])
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder with a firewall's rules, the commands that list and load them, and the engine's folder ``run``."""
    (tmp_path / "rules").write_text(BEFORE)
    (tmp_path / "after").write_text(AFTER)
    (tmp_path / "run").mkdir()
    for name, script in {"iptables-save": IPTABLES_SAVE, "iptables-restore": IPTABLES_RESTORE}.items():
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    return tmp_path


def _supervise(machine: Path, moment: str) -> str:
    """Runs the supervisor until it was told to end; what it and its dockerd have printed."""
    command = ["bash", "-c", SUPERVISOR, "bash", str(SCRIPTS / "dockerd.sh"), str(machine / "run"), "sh", "-c", DOCKERD]
    environment = os.environ | {"PATH": f"{machine}:{os.environ['PATH']}", "MOMENT": moment}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=machine, env=environment) as supervisor:
        assert supervisor.stdout
        said = ""
        if moment == "running":
            said = supervisor.stdout.readline()
            supervisor.send_signal(signal.SIGTERM)
        said += supervisor.stdout.read()  # ends when dockerd, which has the other end too, is gone
        assert supervisor.wait(10) == 0
    return said


@pytest.mark.parametrize("moment", ["early", "running"])
def test_a_supervisor_that_is_told_to_end_takes_dockerd_and_its_folder_along(moment: str, machine: Path) -> None:
    _supervise(machine, moment)
    assert not (machine / "run").exists()
    assert (machine / "restored").exists()


def test_the_firewall_loses_docker_s_rules_and_keeps_what_others_added_meanwhile(machine: Path) -> None:
    assert _supervise(machine, "running") == "started\n"
    assert (machine / "restored").read_text().splitlines() == [
        "*filter",
        ":INPUT ACCEPT [10:20]",
        ":FORWARD ACCEPT [0:0]",
        "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT",
        "-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT",
        "COMMIT",
    ]


def test_a_firewall_that_forwarded_nothing_forwards_nothing_afterwards(machine: Path) -> None:
    (machine / "rules").write_text(BEFORE.replace("FORWARD ACCEPT", "FORWARD DROP"))
    _supervise(machine, "running")
    assert ":FORWARD DROP [0:0]" in (machine / "restored").read_text()


@pytest.mark.skipif(not is_debian_and_root(), reason="debootstrap is run as root on Debian only")
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
