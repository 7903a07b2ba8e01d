"""A container engine: the one that this machine has, or a private one that lasts as long as it is needed."""

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from infra.local.child_process import ChildProcess
from infra.local.elasticsearch.distribution import default_cache
from infra.sam.without_registry import debian
from layers.models.export import Say

RUN = Path("/run/lookalike")
SOCKET, PID, LOG = RUN / "docker.sock", RUN / "docker.pid", RUN / "docker.log"
READY_WITHIN_S = 60
STOPS_WITHIN_S = 60
INTERFACES = Path("/sys/class/net")
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")

NOT_TO_BE_HAD = """No container engine answers, and none can be started here: that takes Debian and root.
Start Docker (or name another engine in DOCKER_HOST), then try again."""


class EngineMissing(Exception):
    """No engine answers and none could be started; the message says what to do."""


@dataclass(frozen=True)
class Engine:
    """An engine that answers.

    Attributes:
        environment: the variables, beyond this process's own, by which `docker` and `sam` find it.
        is_private: whether it was started by this project and keeps its images in this project's cache.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    is_private: bool = False

    @property
    def whole_environment(self) -> dict[str, str]:
        """What a child process is given."""
        return {**os.environ, **self.environment}

    def docker(self, *arguments: str, quiet: bool = True) -> str:
        """Runs `docker` and returns what it printed; with ``quiet=False`` it prints to the terminal instead.

        Raises:
            subprocess.CalledProcessError: it failed; ``stderr`` says why.
        """
        run = subprocess.run(  # noqa: S603
            ["docker", *arguments],  # noqa: S607
            env=self.whole_environment,
            check=True,
            text=True,
            capture_output=quiet,
        )
        return run.stdout.strip() if quiet else ""


@contextmanager
def engine(say: Say, cache: Path | None = None) -> Iterator[Engine]:
    """An engine for the ``with`` block: one that answers already, which is left as it is; else a private one.

    The private engine has its own socket and its own data folder, where images and build steps stay for the next time. It ends with the
    block, or with this process. A second process that wants one at the same time uses the first one's.

    Args:
        say: told what is done.
        cache: folder of this project's downloads.

    Raises:
        EngineMissing: none answers and none could be started.
    """
    if answers(Engine()):
        yield Engine()
        return
    if not debian.is_usable():
        raise EngineMissing(NOT_TO_BE_HAD)
    data = (cache or default_cache()) / "engine"
    data.mkdir(parents=True, exist_ok=True)
    found = Engine({"DOCKER_HOST": f"unix://{SOCKET}", "DOCKER_CONFIG": str(_configuration(data))}, is_private=True)
    with (data / "lock").open("ab") as lock:
        if not _take(lock):
            say("Using the private container engine that another run of this project has started")
            deadline = time.monotonic() + READY_WITHIN_S
            while not answers(found) and time.monotonic() < deadline:
                time.sleep(0.2)
            yield found
            return
        debian.install(("docker", "dockerd", "iptables"), say)
        with _private(data, lock, found, say):
            yield found


def answers(found: Engine) -> bool:
    """Whether the engine is there."""
    try:
        return bool(found.docker("version", "--format", "{{.Server.Version}}"))
    except (FileNotFoundError, subprocess.CalledProcessError):
        return False


def plugins_folder(found: Engine) -> Path:
    """Where the private engine's clients look for compose and buildx."""
    return Path(found.environment["DOCKER_CONFIG"]) / "cli-plugins"


def _configuration(data: Path) -> Path:
    """The clients' configuration: no credentials, plugins of our own. The user's is not touched."""
    folder = data.parent / "docker"
    (folder / "cli-plugins").mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({}))
    return folder


def _take(lock: BinaryIO) -> bool:
    """One engine a data folder: false if another process has it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _private(data: Path, lock: BinaryIO, found: Engine, say: Say) -> Iterator[None]:
    say(f"No container engine answers: starting a private one, which stops with this command; its images stay in {data}")
    RUN.mkdir(parents=True, exist_ok=True)
    PID.unlink(missing_ok=True)
    dockerd = ["dockerd", f"--host=unix://{SOCKET}", f"--data-root={data}", f"--exec-root={RUN / 'exec'}", f"--pidfile={PID}"]
    supervised = [sys.executable, "-m", "infra.sam.without_registry.engine", *dockerd]
    process = ChildProcess(supervised, log=LOG, environment=os.environ, lock=lock, grace_s=STOPS_WITHIN_S)
    try:
        process.wait_until(lambda: answers(found), READY_WITHIN_S, EngineMissing, "The private container engine")
        yield
    finally:
        process.stop()
        shutil.rmtree(RUN, ignore_errors=True)


def main() -> None:
    """Runs `dockerd` (the command line's arguments) until SIGTERM, then leaves this machine's network as it was.

    It is a process of its own, so that this happens even where the one that asked for the engine was killed.
    """
    ends: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: ends.append(number))  # before dockerd is there, which must not outlive this process
    with _firewall_as_before():
        process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)  # noqa: S603
        while process.poll() is None and not ends:
            time.sleep(0.2)
        process.terminate()
        process.wait()
    shutil.rmtree(RUN, ignore_errors=True)


@contextmanager
def _firewall_as_before() -> Iterator[None]:
    """`dockerd` leaves its rules, its network interfaces and forwarding behind; this takes them away."""
    bridges, forwarding, rules = _bridges(), FORWARDING.read_text(), _firewall()
    try:
        yield
    finally:
        subprocess.run(["iptables-restore"], input=without_docker(_firewall(), rules), text=True, check=False)  # noqa: S607
        FORWARDING.write_text(forwarding)
        for bridge in _bridges() - bridges if shutil.which("ip") else ():
            subprocess.run(["ip", "link", "delete", bridge], check=False)  # noqa: S603, S607


def _bridges() -> set[str]:
    """Docker's network interfaces: the common one, and one for each network."""
    return {interface.name for interface in INTERFACES.iterdir() if re.fullmatch(r"docker0|br-[0-9a-f]{12}", interface.name)}


def _firewall() -> str:
    return subprocess.run(["iptables-save"], capture_output=True, text=True, check=False).stdout  # noqa: S607


def without_docker(rules: str, before: str) -> str:
    """A firewall's rules, as `iptables-save` lists them, less those of Docker; what was forwarded ``before`` is forwarded again."""
    policies = [line.split()[1] for line in before.splitlines() if line.startswith(":FORWARD")]
    kept = (line for line in rules.splitlines() if not re.search(r"DOCKER|docker0|\bbr-[0-9a-f]{12}\b", line))
    forwarded = (re.sub(r"^:FORWARD \w+", f":FORWARD {policies[0] if policies else 'ACCEPT'}", line) for line in kept)
    return "\n".join(forwarded) + "\n"


if __name__ == "__main__":
    main()
