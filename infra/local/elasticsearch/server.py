"""A local Elasticsearch as a child process, without Docker.

``python -m infra.local.elasticsearch.server`` runs one until Ctrl-C.
"""

import argparse
import base64
import fcntl
import hashlib
import json
import os
import pwd
import secrets
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import BinaryIO, Self

import requests

from infra.local.child_process import ChildProcess, Failure, ended_by_signals, tail
from infra.local.elasticsearch import distribution
from infra.local.elasticsearch.distribution import VERSION, Distribution
from layers.models.export import Say

READY_WITHIN_S = 180
CLOSED_WITHIN_S = 10
CONSOLE, PORTS, AUTHORITY = "logs/console.log", "logs/http.ports", "config/authority.crt"
USER = "lookalike"
PLACE_OF_ROOT = Path("/var/lib/lookalike")

SETTINGS = {
    "cluster.name": "lookalike-local",
    "node.name": "local",
    "discovery.type": "single-node",
    "network.host": "127.0.0.1",
    "transport.port": 0,
    "node.portsfile": True,
    "cluster.routing.allocation.disk.threshold_enabled": False,
}
SWITCHED_OFF = {
    "ingest-geoip": "ingest.geoip.downloader.enabled",
    "x-pack-ml": "xpack.ml.enabled",
    "x-pack-stack": "stack.templates.enabled",
}
"""What makes the start slow: modules and their settings, which only a server knows that has the module."""

HTTPS = {"xpack.security.http.ssl": {"enabled": True, "key": "http.key", "certificate": "http.crt"}}


@dataclass
class ElasticsearchServer:
    """One node on the loopback interface, for this machine only.

    It ends with the process that started it. Elasticsearch refuses to run as root; root's runs as ``nobody``.

    Args:
        data: folder of its indices, configuration and logs; a second start with the same folder finds the indices again.
        heap_mb: the JVM's heap.
        quick_start: the JVM's second compiler is left out: 15 instead of 24 seconds of a core for a start, and slower vectors afterwards.
        port: HTTP port; 0 for any that is free. A restart keeps the port of the first start.
        password: switches security on; the user is ``lookalike``, who may do everything.
        certificate: switches HTTPS on, which Elasticsearch allows with security only: http.key, http.crt and authority.crt, PEM each.
        say: told what happens.
    """

    data: Path
    _: KW_ONLY
    heap_mb: int = 1024
    quick_start: bool = False
    port: int = 0
    password: str | None = None
    certificate: Mapping[str, bytes] = field(default_factory=dict)
    say: Say = print

    process: ChildProcess | None = field(init=False, default=None)
    """What runs, or has ended by itself."""

    @property
    def url(self) -> str:
        """Where it answers, once it was started."""
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when the server answers and its indices are there.

        Raises:
            Failure: there is no Elasticsearch here and none could be had; or it ended, or was not ready in time.
        """
        found = distribution.ensure(distribution.default_cache(), self.say)
        user = "nobody" if os.geteuid() == 0 else ""
        home = place(self.data.absolute(), user)
        with (home / "lock").open("ab") as lock:
            _take(lock, self.data)
            self._configure(home, found.home, user)
            (home / PORTS).unlink(missing_ok=True)
            (home / CONSOLE).unlink(missing_ok=True)
            self.say(f"Starting Elasticsearch {VERSION}, logs in {self.data / 'logs'}")
            began = time.monotonic()
            self.process = self._spawn(found, home, user, lock)
        self.process.wait_until(lambda: self._is_ready(home), READY_WITHIN_S, "Elasticsearch")
        self.say(f"Elasticsearch is ready at {self.url} after {time.monotonic() - began:.0f} s")

    def stop(self) -> None:
        """Ends it in order; does nothing if it does not run."""
        if self.process:
            self.process.stop()
            self.process = None

    def kill(self) -> None:
        """Ends it as ``kill -9`` does."""
        if self.process:
            self.process.kill()
            self.process = None

    def _configure(self, home: Path, distribution_home: Path, user: str) -> None:
        shutil.copytree(distribution_home / "config", home / "config", dirs_exist_ok=True)
        for folder in ("data", "logs", "tmp"):
            (home / folder).mkdir(exist_ok=True)
        modules = {module.name for module in (distribution_home / "modules").iterdir()}
        settings = SETTINGS | {setting: False for module, setting in SWITCHED_OFF.items() if module in modules}
        own = {"http.port": self.port, "path.data": f"{home}/data", "path.logs": f"{home}/logs"}
        security = {"xpack.security.enabled": self.password is not None, **(HTTPS if self.certificate else {})}
        (home / "config/elasticsearch.yml").write_text(json.dumps(settings | own | security))  # JSON is YAML
        for name, content in self.certificate.items():
            (home / "config" / name).write_bytes(content)
        if self.password is not None:
            (home / "config/users").write_text(f"{USER}:{_password_hash(self.password)}\n")
            (home / "config/users_roles").write_text(f"superuser:{USER}\n")
        if user:
            for path in (home, *(home / name for name in ("data", "logs", "tmp", "config")), *(home / "config").rglob("*")):
                shutil.chown(path, user, pwd.getpwnam(user).pw_gid)  # what is inside ``data`` that user has written

    def _spawn(self, found: Distribution, home: Path, user: str, lock: BinaryIO) -> ChildProcess:
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "ES_PATH_CONF": str(home / "config"),
            "ES_TMPDIR": str(home / "tmp"),
            "CLI_JAVA_OPTS": f"-Djava.io.tmpdir={home / 'tmp'}",  # its launcher leaves a folder behind
            "ES_JAVA_OPTS": f"-Xms{self.heap_mb}m -Xmx{self.heap_mb}m" + (" -XX:TieredStopAtLevel=1" if self.quick_start else ""),
            **({"ES_JAVA_HOME": str(found.java_home)} if found.java_home else {}),
        }
        return ChildProcess([str(found.home / "bin/elasticsearch")], log=home / CONSOLE, environment=environment, user=user, lock=lock)

    def _is_ready(self, home: Path) -> bool:
        """The node writes the address that it listens on into a file."""
        credentials = (USER, self.password) if self.password is not None else None
        try:
            self.port = int((home / PORTS).read_text().splitlines()[0].rpartition(":")[2])
            address = f"{self.url}/_cluster/health?wait_for_status=yellow&timeout=1s"
            authority = str(home / AUTHORITY) if self.certificate else True
            health = requests.get(address, auth=credentials, verify=authority, timeout=10)
        except (FileNotFoundError, IndexError, ValueError, requests.RequestException):
            return False
        return health.ok


def place(data: Path, user: str) -> Path:
    """The folder ``data``, made if need be.

    Where the other user cannot enter the folders above it (root's home, for example), ``data`` becomes a link to a folder in /var/lib.
    """
    data.parent.mkdir(parents=True, exist_ok=True)
    if data.is_symlink() and not data.exists():
        data.unlink()
    if user and not data.is_symlink() and not distribution.can_be_entered(data.parent):
        if data.is_dir():
            data.rmdir()
        PLACE_OF_ROOT.mkdir(parents=True, exist_ok=True)
        data.symlink_to(tempfile.mkdtemp(dir=PLACE_OF_ROOT, prefix="elasticsearch-"))
    data.mkdir(exist_ok=True)
    return data.resolve()


def _take(lock: BinaryIO, folder: Path) -> None:
    """One server a folder. Waits a while: after the death of its parent, a server is still closing its indices."""
    deadline = time.monotonic() + CLOSED_WITHIN_S
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                message = f"Another Elasticsearch runs in {folder}. Stop it, use it with ES_URL, or choose another folder."
                raise Failure(message) from None
        time.sleep(0.1)


def _password_hash(password: str) -> str:
    """As the file realm reads it: PBKDF2 with HMAC-SHA512, 10,000 rounds, 32 bytes of salt and of key."""
    salt = secrets.token_bytes(32)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 10_000, dklen=32)
    return f"{{PBKDF2}}10000${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"


def main() -> None:
    """Runs a server until Ctrl-C."""
    arguments = argparse.ArgumentParser(description="A local Elasticsearch, until Ctrl-C.")
    arguments.add_argument("--data", type=Path, default=Path("build/elasticsearch"), help="folder of its indices")
    arguments.add_argument("--port", type=int, default=9200)
    given = arguments.parse_args()
    with ended_by_signals(), ElasticsearchServer(given.data, port=given.port) as server:
        while server.process and server.process.exit_code is None:
            time.sleep(0.5)
        raise Failure(f"Elasticsearch ended. {tail(given.data / CONSOLE)}")


if __name__ == "__main__":
    main()
