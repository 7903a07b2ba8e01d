"""A container engine: the one that this machine has, or a private one that lasts as long as it is needed."""

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from infra.local.child_process import ChildProcess, Failure
from infra.local.elasticsearch.distribution import default_cache
from layers.models.export import Say

SCRIPTS = Path(__file__).parent
RUN = Path("/run/lookalike")
SOCKET, PID = RUN / "docker.sock", RUN / "docker.pid"
READY_WITHIN_S = 60
STOPS_WITHIN_S = 60

PACKAGES = {"docker": "docker.io", "dockerd": "docker.io", "iptables": "iptables", "debootstrap": "debootstrap"}
"""Command -> the package of Debian that brings it."""

NOT_TO_BE_HAD = """No container engine answers, and none can be started here: that takes Debian and root.
Start Docker (or name another engine in DOCKER_HOST), then try again."""


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

    def docker(self, *arguments: str) -> str:
        """Runs `docker` and returns what it printed.

        Raises:
            subprocess.CalledProcessError: it failed; ``stderr`` says why.
        """
        command = ["docker", *arguments]
        run = subprocess.run(command, env=self.whole_environment, check=True, text=True, capture_output=True)  # noqa: S603
        return run.stdout.strip()

    def does(self, *arguments: str) -> bool:
        """Whether `docker` succeeds with these arguments."""
        try:
            return bool(self.docker(*arguments))
        except (FileNotFoundError, subprocess.CalledProcessError):
            return False

    @property
    def answers(self) -> bool:
        """Whether the engine is there."""
        return self.does("version", "--format", "{{.Server.Version}}")


@contextmanager
def engine(say: Say) -> Iterator[Engine]:
    """An engine for the ``with`` block: one that answers already, which is left as it is; else a private one.

    The private engine has its own socket and its own data folder, where images and build steps stay for the next time. It ends with the
    block, or with this process. A second process that wants one at the same time uses the first one's.

    Raises:
        Failure: none answers and none could be started.
    """
    if Engine().answers:
        yield Engine()
        return
    if not is_debian_and_root():
        raise Failure(NOT_TO_BE_HAD)
    data, configuration = default_cache() / "engine", default_cache() / "docker"
    data.mkdir(parents=True, exist_ok=True)
    found = Engine({"DOCKER_HOST": f"unix://{SOCKET}", "DOCKER_CONFIG": str(configuration)}, is_private=True)
    with (data / "lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Using the private container engine that another run of this project has started")
            deadline = time.monotonic() + READY_WITHIN_S
            while not found.answers and time.monotonic() < deadline:
                time.sleep(0.2)
            yield found
            return
        with _private(data, lock, found, say):
            yield found


def is_debian_and_root() -> bool:
    """Whether this is Debian and we may install packages."""
    return os.geteuid() == 0 and Path("/etc/debian_version").exists() and shutil.which("apt-get") is not None


def install(commands: Iterable[str], say: Say) -> None:
    """Installs the packages of those commands that are missing; none of their services is started.

    Raises:
        subprocess.CalledProcessError: apt-get failed; what it said is on standard error.
    """
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    if missing := sorted({PACKAGES[command] for command in commands if shutil.which(command, path=path) is None}):
        say(f"Installing Debian's {', '.join(missing)} with apt-get")
        # In a session of its own, which Ctrl-C does not reach: an installation is not broken off halfway.
        command = ["sh", str(SCRIPTS / "install.sh"), *missing]
        with subprocess.Popen(command, start_new_session=True) as process:  # noqa: S603
            code = process.wait()
        if code:
            raise subprocess.CalledProcessError(code, command)


@contextmanager
def _private(data: Path, lock: BinaryIO, found: Engine, say: Say) -> Iterator[None]:
    install(("docker", "dockerd", "iptables"), say)
    say(f"No container engine answers: starting a private one, which stops with this command; its images stay in {data}")
    RUN.mkdir(parents=True, exist_ok=True)
    PID.unlink(missing_ok=True)
    dockerd = ["dockerd", f"--host=unix://{SOCKET}", f"--data-root={data}", f"--exec-root={RUN / 'exec'}", f"--pidfile={PID}"]
    command = ["bash", str(SCRIPTS / "dockerd.sh"), str(RUN), *dockerd]
    process = ChildProcess(command, log=RUN / "docker.log", environment=os.environ, lock=lock, grace_s=STOPS_WITHIN_S)
    try:
        process.wait_until(lambda: found.answers, READY_WITHIN_S, "The private container engine")
        yield
    finally:
        process.stop()
